"""Which part of a picture with boxes becomes an input, drawn anew in each epoch."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from swin_keras.data.blur import blur, check_blur
from swin_keras.data.geometry import Geometry, draw_turns, turned_size
from swin_keras.data.photometric import distort
from swin_keras.data.white_balance import check_white_balance, white_balance
from swin_keras.errors import UsageError

ATTEMPTS = 10  # crops drawn before the whole picture is taken
COLOURS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)


@dataclass(frozen=True)
class BoxAugmentation:
    """A random zoom and crop that keeps objects, mirrored half of the time.

    Pure functions of their generator: the same seed, epoch and index give the same
    input.

    Args:
        scale: Smallest and largest zoom. Below 1 the picture is smaller than the
            input, somewhere on black; above 1 a part of it is seen.
        stretch: Smallest and largest width over height, as a share of what it is
            without. `(1.0, 1.0)` never distorts.
        crop: Share of the inputs that are zoomed; the others show the whole picture.
        flip: Whether to mirror left and right.
        quarter_turns: Whether to turn by 0, 90, 180 or 270 degrees, each as likely.
        least_visible: A crop is taken if at least one box, and half of those that it
            touches, are seen with this share of their area: objects that are cut to
            a rest teach little, and inputs without any object less.
        colour: Largest change of brightness, contrast and saturation, as a share.
        photometric: Whether to change these, and the hue, as `DenseAugmentation` does
            instead: more, each half of the time.
        blur: Largest standard deviation of a Gaussian blur, in pixels of the input.
        white_balance: Largest change of white in each colour channel, as a share.
        letter_box: Whether to keep width over height, with black at the sides,
            instead of stretching the picture to the input.
        mosaic: Share of the inputs that are put together of four pictures.

    Raises:
        UsageError: If a number is out of its range.
    """

    scale: tuple[float, float] = (0.7, 1.8)
    stretch: tuple[float, float] = (0.8, 1.25)
    crop: float = 0.75
    flip: bool = True
    quarter_turns: bool = False
    least_visible: float = 0.6
    colour: float = 0.25
    photometric: bool = False
    blur: float = 0.0
    white_balance: float = 0.0
    letter_box: bool = False
    mosaic: float = 0.0

    def __post_init__(self):
        for name in ("scale", "stretch"):
            low, high = getattr(self, name)
            if not 0 < low <= high < math.inf:
                raise UsageError(
                    f"`{name}` must be a smallest and a largest value above 0. "
                    f"Received: {name}={(low, high)}."
                )
        for name in ("crop", "least_visible", "colour", "mosaic"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"`{name}` must be between 0 and 1. "
                    f"Received: {name}={getattr(self, name)}."
                )
        check_blur(self.blur)
        check_white_balance(self.white_balance)

    def draw(
        self, size, image_size, rng: np.random.Generator, preview=None, part_of=None
    ) -> Geometry:
        """Return a random geometry.

        Args:
            size: `(width, height)` of the upright picture.
            image_size: `(height, width)` of the input.
            rng: Draws.
            preview: Returns how much of each box a geometry shows, `(N,)`; without
                it, and without boxes, the first crop is taken.
            part_of: `(height, width)` of the input of which this is a part, so that
                pictures are stretched as in the others.
        """
        mirrored = self.flip and bool(rng.random() < 0.5)
        turns = draw_turns(self.quarter_turns, rng)
        target, image_size = tuple(image_size), turned_size(image_size, turns)
        part_of = part_of and turned_size(part_of, turns)
        is_zoomed = rng.random() < self.crop
        zooms = np.exp(rng.uniform(*np.log(self.scale), ATTEMPTS))
        stretches = np.exp(rng.uniform(*np.log(self.stretch), ATTEMPTS) / 2)
        places = rng.random((ATTEMPTS, 2))
        whole = whole_picture(size, part_of or image_size, letter_box=self.letter_box)
        sides = np.subtract(whole.crop[2:], whole.crop[:2])
        if part_of:
            shares = np.divide(image_size, part_of)[::-1]
            sides = sides * shares / shares.max()

        def at(sides, place):
            start = place * (np.array(size) - sides)
            crop = tuple(float(value) for value in (*start, *(start + sides)))
            return Geometry(tuple(size), crop, target, mirrored, turns=turns)

        for zoom, stretch, place in zip(zooms, stretches, places, strict=True):
            geometry = at(sides / zoom * (stretch, 1 / stretch), place)
            if is_zoomed and (preview is None or self._keeps(preview(geometry))):
                return geometry
        return at(sides, places[0] if part_of else 0.5)

    def finish(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a copy of an input `(H, W, C)`, softer, in other colours, uint8."""
        pixels = blur(pixels, self.blur, rng)
        pixels = white_balance(pixels, self.white_balance, rng)
        if self.photometric:
            return distort(pixels, rng)
        image = Image.fromarray(pixels.squeeze())
        changes = 1 + self.colour * rng.uniform(-1, 1, len(COLOURS))
        for place in rng.permutation(len(COLOURS)):
            image = COLOURS[place](image).enhance(float(changes[place]))
        return np.array(image).reshape(pixels.shape)

    def _keeps(self, shares) -> bool:
        seen, touched = shares >= self.least_visible, shares > 0
        return not len(shares) or bool(seen.any() and 2 * seen.sum() >= touched.sum())


def whole_picture(size, image_size, *, letter_box: bool = False) -> Geometry:
    """Return the geometry that shows a whole picture.

    Args:
        size: `(width, height)` of the upright picture.
        image_size: `(height, width)` of the input.
        letter_box: Whether to keep width over height, with black on two sides,
            instead of stretching the picture to the input.

    Example:

    >>> whole_picture((200, 100), (64, 64), letter_box=True).crop
    (0.0, -50.0, 200.0, 150.0)
    """
    (width, height), (rows, columns) = size, image_size
    if not letter_box:
        return Geometry.whole(size, image_size)
    across = max(width, height * columns / rows)
    down = max(height, width * rows / columns)
    left, top = (width - across) / 2, (height - down) / 2
    crop = (left, top, left + across, top + down)
    return Geometry(tuple(size), crop, tuple(image_size))


def boxes_in_picture(boxes, geometry: Geometry) -> np.ndarray:
    """Return boxes that a model found in an input, in pixels of the whole picture.

    `(N, 4) -> (N, 4)`, float32, clipped to the picture. `Geometry.boxes` undone.

    Args:
        boxes: `x1, y1, x2, y2` in pixels of the input.
        geometry: What made the input; it must not be rotated, moved or turned.

    Raises:
        UsageError: If it is.
    """
    if geometry.rotation or any(geometry.move) or geometry.turns:
        raise UsageError("Boxes of inputs that were turned cannot be put back.")
    (left, top, right, bottom), (rows, columns) = geometry.crop, geometry.size
    x1, y1, x2, y2 = np.asarray(boxes, np.float64).reshape(-1, 4).T
    if geometry.mirrored:
        x1, x2 = columns - x2, columns - x1
    scale = np.tile(((right - left) / columns, (bottom - top) / rows), 2)
    placed = np.stack([x1, y1, x2, y2], -1) * scale + (left, top, left, top)
    return placed.clip(0, np.tile(geometry.source, 2)).astype(np.float32)
