"""Sizes and turns of many pictures, from their headers and endings alone."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from swin_keras.data.image_file import (
    ImageError,
    open_file,
    open_image,
    without_pillow_warnings,
)
from swin_keras.data.image_io import UPRIGHT, orientation
from swin_keras.data.inspection import ends_well, look_into

MOST_CHUNKS = 100_000  # of a PNG


class Header(NamedTuple):
    """What a picture's header tells.

    Args:
        size: `(width, height)` as stored.
        orientation: EXIF orientation, 1..8.
        reason: Why the picture cannot be used, or `None`.
    """

    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    reason: str | None = None


def headers(
    root,
    paths: Iterable[str],
    *,
    decode: bool = False,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Header]:
    """Return path -> header of pictures below a folder.

    Args:
        root: The folder.
        paths: Pictures below it.
        decode: Whether to decode all pixels; if not, those of files that end too
            early.
        grey_range: What pictures will be read with; see `to_eight_bits`.
        progress: Called with `(done, total)` after each.
    """
    paths, found = list(paths), {}
    with without_pillow_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        files = [os.path.join(root, path) for path in paths]
        looks = pool.map(lambda file: header(file, decode, grey_range), files)
        for path, look in zip(paths, looks, strict=True):
            found[path] = look
            if progress:
                progress(len(found), len(paths))
    return found


def header(source, decode: bool = False, grey_range=None) -> Header:
    """Read the header of a file, or of its bytes; decode what ends too early.

    Args:
        source: A path, or the bytes of an image file.
        decode: Whether to decode every file.
        grey_range: What it will be read with.
    """
    try:
        with open_image(source) as image:
            size, turn = image.size, 1
            if image.format != "PNG" or "exif" in image.info or ends_with_exif(source):
                turn = orientation(image)
            format = image.format
        reason = None
        is_file = not isinstance(source, bytes)
        if is_file and (decode or not ends_well(source, format)):
            reason = look_into(source, grey_range).reason
    except ImageError as error:
        return Header(reason=error.reason)
    return Header(size, turn if turn in UPRIGHT else 1, reason)


def ends_with_exif(source) -> bool:
    """Tell whether a PNG has its EXIF behind its pixels.

    Pillow would decode all pixels to find out; chunks can be stepped over.
    """
    if isinstance(source, bytes):
        return b"eXIf" in source
    with open_file(source) as file:
        file.seek(8)
        for _ in range(MOST_CHUNKS):
            start = file.read(8)
            if start[4:] == b"eXIf":
                return True
            if len(start) < 8 or start[4:] == b"IEND":
                return False
            file.seek(int.from_bytes(start[:4], "big") + 4, os.SEEK_CUR)
    return False
