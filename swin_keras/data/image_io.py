"""Read one image: the same pixels in training, evaluation, prediction and export."""

import math
from collections.abc import Callable

import numpy as np
from PIL import ExifTags, Image

from swin_keras.data.decoding_memory import memory_for
from swin_keras.data.grey import is_deep, to_eight_bits
from swin_keras.data.image_file import ImageError, name_of, open_image
from swin_keras.errors import UsageError

UPRIGHT = {  # EXIF orientation -> what turns the stored pixels upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_image(
    source, image_size, channels: int = 3, crop_fraction: float = 1.0, grey_range=None
):
    """Read an image as a model wants it: uint8 `(H, W, C)`, 0..255.

    Args:
        source: A path, or the bytes of an image file.
        image_size: `(height, width)` in pixels.
        channels: 3 for RGB, 1 for grey.
        crop_fraction: Side of the centre crop, as a share of the largest crop
            that has the aspect ratio of `image_size`.
        grey_range: Values of black and of white in grey images of more than 8
            bits; see `to_eight_bits`.

    Raises:
        ImageError: If the image cannot be read. The message names it.
    """
    at_least = useful_side(image_size, crop_fraction)
    image = decode_image(source, channels, at_least=at_least, grey_range=grey_range)
    return prepare_image(image, image_size, crop_fraction)


def decode_image(
    source,
    channels: int = 3,
    name: str | None = None,
    at_least: int | Callable[[tuple[int, int]], int] | None = None,
    grey_range=None,
) -> Image.Image:
    """Decode the first frame of an image, upright, as 8-bit RGB or grey.

    Args:
        source: A path, or the bytes of an image file.
        channels: 3 for RGB, 1 for grey.
        name: What messages call it. Defaults to the path.
        at_least: Pixels a side that are enough, or what tells them from the
            `(width, height)` of the whole image. A larger JPEG is decoded at a
            half, a quarter or an eighth, which saves most of the time.
        grey_range: Values of black and of white in grey images of more than 8
            bits; see `to_eight_bits`.

    Raises:
        ImageError: If the image cannot be read. The message names it.
    """
    mode, name = image_mode(channels), name_of(source, name)
    with open_image(source, name) as image:
        if callable(at_least):
            at_least = at_least(upright_size(image))
        if at_least:
            image.draft(None, (at_least, at_least))
        with memory_for(image.size):
            try:
                image.load()
            except Exception as error:  # Pillow lets through whatever a reader met
                raise ImageError(name, f"truncated or damaged ({error})") from error
            return converted(image, mode, name, grey_range)


def converted(image: Image.Image, mode: str, name: str, grey_range=None):
    """Return an image that is loaded in another mode, upright.

    Raises:
        ImageError: If its values have no usual range, and none is given.
    """
    try:
        return upright(as_mode(image, mode, grey_range), orientation(image))
    except ValueError as error:
        reason = f"cannot be turned into 8 bits a channel ({error})"
        raise ImageError(name, reason) from error


def image_mode(channels: int) -> str:
    """Return Pillow's word for a number of channels: "RGB" for 3, "L" for 1."""
    if channels not in (1, 3):
        raise UsageError(
            f"`channels` must be 3 (RGB) or 1 (grey). Received: channels={channels!r}."
        )
    return "RGB" if channels == 3 else "L"


def as_mode(image: Image.Image, mode: str, grey_range=None) -> Image.Image:
    """Convert to 8 bits a channel; transparency is dropped, not blended."""
    if is_deep(image.mode):
        image = to_eight_bits(image, grey_range)
    elif "transparency" in image.info:  # Pillow warns unless alpha comes first
        image = image.convert("RGBA")
    return image if image.mode == mode else image.convert(mode)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where there is none that is known."""
    try:
        found = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF says nothing about the picture
        return 1
    return found if found in UPRIGHT else 1


def is_animated(image: Image.Image) -> bool:
    """Return whether an image has frames that will not be seen."""
    try:  # an MPO, as phones write it, holds one picture more than once
        return image.format != "MPO" and getattr(image, "is_animated", False)
    except Exception:  # damaged, but beyond the first frame
        return False


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn or mirror the pixels as the EXIF orientation asks."""
    turn = UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height as they will be once the image is upright."""
    width, height = stored_size(image)
    return (height, width) if orientation(image) >= 5 else (width, height)


def stored_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height as an image that was opened is stored.

    Pillow gives those of a TIFF as they will be once it is loaded, which turns it.
    """
    width, height = image.size
    is_exchanged = image.format == "TIFF" and orientation(image) >= 5
    return (height, width) if is_exchanged else (width, height)


def prepare_image(image: Image.Image, image_size, crop_fraction: float = 1.0):
    """Crop the centre and resize: uint8 `(H, W, C)`, 0..255."""
    return resize(image, image_size, centre_box(image.size, image_size, crop_fraction))


def useful_side(image_size, crop_fraction: float = 1.0) -> int:
    """Return the pixels a side beyond which `prepare_image` gains nothing."""
    return math.ceil(2 * max(image_size) / crop_fraction)


def resize(image: Image.Image, image_size, box):
    """Resize one box of an image, bicubic and antialiased: uint8 `(H, W, C)`."""
    height, width = image_size
    resized = image.resize((width, height), Image.Resampling.BICUBIC, box=box)
    return np.array(resized).reshape(height, width, -1)


def centre_box(size, image_size, crop_fraction: float = 1.0):
    """Return the centred box with the target's aspect ratio.

    Args:
        size: `(width, height)` of the image, as Pillow orders them.
        image_size: `(height, width)` of the target.
        crop_fraction: Share of the largest such box, side by side.

    Returns:
        `(left, top, right, bottom)` in pixels, not rounded.

    Example:

    >>> centre_box((500, 375), (224, 224))
    (62.5, 0.0, 437.5, 375.0)
    """
    (width, height), (target_height, target_width) = size, image_size
    box_width = crop_fraction * min(width, height * target_width / target_height)
    box_height = crop_fraction * min(height, width * target_height / target_width)
    left, top = (width - box_width) / 2, (height - box_height) / 2
    return left, top, width - left, height - top


def scaling_message(images) -> str | None:
    """Return a warning if a batch holds 0..1 instead of 0..255, else `None`."""
    images = np.asarray(images)
    if images.dtype.kind != "f" or not images.size or images.max() > 1.5:
        return None
    return (
        "These inputs look already scaled to 0-1; the model expects 0-255 and "
        f"scales them itself. Received: min={images.min():.3g}, "
        f"max={images.max():.3g}. Pass the pixels as they are in the file."
    )
