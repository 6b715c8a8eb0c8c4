"""RandAugment: a few random operations on an image, all at about one strength."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from swin_keras.errors import UsageError

HIGHEST = 10.0  # magnitude at which every operation is at its strongest
FILL = {"RGB": (124, 116, 104), "L": 115}  # what comes in at the edges: ImageNet's mean


@dataclass(frozen=True)
class RandAugment:
    """A few operations out of fifteen, drawn anew for each image.

    `(H, W, C) -> (H, W, C)`, uint8. The defaults are those of the published
    recipe, there named `rand-m9-mstd0.5-inc1`: with a higher magnitude, every
    operation changes more. An operation may be drawn twice.

    Args:
        operations: Operations drawn for each image.
        magnitude: How strong they are, from 0 to 10.
        magnitude_std: Standard deviation of normal noise on the magnitude.
        probability: Share of the drawn operations that are applied.

    Raises:
        UsageError: If a number is out of its range.

    Reference:
        Cubuk et al., 2019: https://arxiv.org/abs/1909.13719
    """

    operations: int = 2
    magnitude: float = 9.0
    magnitude_std: float = 0.5
    probability: float = 0.5

    def __post_init__(self):
        for name, most in (
            ("operations", math.inf),
            ("magnitude", HIGHEST),
            ("magnitude_std", math.inf),
            ("probability", 1),
        ):
            value = getattr(self, name)
            if not 0 <= value <= most:
                limit = "" if most == math.inf else f" and at most {most:g}"
                raise UsageError(
                    f"`{name}` must be at least 0{limit}. Received: {name}={value}."
                )

    def apply(self, pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a changed copy of an image `(H, W, C)`, grey or RGB."""
        count = self.operations
        chosen = rng.integers(len(OPERATIONS), size=count)
        applied = rng.random(count) < self.probability
        magnitudes = rng.normal(self.magnitude, self.magnitude_std, count)
        strengths = (
            np.clip(magnitudes, 0, HIGHEST) / HIGHEST * rng.choice((-1, 1), count)
        )
        image = Image.fromarray(pixels.squeeze())
        for index, strength in zip(chosen[applied], strengths[applied], strict=True):
            image = OPERATIONS[index](image, float(strength))
        return np.asarray(image).reshape(pixels.shape)


def posterize(image, strength):
    """Keep the upper bits of each value: four of eight, at full strength one."""
    return ImageOps.posterize(image, max(1, 4 - int(4 * abs(strength))))


def solarize(image, strength):
    """Invert what is brighter than a threshold."""
    return ImageOps.solarize(image, 256 - int(256 * abs(strength)))


def solarize_add(image, strength):
    """Make the dark half of the values brighter."""
    values = np.arange(256)
    brighter = np.where(values < 128, values + int(110 * abs(strength)), values)
    return image.point(list(brighter.clip(0, 255)) * len(image.getbands()))


def enhance(kind) -> Callable:
    """Return an operation that weakens or strengthens what `kind` enhances."""
    return lambda image, strength: kind(image).enhance(1 + 0.9 * strength)


def affine(matrix: Callable) -> Callable:
    """Return an operation that moves pixels by `matrix(width, height, strength)`."""

    def apply(image, strength):
        return image.transform(
            image.size,
            Image.Transform.AFFINE,
            matrix(*image.size, strength),
            Image.Resampling.BICUBIC,
            fillcolor=FILL[image.mode],
        )

    return apply


def rotate(image, strength):
    """Turn by at most 30 degrees."""
    return image.rotate(
        30 * strength, Image.Resampling.BICUBIC, fillcolor=FILL[image.mode]
    )


# Each takes an image and a strength of -1 to 1, whose sign matters only where an
# operation has two directions.
OPERATIONS = (
    lambda image, _: ImageOps.autocontrast(image),
    lambda image, _: ImageOps.equalize(image),
    lambda image, _: ImageOps.invert(image),
    rotate,
    posterize,
    solarize,
    solarize_add,
    enhance(ImageEnhance.Color),  # leaves grey images as they are
    enhance(ImageEnhance.Contrast),
    enhance(ImageEnhance.Brightness),
    enhance(ImageEnhance.Sharpness),
    affine(lambda width, height, strength: (1, 0.3 * strength, 0, 0, 1, 0)),
    affine(lambda width, height, strength: (1, 0, 0, 0.3 * strength, 1, 0)),
    affine(lambda width, height, strength: (1, 0, 0.45 * strength * width, 0, 1, 0)),
    affine(lambda width, height, strength: (1, 0, 0, 0, 1, 0.45 * strength * height)),
)
