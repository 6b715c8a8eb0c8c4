"""Which part of a picture becomes an input, for all that belongs to the picture."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from swin_keras.data.image_io import resize
from swin_keras.masks import IGNORED


@dataclass(frozen=True)
class Geometry:
    """A crop of a picture, resized, rotated, moved, mirrored, turned, in this order.

    It is drawn once, and a picture, its mask and its boxes go through it alike.

    Args:
        source: `(width, height)` of the upright picture, as Pillow orders them.
        crop: `(left, top, right, bottom)` in its pixels, not rounded. What lies
            beyond the picture becomes black in images and `IGNORED` in masks.
        size: `(height, width)` of the result.
        mirrored: Whether left and right are exchanged.
        rotation: Degrees, counterclockwise around the centre of the result.
        move: Distances to the right and down, as shares of the result's sides.
        turns: Quarter turns, counterclockwise, of all the above: with an odd number
            the crop lies in the result with its width upright.

    Example:

    >>> geometry = Geometry((64, 48), (32, 0, 64, 24), (48, 64), mirrored=True)
    >>> boxes, shares = geometry.boxes(np.array([[32.0, 0.0, 48.0, 48.0]]))
    >>> boxes.tolist(), shares.tolist()
    ([[32.0, 0.0, 64.0, 48.0]], [0.5])
    """

    source: tuple[int, int]
    crop: tuple[float, float, float, float]
    size: tuple[int, int]
    mirrored: bool = False
    rotation: float = 0.0
    move: tuple[float, float] = (0.0, 0.0)
    turns: int = 0

    @classmethod
    def whole(cls, source, size) -> "Geometry":
        """Return the geometry that shows a whole picture, stretched to a size."""
        width, height = source
        return cls((width, height), (0, 0, width, height), tuple(size))

    @property
    def useful_side(self) -> int:
        """Pixels on the picture's shorter side that lose nothing in the result."""
        left, top, right, bottom = self.crop
        height, width = self._size
        spare = min((right - left) / width, (bottom - top) / height)
        return math.ceil(min(self.source) / spare)

    def image(self, image: Image.Image) -> np.ndarray:
        """Return the input's pixels: uint8 `(H, W, C)`, bicubic and antialiased.

        Args:
            image: The whole picture, in any resolution.
        """
        box = np.multiply(self.crop, np.tile(np.divide(image.size, self.source), 2))
        inside = (*box[:2].clip(0), *np.minimum(box[2:], image.size))
        left, top, right, bottom = self._place_of(inside, box)
        if (left, top, right, bottom) == (0, 0, *self._size[::-1]):
            pixels = resize(image, self._size, inside)
        else:
            pixels = np.zeros((*self._size, len(image.getbands())), np.uint8)
            if left < right and top < bottom:
                part = resize(image, (bottom - top, right - left), inside)
                pixels[top:bottom, left:right] = part
        return self._moved(pixels, Resampling.BILINEAR, 0)

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Return the input's mask: the nearest class of each pixel, uint8 `(H, W)`.

        Args:
            mask: Classes of the whole picture, uint8 `(height, width)`.
        """
        (left, top, right, bottom), (height, width) = self.crop, mask.shape
        rows, columns = self._size
        rows, has_row = _nearest(top, bottom, rows, height)
        columns, has_column = _nearest(left, right, columns, width)
        result = np.full(self._size, IGNORED, np.uint8)
        result[np.ix_(has_row, has_column)] = mask[np.ix_(rows, columns)]
        return self._moved(result[..., None], Resampling.NEAREST, IGNORED)[..., 0]

    def blackened(self, pixels: np.ndarray) -> np.ndarray:
        """Return changed pixels `(H, W, C)`, black again beyond the picture."""
        (left, top, right, bottom), (width, height) = self.crop, self.source
        if left >= 0 <= top and right <= width and bottom <= height:
            return pixels
        rows, columns = self._size
        _, has_row = _nearest(top, bottom, rows, height)
        _, has_column = _nearest(left, right, columns, width)
        inside = np.outer(has_row, has_column).astype(np.uint8)[..., None]
        return pixels * self._moved(inside, Resampling.NEAREST, 0)

    def boxes(self, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes in pixels of the input, and how much of each is in it.

        `(N, 4) -> (N, 4), (N,)`, float32. Boxes are `x1, y1, x2, y2` and clipped;
        a rotated box becomes the upright one around it. The shares are of areas;
        boxes without area have a share of 0.

        Args:
            boxes: Boxes in pixels of the whole picture.
        """
        (left, top, right, bottom), (height, width) = self.crop, self._size
        scale = width / (right - left), height / (bottom - top)
        x1, y1, x2, y2 = np.asarray(boxes, float).reshape(-1, 4).T
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])  # (4, 2, N)
        corners = (corners.transpose(2, 0, 1) - (left, top)) * scale  # (N, 4, 2)
        if self._is_moved:
            angle = math.radians(self.rotation)
            around = np.array([width, height]) / 2
            cosine, sine = math.cos(angle), math.sin(angle)
            corners = (corners - around) @ [[cosine, -sine], [sine, cosine]]
            corners += around + np.multiply(self.move, (width, height))
        if self.mirrored:
            corners = corners * (-1, 1) + (width, 0)
        for _ in range(self.turns):
            corners = corners[..., ::-1] * (1, -1) + (0, width)
            height, width = width, height
        moved = np.concatenate([corners.min(1), corners.max(1)], axis=1)
        clipped = moved.clip(0, (width, height, width, height))
        areas = area(moved)
        shares = np.divide(area(clipped), areas, np.zeros_like(areas), where=areas > 0)
        return clipped.astype(np.float32), shares.astype(np.float32)

    @property
    def _size(self):
        """`(height, width)` before the quarter turns."""
        return turned_size(self.size, self.turns)

    @property
    def _is_moved(self):
        return bool(self.rotation or any(self.move))

    def _place_of(self, inside, box):
        """Return where in the result the part inside the picture is, in pixels."""
        (left, top, right, bottom), (height, width) = box, self._size
        scale = np.tile((width / (right - left), height / (bottom - top)), 2)
        offset = (left, top, left, top)
        places = (np.subtract(inside, offset) * scale).round(6)  # a half is a half
        # Half a pixel belongs to the part below, as it does in masks.
        return tuple(np.ceil(places - 0.5).astype(int))

    def _moved(self, pixels, resampling, fill):
        if self._is_moved:
            height, width = self._size
            image = Image.fromarray(pixels.squeeze())
            moved = image.rotate(
                self.rotation,
                resampling,
                translate=(self.move[0] * width, self.move[1] * height),
                fillcolor=fill if fill else None,
            )
            pixels = np.asarray(moved).reshape(pixels.shape)
        if self.mirrored:
            pixels = pixels[:, ::-1]
        return np.rot90(pixels, self.turns)


def turned_size(size, turns: int) -> tuple[int, int]:
    """Return `(height, width)` after quarter turns of either direction."""
    return tuple(size[::-1] if turns % 2 else size)


def draw_turns(is_turned: bool, rng: np.random.Generator) -> int:
    """Return a random number of quarter turns; draws only where there are some."""
    return int(rng.integers(4)) if is_turned else 0


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the area of boxes `(N, 4)`, 0 where an edge lies beyond the other."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(1)


def _nearest(low, high, count, length):
    """Return the source pixels of those results that have one, and which have."""
    places = np.floor(low + (np.arange(count) + 0.5) * (high - low) / count)
    has_place = (places >= 0) & (places < length)
    return places[has_place].astype(int), has_place
