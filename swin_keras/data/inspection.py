"""Look at every image of a listing: its header and ending, or all its pixels."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from swin_keras.cores import usable_cores
from swin_keras.data.decoding_memory import give_back_pixels, memory_for
from swin_keras.data.grey import advice, is_deep
from swin_keras.data.image_file import (
    ImageError,
    open_file,
    open_image,
    without_pillow_warnings,
)
from swin_keras.data.image_io import as_mode, is_animated, orientation, stored_size
from swin_keras.data.listing import Listing

LAST_BYTES = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


@dataclass(frozen=True)
class Look:
    """What there is to know about an image file.

    Args:
        reason: Why it cannot be used, or `None`.
        format: Pillow's word for what it holds.
        mode: Pillow's word for its pixels.
        size: `(width, height)` as stored.
        orientation: EXIF orientation; 1, upright, where it was not decoded.
        is_animated: Whether it has frames that will not be seen, if decoded.
        values: Smallest and largest value of deep grey, if decoded.
        brightest: Largest value of 8-bit colours, if decoded.
    """

    reason: str | None = None
    format: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    is_animated: bool = False
    values: tuple[float, float] | None = None
    brightest: int | None = None


def look_at_all(
    listing: Listing,
    *,
    decode: bool,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Look]:
    """Return path -> what was found, in the order of the paths.

    Args:
        listing: Which images.
        decode: Whether to decode the pixels. If not, that is done only for what
            does not end as its format does, such as a copy that was cut off.
        grey_range: What images will be read with; see `to_eight_bits`.
        progress: Called with `(done, total)` after each image.
    """
    give_back_pixels()
    places = list(listing.places())
    look = look_into if decode else look_at_header
    looks = {}
    with without_pillow_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        found = pool.map(
            lambda path: look(str(listing.root / path), grey_range), places
        )
        for path, what in zip(places, found, strict=True):
            looks[path] = what
            if progress:
                progress(len(looks), len(places))
    return looks


def unusable(looks: dict[str, Look]) -> dict[str, str]:
    """Return path -> reason of the images that cannot be used."""
    return {path: look.reason for path, look in looks.items() if look.reason}


def look_at_header(file: str, grey_range=None) -> Look:
    """Read the header and the ending of a file."""
    try:
        with open_image(file) as image:
            look = Look(None, image.format, image.mode, stored_size(image))
        needs_more = look.mode == "F" or not ends_well(file, look.format)
    except ImageError as error:
        return Look(error.reason)
    return look_into(file, grey_range) if needs_more else look


def look_into(file: str, grey_range=None) -> Look:
    """Decode a file, a JPEG at an eighth of its size, and keep no pixels."""
    try:
        with open_image(file) as image, memory_for(image.size):
            look = _look_into(image, grey_range)
            image.close()  # its pixels, before others may have the memory
            return look
    except ImageError as error:
        return Look(error.reason)


def _extrema(image):
    if image.mode.startswith("I;16"):  # of which Pillow knows those of one order only
        image = image.convert("I")
    return image.getextrema()


def _look_into(image, grey_range):
    size, values, brightest, reason = stored_size(image), None, None, None
    # Loading turns a TIFF and forgets how; a PNG knows only once it is loaded.
    turn = orientation(image) if image.format == "TIFF" else None
    animated = is_animated(image)
    image.draft(None, (1, 1))
    try:
        image.load()
    except Exception as error:  # Pillow lets through whatever a reader met
        return Look(f"truncated or damaged ({error})")
    if is_deep(image.mode):
        values = _extrema(image)
    elif image.mode in ("L", "RGB", "RGBA"):
        brightest = max(np.ravel(image.getextrema()[:3])[1::2])
    try:
        as_mode(image.crop((0, 0, 1, 1)), "RGB", grey_range)
    except ValueError as error:
        reason = f"cannot be turned into 8 bits a channel ({error})"
        if values:
            reason = advice(*values, is_float=True)
    return Look(
        reason=reason,
        format=image.format,
        mode=image.mode,
        size=size,
        orientation=turn or orientation(image),
        is_animated=animated,
        values=values,
        brightest=brightest,
    )


def ends_well(file: str, format: str) -> bool:
    """Return whether a file ends as a complete JPEG or PNG does; others always do."""
    if format not in LAST_BYTES:
        return True
    with open_file(file) as stream:
        stream.seek(0, os.SEEK_END)
        stream.seek(max(stream.tell() - 16, 0))
        return LAST_BYTES[format] in stream.read()
