"""Evaluate any model on any data set: `swin-keras evaluate`."""

import contextlib
import dataclasses
import logging
import math
import os
from collections.abc import Sequence
from numbers import Integral

from swin_keras.cores import MOST_WORKERS, usable_cores
from swin_keras.data import (
    ImageDataset,
    Workers,
    data_errors,
    load_trained,
    targets_of_folder,
)
from swin_keras.data.loading import is_same_place
from swin_keras.errors import DataError, UsageError, nearest_name
from swin_keras.files import expanded
from swin_keras.gpus import has_gpu
from swin_keras.inference.precision import true_float32
from swin_keras.inference.predictor import Predictor
from swin_keras.names import composed, printable
from swin_keras.processes import find_devices
from swin_keras.scores.classification import Evaluation
from swin_keras.tasks.views import ONE_VIEW, Views

log = logging.getLogger(__name__)
SPLITS = ("all", "train", "val", "test")
KINDS = {
    "classes": "images with classes",
    "masks": "images with masks",
    "boxes": "images with boxes",
}


def evaluate(
    model,
    data=None,
    *,
    data_dir=None,
    split: str | None = None,
    batch_size: int = 32,
    on_bad: str | None = None,
    window: str = "whole",
    flip: bool = False,
    quarter_turns: bool = False,
    scales: Sequence[float] = (1.0,),
    trust: bool = False,
    workers: int | str = "auto",
) -> Evaluation:
    """Evaluate a trained or exported model.

    What is judged, and how many images that are, is logged first. Float32 is not
    shortened to TF32 on a GPU meanwhile: figures are those of other machines.

    Args:
        model: A run's folder, an export's folder or a model file.
        data: A folder of images or the name of a data set; `None` is the data
            that the model was trained on, split as then.
        data_dir: Where named data sets are kept.
        split: "train", "val", "test" or "all". By default the test images of a
            data set that has some, and all images of a folder that is not split.
        batch_size: Images that are run together.
        on_bad: "stop" at files that are not usable images, or "skip" them; by
            default as in training.
        window: How a segmenter or detector looks at a picture: "whole", made to fit
            its input; or "slide", through overlapping windows at the picture's own
            scale, whose probabilities are averaged, or boxes merged.
        flip: Whether a segmenter or detector looks at each picture mirrored, too.
            Probabilities are averaged; boxes of one object become their mean.
        quarter_turns: Whether it looks at each turned by 90, 180 and 270 degrees,
            too: for pictures without an up and down.
        scales: Sizes at which windows slide over a picture, such as
            (0.75, 1.0, 1.25); 1 is its own.
        trust: Whether a SavedModel may hold operations that do more than compute.
        workers: Processes that load images seen whole, 0 for threads of this one; the
            images are the same. "auto" takes as many as there are processor cores
            beside a GPU, and none on a CPU, whose cores run the model.

    Returns:
        An `Evaluation`; for another task than classification, its own kind.

    Raises:
        ModelFileError: If there is no such model.
        DataError: If the data has a class that the model does not know.
        UsageError: If the model does not say what it was trained on, or an
            argument is of another kind.
    """
    _check(data, split, batch_size, workers)
    views = Views(window, flip, scales, quarter_turns)
    predictor = Predictor(model, trust=trust)
    predictor.task.check_views(views)
    trained_on = predictor.card.train if predictor.card else {}
    if data is None and not trained_on.get("data"):
        raise UsageError(
            f"{model} does not say what it was trained on. Name the data: --data."
        )
    changes = {"data_dir": data_dir, "on_bad": on_bad}
    changes = {name: value for name, value in changes.items() if value is not None}
    if predictor.grey_range:  # a converted model has it, but not what it was fed
        changes["grey_range"] = predictor.grey_range
    changes |= predictor.task.data_options
    from_zero = predictor.card.data.get("voc_from_zero") if predictor.card else None
    if from_zero is True:  # as in training, also where no 0 tells
        changes["voc_from_zero"] = True
    if data is None:
        dataset = _load_its_own(trained_on, changes)
    else:
        with _of_its_kind(predictor, data):
            dataset = _load_given(data, split, trained_on, changes)
    split = split or ("test" if "test" in dataset.splits else "all")
    if data is None and has_changed(predictor.card, dataset, split):
        log.warning(
            "The %s images are not those that were held out when the model was "
            "trained: %s has changed since. It may know some of them.",
            split,
            printable(dataset.name),
        )
    if from_zero is False and dataset.voc_from_zero:
        log.warning(
            "Pixels of the boxes of %s are counted from 0, those that the model was "
            "trained on from 1: where the same program wrote both, one of them is "
            "read a pixel beside the other.",
            printable(dataset.name),
        )
    is_same = data is not None and is_same_place(data, trained_on.get("data"))
    _say_what(dataset, split, is_same)
    return evaluate_dataset(predictor, dataset, split, batch_size, views, workers)


