"""Make a data set of a folder of images."""

import os
from pathlib import Path

import numpy as np

from swin_keras.data.dataset import FileSplit, ImageDataset
from swin_keras.data.image_io import (
    ImageError,
    decode_image,
    open_image,
    without_pillow_warnings,
)
from swin_keras.data.listing import (
    WHOLE,
    Listing,
    emptiness,
    list_folder,
    structure_problems,
)
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError, UsageError

ENDINGS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


def load_folder(
    root, held_out: HeldOut | None = USUAL, *, on_bad: str = "stop"
) -> ImageDataset:
    """Read a folder of class folders, with or without split folders above them.

    Headers and endings are read, pixels are not: `check_folder` decodes them all.

    Args:
        root: The folder.
        held_out: What is held out for missing splits; `None` takes the splits
            that are there.
        on_bad: "stop" at files that are no usable images, or "skip" them.

    Raises:
        DataError: If files or classes are not as they must be. All are listed.
    """
    if on_bad not in ("stop", "skip"):
        raise UsageError(f"`on_bad` must be 'stop' or 'skip'. Received: {on_bad!r}.")
    listing = list_folder(Path(root), needs_train=held_out is not None)
    bad = bad_headers(listing)
    if bad and on_bad == "stop":
        raise DataError(
            f"{len(bad)} of {len(listing.places())} images in {root} cannot be used:\n"
            + shorten(f"{path}: {reason}" for path, reason in bad.items())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    listing = listing.without(bad)
    problems = structure_problems(listing) if held_out else emptiness(listing)
    if problems:
        raise DataError(f"{root} cannot be used:\n{shorten(problems)}")
    splits, notes = file_splits(listing), ()
    if held_out:
        if WHOLE in splits:
            splits = {"train": splits[WHOLE]}
        splits, notes = held_out.complete(splits)
    if bad:
        notes = (f"Images that cannot be used, left out: {len(bad)}.", *notes)
    return ImageDataset(
        name=Path(root).resolve().name,
        class_names=listing.class_names,
        splits=splits,
        notes=listing.notes + notes,
        skipped=tuple((str(listing.root / path), bad[path]) for path in bad),
    )


def bad_headers(listing: Listing) -> dict[str, str]:
    """Read every header and ending; return path -> reason of the unusable.

    Only what does not end as its format does, such as a copy that was cut off,
    is decoded.
    """
    bad = {}
    with without_pillow_warnings():
        for path in listing.places():
            file = str(listing.root / path)
            try:
                with open_image(file) as image:
                    whole = ends_well(file, image.format)
                if not whole:
                    decode_image(file)
            except ImageError as error:
                bad[path] = error.reason
    return bad


def ends_well(file: str, format: str) -> bool:
    """Tell whether a file ends as a complete JPEG or PNG does, other formats aside."""
    if format not in ENDINGS:
        return True
    with open(file, "rb") as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(stream.tell() - 16, 0))
        return ENDINGS[format] in stream.read()


def file_splits(listing: Listing) -> dict[str, FileSplit]:
    """Number the classes by name and put each split in the order of its paths."""
    label_of = {name: label for label, name in enumerate(listing.class_names)}
    splits = {}
    for title, classes in listing.splits.items():
        label_at = {
            path: label_of[name] for name, paths in classes.items() for path in paths
        }
        items = sorted(label_at)
        labels = np.array([label_at[path] for path in items], np.int64)
        splits[title] = FileSplit(items, labels, title, listing.root)
    return splits


def shorten(lines, most: int = 20) -> str:
    """Join lines, indented; after 20 say only how many more there are."""
    lines = list(lines)
    more = [f"... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(f"  {line}" for line in lines[:most] + more)
