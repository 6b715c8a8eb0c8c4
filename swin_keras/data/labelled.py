"""Labelled images as they lie in a folder: all of them, nothing held out."""

from pathlib import Path

import numpy as np

from swin_keras.data.dataset import FileSplit, ImageDataset
from swin_keras.data.folder import bad_headers, shorten
from swin_keras.data.listing import (
    SPLIT_NAMES,
    Listing,
    list_classes,
    list_folder,
    notes_on,
    visible_folders,
)
from swin_keras.errors import DataError


def load_labelled(root, on_bad: str = "stop") -> ImageDataset:
    """Read a folder to judge a model on: any of its splits may be missing.

    Args:
        root: A folder of class folders, with or without split folders above them.
        on_bad: "stop" at files that are no usable images, or "skip" them.

    Returns:
        The data set. Its splits are those of the folder; the only one is "all"
        where the folder is not split.

    Raises:
        DataError: If there are no images, or some cannot be used.
    """
    listing = _list(Path(root))
    bad = bad_headers(listing)
    if bad and on_bad == "stop":
        raise DataError(
            f"{len(bad)} of {len(listing.places())} images in {root} cannot be used:\n"
            + shorten(f"{path}: {reason}" for path, reason in bad.items())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    listing = listing.without(bad)
    names = sorted({name for classes in listing.splits.values() for name in classes})
    splits = {}
    for title, classes in listing.splits.items():
        pairs = sorted((path, name) for name in classes for path in classes[name])
        labels = np.array([names.index(name) for _, name in pairs], np.int64)
        splits[title] = FileSplit([p for p, _ in pairs], labels, title, listing.root)
    if not any(map(len, splits.values())):
        raise DataError(f"{root} must hold images in class folders. It holds none.")
    left_out = (f"Images that cannot be used, left out: {len(bad)}.",) if bad else ()
    return ImageDataset(
        name=Path(root).resolve().name,
        class_names=tuple(names),
        splits=splits,
        notes=listing.notes + left_out,
        skipped=tuple((str(listing.root / path), bad[path]) for path in bad),
    )


def _list(root):
    """List a folder, also one with `test` or `val` alone."""
    folders = visible_folders(root)
    found = {
        title: [f for f in folders if f.lower() in names and visible_folders(root / f)]
        for title, names in SPLIT_NAMES.items()
    }
    others = sorted(set(folders).difference(*found.values()))
    if found["train"] or others or not any(found.values()):
        return list_folder(root)
    splits = {t: list_classes(root, *names) for t, names in found.items() if names}
    return Listing(root, splits, notes_on(root, others))
