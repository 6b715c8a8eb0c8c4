"""Sizes and turns of many pictures, from their headers and endings alone."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from swin_keras.cores import usable_cores
from swin_keras.data.check import on_file
from swin_keras.data.findings import Finding
from swin_keras.data.grey import advice
from swin_keras.data.image_file import (
    ImageError,
    open_file,
    open_image,
    without_pillow_warnings,
)
from swin_keras.data.image_io import UPRIGHT, orientation, stored_size
from swin_keras.data.inspection import Look, ends_well, look_into

MAX_CHUNKS = 100_000  # of a PNG
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# How texts begin in which ImageMagick and others put a photo's orientation.
TELLING = (b"Raw profile type exif\0", b"XML:com.adobe.xmp\0")


class Header(NamedTuple):
    """What a picture's header tells.

    Args:
        size: `(width, height)` as stored.
        orientation: EXIF orientation, 1..8.
        reason: Why the picture cannot be used, or `None`.
        look: What its pixels tell, if they were decoded.
    """

    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    reason: str | None = None
    look: Look | None = None


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
    with without_pillow_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
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
            size, turn = stored_size(image), 1
            if image.format != "PNG" or is_png_with_exif(source):
                turn = orientation(image)
            format = image.format
        look = None
        is_file = not isinstance(source, bytes)
        if is_file and (decode or not ends_well(source, format)):
            look = look_into(source, grey_range)
    except ImageError as error:
        return Header(reason=error.reason)
    turn = turn if turn in UPRIGHT else 1
    return Header(size, turn, look.reason if look else None, look)


def on_pictures(found: dict[str, Header], grey_range=None) -> list[Finding]:
    """Describe what is unusual about pictures that were decoded and can be used."""
    looks = {p: h.look for p, h in found.items() if h.look and not h.reason}
    findings = [f for path, look in looks.items() for f in on_file(path, look)]
    deep = {path: look.values for path, look in looks.items() if look.values}
    if deep and not grey_range:
        lowest, highest = zip(*deep.values(), strict=True)
        if hint := advice(min(lowest), max(highest)):
            detail = f"{len(deep)} images of 16 bits hold {hint}"
            findings.append(Finding("warning", "grey range", next(iter(deep)), detail))
    return findings


def is_png_with_exif(source) -> bool:
    """Return whether a PNG has EXIF or XMP, wherever it stands.

    Pillow would decode all pixels to find out; chunks can be stepped over.
    """
    if isinstance(source, bytes):
        return any(word in source for word in (b"eXIf", *TELLING))
    longest = max(map(len, TELLING))
    with open_file(source) as file:
        file.seek(8)
        for _ in range(MAX_CHUNKS):
            start = file.read(8)
            length, kind = int.from_bytes(start[:4], "big"), start[4:]
            if kind == b"eXIf":
                return True
            if len(start) < 8 or kind == b"IEND":
                return False
            keyword = b""
            if kind in TEXTS:
                keyword = file.read(min(length, longest))
                if keyword.startswith(TELLING):
                    return True
            file.seek(length - len(keyword) + 4, os.SEEK_CUR)
    return False
