"""Whatever holds a picture -> the pixels that a model takes.

A file, its bytes, an open file, a Pillow image and an array go the same way:
upright, in the model's channels, cut around the centre, resized.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from swin_keras.data import ImageError, load_image
from swin_keras.data.boxes import whole_picture
from swin_keras.data.image_io import (
    converted,
    decode_image,
    image_mode,
    prepare_image,
    scaling_message,
)
from swin_keras.data.listing import list_images
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded

TAKEN = (
    "paths of images and folders, bytes of image files, open files, Pillow images and "
    "arrays (H, W), (H, W, C) or (B, H, W, C), 0..255, one or several of them"
)


@dataclass(frozen=True)
class Picture:
    """A picture and what it is called.

    Args:
        name: Its path, or its place among all, such as "image 0".
        source: A path, bytes, a Pillow image or an array `(H, W, C)`.
    """

    name: str
    source: Any

    @property
    def is_file(self) -> bool:
        """Whether it is a file, or the bytes of one, which any thread may read."""
        return isinstance(self.source, Path | bytes)

    def image(self, channels, grey_range=None) -> Image.Image:
        """Return the upright picture in its own size.

        Raises:
            ImageError: If it cannot be read.
        """
        if self.is_file:
            return decode_image(self.source, channels, self.name, grey_range=grey_range)
        return self._upright(channels, grey_range)

    def whole(self, image_size, channels, grey_range=None, letter_box=False):
        """Return the whole picture made to fit a size, and its own size.

        uint8 `(H, W, C)` and `(height, width)`. It is stretched, or has black at two
        sides; see `whole_picture`.

        Raises:
            ImageError: If it cannot be read.
        """
        image = self.image(channels, grey_range)
        geometry = whole_picture(image.size, image_size, letter_box=letter_box)
        return geometry.image(image), image.size[::-1]

    def pixels(
        self, image_size, channels, crop_fraction=1.0, grey_range=None
    ) -> np.ndarray:
        """Return uint8 `(H, W, C)` as `load_image` does.

        Raises:
            ImageError: If it cannot be read.
        """
        if self.is_file:
            return load_image(
                self.source, image_size, channels, crop_fraction, grey_range
            )
        image = self._upright(channels, grey_range)
        return prepare_image(image, image_size, crop_fraction)

    def _upright(self, channels, grey_range):
        try:
            image = self.source
            if isinstance(image, np.ndarray):
                image = _from_array(image)
            image.load()
        except Exception as error:  # Pillow lets through whatever a reader met
            raise ImageError(self.name, f"truncated or damaged ({error})") from error
        return converted(image, image_mode(channels), self.name, grey_range)


def pictures(images):
    """Yield a `Picture` for each image of whatever was given, in order.

    Args:
        images: One or an iterable of paths, of which folders are searched for
            images, bytes, open files, Pillow images and arrays.

    Raises:
        DataError: If a path does not exist, or a folder holds no image.
        UsageError: If something else is given, or an array is not a picture.
    """
    count = 0
    for item in [images] if _is_one(images) else images:
        for name, source in _sources(item):
            yield Picture(name or f"image {count}", source)
            count += 1


def is_taken(images) -> bool:
    """Return whether something is a picture, or can be asked for pictures."""
    return _is_one(images) or (
        isinstance(images, Iterable) and not isinstance(images, Mapping)
    )


def image_files(path: Path) -> list[Path]:
    """Return a file itself, or the images at any depth of a folder, sorted.

    Raises:
        DataError: If there is no such path, or no image in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"There is no image or folder {path}.")
    files = [path / name for name in list_images(path, follow_links=True)]
    if not files:
        raise DataError(f"The folder {path} holds no images.")
    return files


def _is_one(images) -> bool:
    kinds = (str, os.PathLike, bytes, bytearray, memoryview, Image.Image)
    return isinstance(images, kinds) or any(
        hasattr(images, name) for name in ("read", "__array__")
    )


def _sources(item):
    """Yield `(name or None, source)` of what is in one item."""
    if isinstance(item, str | os.PathLike):
        yield from ((str(file), file) for file in image_files(expanded(item)))
    elif isinstance(item, Image.Image):
        yield getattr(item, "filename", None), item
    elif isinstance(item, bytes | bytearray | memoryview):
        yield None, bytes(item)
    elif hasattr(item, "read"):
        content, name = item.read(), getattr(item, "name", None)
        if not isinstance(content, bytes):
            raise refusal("an open file of text")
        yield name if isinstance(name, str) else None, content
    elif hasattr(item, "__array__"):
        array = np.asarray(item)
        if array.dtype.kind in "OU" and array.ndim == 1:  # paths, as a table has them
            for one in array.tolist():
                yield from _sources(one)
        else:
            yield from ((None, image) for image in _split(array))
    else:
        raise refusal(f"{type(item).__name__} {item!r:.80}")


def _split(array):
    """Return the pictures in an array, as uint8 `(H, W, C)`."""
    if array.ndim == 2:  # grey
        array = array[..., None]
    images = array if array.ndim == 4 else array[None]
    if images.ndim != 4 or images.shape[-1] not in (1, 3, 4) or 0 in images.shape[1:]:
        raise refusal(f"an array of the shape {array.shape}")
    if array.dtype == np.uint8:
        return images
    if array.dtype.kind not in "iuf" or not _is_byte_range(images):
        raise refusal(f"an array of {array.dtype} with values that are not 0..255")
    if (images % 1).any() and (message := scaling_message(images)):
        raise UsageError(message)
    return np.round(images).astype(np.uint8)


def _from_array(array) -> Image.Image:
    is_grey = array.shape[-1] == 1  # which Pillow wants without channels
    return Image.fromarray(array[..., 0] if is_grey else array)


def _is_byte_range(images) -> bool:
    return bool(((images >= 0) & (images <= 255)).all())


def refusal(given: str) -> UsageError:
    """Return the error that says what is taken."""
    return UsageError(f"A model takes {TAKEN}. Received: {given}.")
