"""Images that a run could not read: which they are, and that a record is one."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from swin_keras.data.dataset import FileSplit, ImageDataset
from swin_keras.data.image_file import without_pillow_warnings
from swin_keras.data.inspection import look_into
from swin_keras.errors import UsageError


def find_lost(dataset: ImageDataset):
    """Decode every file of a data set.

    Returns:
        `(lost, reasons)` of those that cannot be: path -> `[split, class, bytes]`,
        bytes as when this object first asked for them, and path -> why.
    """
    splits = {id(split): split for split in dataset.splits.values()}  # each once
    lost, reasons = {}, {}
    with without_pillow_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        for split in splits.values():
            if not isinstance(split, FileSplit):
                continue
            places = [n for n, item in enumerate(split.items) if item not in split.gone]
            looks = pool.map(look_into, (split.source(place) for place in places))
            for place, look in zip(places, looks, strict=True):
                if look.reason:
                    item, label = split.items[place], split.labels[place]
                    size = int(split.sizes[place])
                    lost[item] = [split.title, dataset.class_names[label], size]
                    reasons[item] = look.reason
    return lost, reasons


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


def _is_entry(item):
    path, values = item
    if not (isinstance(path, str) and isinstance(values, list | tuple)):
        return False
    kinds = [type(value) for value in values]
    return kinds == [str, str, int] and 0 <= values[2] < 2**63
