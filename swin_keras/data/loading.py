"""One way in: a folder of images, a built-in set or a TensorFlow Datasets name."""

import contextlib
import logging
import os
from collections.abc import Mapping

from swin_keras.data import garments
from swin_keras.data.boxes import as_dataset, load_boxes
from swin_keras.data.dataset import ImageDataset
from swin_keras.data.folder import load_folder
from swin_keras.data.grey import check_grey_range
from swin_keras.data.idx import CLASS_NAMES, holds_idx, load_idx
from swin_keras.data.kinds import (
    READ_WITH,
    check_layout,
    kind_of,
    refuse_other_targets,
)
from swin_keras.data.lost import check_lost, lost_of_splits
from swin_keras.data.segmentation import load_masks
from swin_keras.data.splitting import HeldOut
from swin_keras.data.table import is_table
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded
from swin_keras.names import printable
from swin_keras.processes import same_logging

log = logging.getLogger(__name__)
SETS = ("digits", garments.NAME, *CLASS_NAMES)  # which a folder may be called, too
# Options of a run that decide which images it has, and in which split.
OPTIONS = (
    "data_dir",
    "seed",
    "val_fraction",
    "test_fraction",
    "on_bad",
    "label_pattern",
    "grey_range",
    "follow_links",
    "multi_label",
    "reduce_zero_label",
    "box_format",
    "lost",
)
LAYOUT = ("label_pattern", "follow_links", "box_format", "lost")


@same_logging()
def load_dataset(
    source,
    *,
    targets: str = "classes",
    multi_label: bool = False,
    reduce_zero_label: bool = False,
    box_format: str | None = None,
    voc_from_zero: bool = False,
    data_dir=None,
    seed: int = 0,
    val_fraction: float = 0.1,
    test_fraction: float = 0.1,
    hold_out: bool = True,
    on_bad: str = "stop",
    label_pattern: str | None = None,
    grey_range=None,
    follow_links: bool = False,
    lost: Mapping | None = None,
) -> ImageDataset:
    """Read a data set with its train, val and test split.

    To judge a model on images that it was not trained on, take them all:
    `load_dataset(source, hold_out=False).split("all")`.

    Args:
        source: A folder of class folders; a `.csv` of files and labels; "digits";
            "garments"; or the name of a set of TensorFlow Datasets.
        targets: What belongs to an image: "classes", one or several; "masks"; or
            "boxes".
        multi_label: Whether an image may have any number of classes: those of all
            folders that hold the same file, or "cat;dog" in a table.
        reduce_zero_label: Whether value 0 of masks is ignored, and 1 the first class.
        box_format: Which boxes are meant in a folder that holds those of several
            formats: "coco", "yolo", "voc" or "labelme".
        voc_from_zero: Whether files of Pascal VOC count pixels from 0 even if no 0
            occurs in them, by which it is seen otherwise.
        data_dir: Where named sets are kept. For "mnist", "fashion_mnist" and
            "garments" it may also hold the four published IDX files.
        seed: Chooses the images that are held out where a split is missing.
        val_fraction: Share of the images held out where there is no val split.
        test_fraction: The same for test; 0 lets the val images serve as test.
        hold_out: Whether to make splits that are missing. If not, `splits` has
            what is there: any of the three, or "all" for a folder without splits.
            Classes then may be missing in a split, and one class is enough.
        on_bad: What to do about files in a folder that are not usable images:
            "stop" lists them all, "skip" leaves them out and records each. To
            know them all, "skip" decodes every image once, here.
        label_pattern: Takes the labels from file names instead of folders: a
            regular expression with a group "label" that fits a whole name without
            its ending, such as `(?P<label>[a-z]+)_\\d+`. One with a "/" in it fits
            the path below the folder.
        grey_range: Values of black and of white in grey images of more than 8 bits,
            such as (0, 4095) for 12 bits; by default (0, 65535). A model must be
            given images as it was trained on: its card keeps the range.
        follow_links: Whether links may lead out of the folder anywhere. A link in
            the place of a class or split folder always may.
        lost: Files of a folder that a run could not read: path -> `(split, class,
            bytes)`. One that is gone keeps its place, and another image of its class
            stands there, so that no other moves to another split or step.

    Returns:
        The data set. Show its `notes` to the user.

    Raises:
        DataError: If the data cannot be found or used.
        UsageError: If an argument is out of its range.
    """
    held_out = HeldOut(val_fraction, test_fraction, seed) if hold_out else None
    grey_range = check_grey_range(grey_range)
    kind = kind_of(targets, multi_label)
    check_layout(
        kind,
        label_pattern=label_pattern,
        reduce_zero_label=reduce_zero_label,
        box_format=box_format,
        voc_from_zero=voc_from_zero,
    )
    path = expanded(source)
    if source in SETS and path.is_dir():
        log.warning(
            "The folder %s is read, not the data set of this name. To read that, "
            "rename the folder or start elsewhere; %s/ means the folder alone.",
            source,
            source,
        )
    if path.is_dir() and kind == "masks":
        return load_masks(
            path,
            held_out,
            on_bad=on_bad,
            reduce_zero_label=reduce_zero_label,
            grey_range=grey_range,
            follow_links=follow_links,
        )
    if kind == "boxes" and (path.is_dir() or not is_built_in(source)):
        boxes = load_boxes(
            source if isinstance(source, str) else path,
            held_out,
            data_dir=data_dir,
            on_bad=on_bad,
            box_format=box_format,
            voc_from_zero=voc_from_zero,
            follow_links=follow_links,
            grey_range=grey_range,
        )
        return as_dataset(boxes, grey_range=grey_range)
    refuse_other_targets(path, follow_links)
    if kind == "masks" and is_table(path):
        raise DataError(
            f"{printable(path)} is a table of labels. Masks are read from a folder."
        )
    if path.is_dir() or is_table(path):
        return load_folder(
            path,
            held_out,
            on_bad=on_bad,
            label_pattern=label_pattern,
            grey_range=grey_range,
            follow_links=follow_links,
            multi_label=multi_label,
            lost=lost_of_splits(check_lost(lost)),
        )
    if not isinstance(source, str) or looks_like_path(source) or path.exists():
        raise DataError(
            "Data must be a folder that exists, a .csv table or the name of a data "
            f"set. Received: {printable(source)}."
        )
    given = expanded(data_dir) if data_dir else None
    if is_built_in(source):
        if reduce_zero_label:
            raise UsageError("`reduce_zero_label` is for files of masks.")
        return garments.load_garments(source, kind, given, held_out)
    if source in CLASS_NAMES and given and holds_idx(given):
        return _of_kind(load_idx(source, given, held_out), kind)

    if kind == "masks":
        from swin_keras.data.segmentation.tfds_masks import load_tfds_masks

        return load_tfds_masks(
            source,
            data_dir=given,
            held_out=held_out,
            grey_range=grey_range,
            reduce_zero_label=reduce_zero_label,
        )

    if kind == "multi_label":
        from swin_keras.data.tfds_labels import load_tfds_labels

        return load_tfds_labels(
            source, data_dir=given, held_out=held_out, grey_range=grey_range
        )

    from swin_keras.data.tfds_source import load_tfds

    dataset = load_tfds(
        source, data_dir=given, held_out=held_out, grey_range=grey_range
    )
    return _of_kind(dataset, kind)


