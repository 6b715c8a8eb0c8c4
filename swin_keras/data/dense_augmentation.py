"""Random changes to a picture together with its mask."""

import math
from dataclasses import dataclass

import numpy as np

from swin_keras.data.blur import blur, check_blur
from swin_keras.data.geometry import Geometry, draw_turns, turned_size
from swin_keras.data.photometric import distort
from swin_keras.data.white_balance import check_white_balance, white_balance
from swin_keras.errors import UsageError

ATTEMPTS = 10  # crops drawn before one that shows too much of a class is taken
LONGEST = 4  # sides of the target: of a long picture, before its random scale


@dataclass(frozen=True)
class DenseAugmentation:
    """A random scale, a crop of the target's size, perhaps mirrored, other colours.

    At scale 1 a picture covers the target. What a crop shows beyond the picture is
    black, and ignored in its mask. These are the published segmenters' changes.

    Args:
        scale: Smallest and largest scale of a picture; `(1, 1)` does not scale it.
        largest_share: Of one class in a crop's mask: one that shows more is drawn
            again, ten times at most. 1 takes any crop.
        flip: Mirror left and right half of the time.
        quarter_turns: Turn by 0, 90, 180 or 270 degrees, each as likely.
        photometric: Whether to change brightness, contrast, saturation and hue.
        blur: Largest standard deviation of a Gaussian blur, in pixels of the input.
        white_balance: Largest change of white in each colour channel, as a share.
        copy_paste: Share of the inputs onto which the objects of another picture are
            pasted, which is scaled, cropped and mirrored by itself.
        background: The class whose pixels are no object.

    Raises:
        UsageError: If a number is out of its range.

    Reference:
        Liu et al., 2021, section A2.3: https://arxiv.org/abs/2103.14030
    """

    scale: tuple[float, float] = (0.5, 2.0)
    largest_share: float = 0.75
    flip: bool = True
    quarter_turns: bool = False
    photometric: bool = True
    blur: float = 0.0
    white_balance: float = 0.0
    copy_paste: float = 0.0
    background: int = 0

    def __post_init__(self):
        low, high = self.scale
        if not 0 < low <= high < math.inf:
            raise UsageError(
                "`scale` must be a smallest and a largest value above 0. "
                f"Received: scale={(low, high)}."
            )
        if not 0 < self.largest_share <= 1:
            raise UsageError(
                "`largest_share` must be above 0 and at most 1. "
                f"Received: largest_share={self.largest_share}."
            )
        if not 0 <= self.copy_paste <= 1:
            raise UsageError(
                "`copy_paste` must be between 0 and 1. "
                f"Received: copy_paste={self.copy_paste}."
            )
        check_blur(self.blur)
        check_white_balance(self.white_balance)

    def draw(self, size, image_size, rng: np.random.Generator, preview=None):
        """Return a random `Geometry`.

        Args:
            size: `(width, height)` of the picture.
            image_size: `(height, width)` of the target.
            rng: Draws.
            preview: Returns the largest class's share of what a geometry shows.
        """
        turns = draw_turns(self.quarter_turns, rng)
        height, width = turned_size(image_size, turns)
        sides = np.divide((width, height), size)
        scale = min(sides.max(), LONGEST * sides.min()) * rng.uniform(*self.scale)
        scaled = np.maximum(np.rint(np.multiply(size, scale)), 1)
        mirrored = self.flip and rng.random() < 0.5
        room = np.maximum(scaled - (width, height), 0)
        for place in rng.random((ATTEMPTS, 2)):
            # Whole pixels of the scaled picture, so that its edge is one of ours.
            start = np.minimum(np.floor(place * (room + 1)), room)
            stop = np.add(start, (width, height))
            crop = np.concatenate([start, stop]) * np.tile(size / scaled, 2)
            geometry = Geometry(
                tuple(size), tuple(crop), tuple(image_size), mirrored, turns=turns
            )
            if (
                preview is None
                or self.largest_share == 1
                or not room.any()  # every place would show the same
                or preview(geometry) <= self.largest_share
            ):
                break
        return geometry

    def finish(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change sharpness and colours of an input `(H, W, C)`, uint8."""
        pixels = blur(pixels, self.blur, rng)
        pixels = white_balance(pixels, self.white_balance, rng)
        return distort(pixels, rng) if self.photometric else pixels
