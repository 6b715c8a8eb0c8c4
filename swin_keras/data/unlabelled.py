"""Images without labels, for a teacher to answer about: a folder beside the data."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.duplicates import digest
from swin_keras.data.folder import bad_images, shorten
from swin_keras.data.image_io import decode_image
from swin_keras.data.inspection import look_at_all, unusable
from swin_keras.data.listing import UNLABELLED, list_unlabelled
from swin_keras.data.lost import check_lost, lost_unlabelled
from swin_keras.data.splits import FileSplit
from swin_keras.data.targets import NO_LABEL
from swin_keras.errors import DataError
from swin_keras.names import printable


def with_unlabelled(
    dataset: ImageDataset,
    folder,
    *,
    on_bad: str = "stop",
    grey_range=None,
    follow_links: bool = False,
    lost: Mapping | None = None,
) -> ImageDataset:
    """Return a data set with images to train on that have no label.

    Those that also are in val or test are left out: a model must not be trained on what
    it is judged by. They are told by their bytes, and where the data set has arrays and
    no files, by their pixels.

    Args:
        dataset: The data set, with its splits.
        folder: Where they are, at any depth. What their folders are called means
            nothing.
        on_bad: As for `load_dataset`.
        grey_range: As for `load_dataset`.
        follow_links: As for `load_dataset`.
        lost: As for `load_dataset`.

    Raises:
        DataError: If there is no such folder, or no image in it that can be used.
    """
    listing = list_unlabelled(folder, follow_links)
    root = listing.root
    looks = look_at_all(listing, decode=on_bad == "skip", grey_range=grey_range)
    lost, bad = lost_unlabelled(check_lost(lost)), unusable(looks)
    gone = [p for p in lost if p not in looks or (p in bad and on_bad == "skip")]
    bad = {path: reason for path, reason in bad.items() if path not in gone}
    if bad and on_bad == "stop":
        raise bad_images(root, bad, len(looks))
    good = [path for path in looks if path not in {*bad, *gone}]
    held_out = _by_bytes(dataset, root, good)
    shapes = {path: looks[path].size[::-1] for path in good}
    held_out |= _by_pixels(dataset, root, shapes, grey_range)
    items = sorted([path for path in good if path not in held_out] + gone)
    if not items:
        left_out = ""
        if looks:
            left_out = (
                f" Left out: {len(bad)} that cannot be used, and {len(held_out)} that "
                "are in val or test."
            )
        raise DataError(
            "`unlabelled` must be a folder with an image to train on. Received: "
            f"{printable(root)}.{left_out}"
        )
    notes = dataset.notes
    if held_out:
        count = len(held_out)
        notes += (f"Images without labels that are in val or test, left out: {count}.",)
    if gone:
        names = shorten(printable(root / path) for path in gone)
        notes = (f"Images without labels that others stand for:\n{names}", *notes)
    labels = np.full(len(items), NO_LABEL)
    return dataclasses.replace(
        dataset,
        unlabelled=FileSplit(
            *(items, labels, UNLABELLED, root),
            grey_range=grey_range,
            lost=lost,
            gone=frozenset(gone),
        ),
        notes=notes,
        skipped=(
            *dataset.skipped,
            *((printable(root / path), reason) for path, reason in bad.items()),
        ),
    )


def _by_bytes(dataset, root, paths) -> set[str]:
    """Return the paths of files that are in val or test; only equal sizes are read."""
    size_of = {path: os.stat(root / path).st_size for path in paths}
    sizes, held_out = set(size_of.values()), set()
    for source in _sources(dataset):
        if isinstance(source, bytes):
            held_out.add((len(source), hashlib.sha256(source).digest()))
        elif isinstance(source, str) and (size := os.stat(source).st_size) in sizes:
            held_out.add((size, digest(source)))
    sizes = {size for size, _ in held_out}
    return {
        path
        for path, size in size_of.items()
        if size in sizes and (size, digest(root / path)) in held_out
    }


def _by_pixels(dataset, root, shapes, grey_range) -> set[str]:
    """Return the paths of pictures that are arrays of val or test.

    Args:
        dataset: The data set.
        root: What the paths are below.
        shapes: Path -> `(height, width)`; only those of the arrays are decoded.
        grey_range: What they will be read with.
    """
    arrays = [one for one in _sources(dataset) if isinstance(one, np.ndarray)]
    if not arrays:
        return set()
    *shape, channels = arrays[0].shape  # all have one
    held_out = {hashlib.sha256(array.tobytes()).digest() for array in arrays}

    def is_held_out(path):
        image = decode_image(root / path, channels, grey_range=grey_range)
        return hashlib.sha256(image.tobytes()).digest() in held_out

    return {p for p, own in shapes.items() if own == tuple(shape) and is_held_out(p)}


def _sources(dataset):
    """Yield the path, the bytes or the array behind each image of val and test."""
    held_out = dataset.splits["val"], dataset.splits["test"]
    for split in dict.fromkeys(held_out):  # which may be one
        for index in range(len(split)):
            yield split.source(index)