def load_trained(train: Mapping, **changes) -> ImageDataset:
    """Read the data that a run was trained on, with the same splits.

    Args:
        train: The run's options, as its `config.yaml` and its model's card have
            them: the fields of `TrainConfig`. An older run may lack some.
        changes: Arguments of `load_dataset` to use instead.

    Raises:
        DataError: If the data cannot be found or used.
    """
    source = changes.pop("source", train.get("data"))
    options = {name: train[name] for name in OPTIONS if name in train} | changes
    kind = kind_of(options.get("targets", "classes"), options.get("multi_label", False))
    for name, kinds in READ_WITH.items():  # an older run may have what it never read
        if kind not in kinds:
            options.pop(name, None)
    if is_same_place(source, train.get("data")):
        return load_dataset(source, **options)
    # Other data may be laid out otherwise, or be the same ones at another place.
    its_own = [name for name in LAYOUT if name in options and name not in changes]
    layout = {name: options.pop(name) for name in its_own}
    layout.pop("lost", None)
    try:
        return load_dataset(source, **options)
    except DataError:
        if not any(layout.values()):
            raise
        with contextlib.suppress(DataError):
            return load_dataset(source, **options, **layout)
        raise


def is_same_place(data, trained_on) -> bool:
    """Return whether data that was named is what the model was trained on."""
    if not isinstance(trained_on, str):
        return False
    return expanded(data).resolve() == expanded(trained_on).resolve()


def _of_kind(dataset, kind):
    """Return a data set of one class an image, if that is what was asked for."""
    if kind != "classes":
        raise DataError(
            f"{dataset.name} has one class for each image. Received: {kind}."
        )
    return dataset


def is_built_in(source) -> bool:
    """Return whether a set is drawn here, not read."""
    return isinstance(source, str) and source.partition("/")[0] == garments.NAME


def looks_like_path(source: str) -> bool:
    """Distinguish a path from a name; "mnist/config" may still be a TFDS name."""
    return (
        source.startswith((".", "~", os.sep))
        or source.endswith(("/", os.sep))
        or "\\" in source
        or os.path.isabs(source)
    )
