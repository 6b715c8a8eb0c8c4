"""Images that a run could not read: which they are, and that a record is one."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from swin_keras.cores import usable_cores
from swin_keras.data.dataset import ImageDataset
from swin_keras.data.image_file import without_pillow_warnings
from swin_keras.data.inspection import look_into
from swin_keras.data.listing import UNLABELLED
from swin_keras.data.splits import FileSplit
from swin_keras.data.targets import NO_LABEL, Classes
from swin_keras.errors import UsageError


def find_lost(dataset: ImageDataset):
    """Decode every file of a data set.

    Returns:
        `(lost, reasons)` of those that cannot be: path -> `[split, class, bytes]`,
        bytes as when this object first asked for them, and path -> why. The class is
        empty where images have more than one, or masks or boxes. The paths of
        images without labels, which are in another folder, begin with "unlabelled:".
    """
    splits = [*dataset.splits.values(), dataset.unlabelled]
    splits = {id(split): split for split in splits}  # each once
    lost, reasons = {}, {}
    with without_pillow_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        for split in splits.values():
            if not isinstance(split, FileSplit):
                continue
            places = [n for n, item in enumerate(split.items) if item not in split.gone]
            looks = pool.map(look_into, (split.source(place) for place in places))
            for place, look in zip(places, looks, strict=True):
                if look.reason:
                    path, name = split.items[place], ""
                    label = split.labels[place] if has_labels(split) else None
                    if label == NO_LABEL:
                        path = f"{UNLABELLED}:{path}"
                    elif label is not None:
                        name = dataset.class_names[label]
                    lost[path] = [split.title, name, int(split.sizes[place])]
                    reasons[path] = look.reason
    return lost, reasons


def has_labels(split) -> bool:
    """Return whether each image of a split has one class, or none."""
    return isinstance(split.targets, Classes)


def check_lost(lost: Mapping | None) -> Mapping:
    """Return a record of lost images, which may come from a file, as a mapping.

    Raises:
        UsageError: If it is none.
    """
    if lost is None:
        return {}
    if isinstance(lost, Mapping) and all(map(_is_entry, lost.items())):
        return lost
    raise UsageError(
        "`lost` must hold `path: [split, class, bytes]` of images, as a run writes it. "
        f"Received: {lost!r:.200}."
    )


def lost_of_splits(lost: Mapping) -> Mapping:
    """Return what a record has of images with labels."""
    return {path: entry for path, entry in lost.items() if entry[0] != UNLABELLED}


def lost_unlabelled(lost: Mapping) -> dict[str, int]:
    """Return path -> bytes of the images without labels in a record."""
    return {
        path.removeprefix(f"{UNLABELLED}:"): size
        for path, (title, _, size) in lost.items()
        if title == UNLABELLED
    }


def _is_entry(item):
    path, values = item
    if not (isinstance(path, str) and isinstance(values, list | tuple)):
        return False
    kinds = [type(value) for value in values]
    return kinds == [str, str, int] and 0 <= values[2] < 2**63
