"""Random changes to a training image, each a pure function of its generator."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from swin_keras.data.blur import blur, check_blur
from swin_keras.data.geometry import Geometry, draw_turns, turned_size
from swin_keras.data.image_io import centre_box
from swin_keras.data.rand_augment import RandAugment
from swin_keras.data.random_erasing import erase
from swin_keras.data.white_balance import check_white_balance, white_balance
from swin_keras.errors import UsageError

ATTEMPTS = 10  # crops drawn before the centre is taken


@dataclass(frozen=True)
class Augmentation:
    """A random crop, resized to the target, perhaps mirrored, and more on request.

    Args:
        crop_scale: Smallest and largest area of the crop, as a share of the
            image. `(1.0, 1.0)` keeps the whole.
        crop_ratio: Smallest and largest aspect ratio, as a share of the target's
            width over height. `(1.0, 1.0)` never distorts.
        rotate: Largest rotation to either side, in degrees.
        shift: Largest move in each direction, as a share of the side; what comes
            in is black, as where the image is rotated.
        flip: Mirror left and right half of the time. Wrong for digits, letters
            and anything else that reads in one direction.
        quarter_turns: Turn by 0, 90, 180 or 270 degrees, each as likely: for pictures
            that have no upright, such as those from above or of a microscope.
        blur: Largest standard deviation of a Gaussian blur, in pixels of the input.
        white_balance: Largest change of white in each colour channel, as a share.
        rand_augment: Operations on colours and places, after all of the above.
        erase: Share of the images of which, at last, a rectangle becomes noise.
    """

    crop_scale: tuple[float, float] = (0.08, 1.0)
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    rotate: float = 0.0
    shift: float = 0.0
    flip: bool = True
    quarter_turns: bool = False
    blur: float = 0.0
    white_balance: float = 0.0
    rand_augment: RandAugment | None = None
    erase: float = 0.0

    def __post_init__(self):
        for name, most in (("crop_scale", 1), ("crop_ratio", math.inf)):
            low, high = getattr(self, name)
            if not 0 < low <= high <= most:
                raise UsageError(
                    f"`{name}` must be a smallest and a largest value above 0"
                    f"{', at most 1' if most == 1 else ''}. "
                    f"Received: {name}={(low, high)}."
                )
        if not 0 <= self.erase <= 1:
            raise UsageError(
                f"`erase` must be between 0 and 1. Received: erase={self.erase}."
            )
        check_blur(self.blur)
        check_white_balance(self.white_balance)

    def apply(self, image: Image.Image, image_size, rng: np.random.Generator):
        """Return a uint8 array `(H, W, C)`, 0..255, of `image_size`."""
        geometry = self.draw(image.size, image_size, rng)
        return self.finish(geometry.image(image), rng)

    def draw(self, size, image_size, rng: np.random.Generator, preview=None):
        """Return a random `Geometry`.

        Args:
            size: `(width, height)` of the image.
            image_size: `(height, width)` of the target.
            rng: Draws.
            preview: Not asked here; see `DenseAugmentation` and `BoxAugmentation`.
        """
        mirrored = rng.random() < 0.5
        rotation, *move = rng.uniform(-1, 1, 3) * (self.rotate, self.shift, self.shift)
        turns = draw_turns(self.quarter_turns, rng)
        return Geometry(
            source=size,
            crop=self.crop_box(size, turned_size(image_size, turns), rng),
            size=tuple(image_size),
            mirrored=self.flip and mirrored,
            rotation=rotation,
            move=tuple(move),
            turns=turns,
        )

    def finish(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Change the pixels of an input `(H, W, C)`, whose place is settled."""
        pixels = blur(pixels, self.blur, rng)
        pixels = white_balance(pixels, self.white_balance, rng)
        if self.rand_augment:
            pixels = self.rand_augment.apply(pixels, rng)
        if self.erase and rng.random() < self.erase:
            pixels = erase(pixels, rng)
        return pixels

    def crop_box(self, size, image_size, rng: np.random.Generator):
        """Return `(left, top, right, bottom)` in pixels, not rounded.

        Area and stretch are drawn until a box fits into the image, ten times
        at most; then the largest centred box is taken.
        """
        (width, height), (target_height, target_width) = size, image_size
        areas = width * height * rng.uniform(*self.crop_scale, ATTEMPTS)
        stretches = np.exp(rng.uniform(*np.log(self.crop_ratio), ATTEMPTS))
        ratios = stretches * target_width / target_height
        x, y = rng.random(2)
        for area, ratio in zip(areas, ratios, strict=True):
            box_width, box_height = math.sqrt(area * ratio), math.sqrt(area / ratio)
            if box_width <= width and box_height <= height:
                left, top = x * (width - box_width), y * (height - box_height)
                return left, top, left + box_width, top + box_height
        return centre_box(size, image_size)