def has_changed(card, dataset: ImageDataset, split: str) -> bool:
    """Return whether a model's data has other images in val or test now.

    Where one image is added, others may move between the splits, and a model be
    judged on what it was trained on. Cards of older versions do not tell.
    """
    held_out = card.data.get("held_out")
    if not isinstance(held_out, dict) or not {split} <= held_out.keys():
        return False
    if dataset.class_names == tuple(map(composed, card.class_names)):
        # Earlier versions kept accents as the data wrote them.
        dataset = dataclasses.replace(dataset, class_names=card.class_names)
    return held_out[split] != dataset.split_fingerprint(split)


def _check(data, split, batch_size, workers):
    if data is not None and not isinstance(data, str | os.PathLike):
        raise UsageError(
            "`data` must be a folder or the name of a data set. "
            f"Received: {data!r:.200}."
        )
    if split is not None and split not in SPLITS:
        raise UsageError(
            f"`split` must be {', '.join(SPLITS[:-1])} or {SPLITS[-1]}. "
            f"Received: {split!r}.{nearest_name(split, SPLITS)}"
        )
    if not isinstance(batch_size, Integral) or batch_size < 1:
        raise UsageError(
            "`batch_size` must be a whole number of at least 1. "
            f"Received: {batch_size!r}."
        )
    if workers != "auto" and not (
        isinstance(workers, Integral) and 0 <= workers <= MOST_WORKERS
    ):
        raise UsageError(
            f'`workers` must be "auto" or a whole number of 0 to {MOST_WORKERS}. '
            f"Received: {workers!r}."
        )


def _load_its_own(trained_on, changes):
    """Load what the model was trained on."""
    try:
        return load_trained(trained_on, **changes)
    except DataError as error:
        data = trained_on["data"]
        if os.sep not in data or os.path.exists(data):
            raise
        raise DataError(
            f"{error} If the data have moved, name where they are now: --data FOLDER."
        ) from error


def _load_given(data, split, trained_on, changes):
    """Load data that was named: as it lies, and only if that is asked for split."""
    dataset = load_trained(trained_on, source=data, hold_out=False, **changes)
    if split in (None, "all", *dataset.splits) or list(dataset.splits) != ["all"]:
        return dataset  # which says what it has, if the split is not there
    return load_trained(trained_on, source=data, **changes)


@contextlib.contextmanager
def _of_its_kind(predictor, data):
    """Explain, for data that cannot be read, when it is for another task."""
    try:
        yield
    except DataError as error:
        found = needed = predictor.task.data_options.get("targets", "classes")
        folder = expanded(data)
        if folder.is_dir():
            with contextlib.suppress(DataError):  # what it holds cannot be told
                found = targets_of_folder(folder)
        if found == needed:
            raise
        raise DataError(
            f"{predictor.path} is a model for the task {predictor.task.name!r}, which "
            f"is judged on {KINDS[needed]}, but {printable(data)} holds "
            f"{KINDS[found]}."
        ) from error


def _say_what(dataset, split, is_same):
    counts = {title: len(part) for title, part in dataset.splits.items()}
    images = len(dataset.split(split))
    kind = "all" if split == "all" else f"the {split}"
    others = ", ".join(f"{title} {count}" for title, count in counts.items())
    log.info(
        "judging %s images of %s: %d%s",
        kind,
        printable(dataset.name),
        images,
        f" (of {others})" if len(counts) > 1 else "",
    )
    if is_same and split == "all":
        log.info(
            "Some of these images were used for training. To evaluate on held-out "
            "images only, leave out --data."
        )


def evaluate_dataset(
    predictor: Predictor,
    dataset: ImageDataset,
    split="test",
    batch_size=32,
    views: Views = ONE_VIEW,
    workers: int | str = 0,
):
    """Evaluate a loaded model on a loaded data set, in float32; see `evaluate`."""
    unknown = [n for n in dataset.class_names if n not in predictor.class_names]
    if unknown:
        raise DataError(
            "The model must know every class of the data. It knows "
            f"{len(predictor.class_names)} classes, but not: "
            f"{', '.join(unknown[:10])}."
            f"{nearest_name(unknown[0], predictor.class_names)} Train it on these "
            "classes, or leave their images out."
        )
    images = len(dataset.split(split))
    if not images:
        raise DataError(f"There must be images to judge. {dataset.name} has none.")
    find_devices()
    judged = predictor, dataset, split, batch_size
    with true_float32(), data_errors():
        if views != ONE_VIEW:
            return predictor.task.evaluate_views(*judged, views)
        steps = math.ceil(images / batch_size)
        predictor.expect(math.ceil(images / steps))  # of nearly equal size
        with _loading(workers, steps) as workers:
            return predictor.task.evaluate(*judged, workers)


def _loading(count, steps):
    """Return the processes that load so many batches, or `None`, for as long as asked.

    As `TrainConfig.workers`; see there.
    """
    if count == "auto":
        count = usable_cores() if has_gpu() else 0
    count = min(count, steps)
    return Workers(count) if count else contextlib.nullcontext()
