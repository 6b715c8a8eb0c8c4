"""Random erasing: noise in place of one rectangle of an image."""

import math

import numpy as np

from swin_keras.imagenet import IMAGENET_MEAN, IMAGENET_STD

AREA = (0.02, 1 / 3)  # share of the image that is erased
RATIO = (0.3, 1 / 0.3)  # height over width
ATTEMPTS = 10  # rectangles drawn before the image is left as it is


def erase(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fill one random rectangle of a copy with noise that is new in each pixel.

    `(H, W, C) -> (H, W, C)`, uint8. The noise has ImageNet's mean and standard
    deviation, so that it is standard normal once a model has normalized it.

    Reference:
        Zhong et al., 2017: https://arxiv.org/abs/1708.04896
    """
    height, width = pixels.shape[:2]
    areas = height * width * rng.uniform(*AREA, ATTEMPTS)
    ratios = np.exp(rng.uniform(*np.log(RATIO), ATTEMPTS))
    sides = zip(np.sqrt(areas * ratios), np.sqrt(areas / ratios), strict=True)
    y, x = rng.random(2)
    pixels = pixels.copy()
    for rows, columns in ((round(a), round(b)) for a, b in sides):
        if rows < height and columns < width:
            top, left = (
                math.floor(y * (height - rows)),
                math.floor(x * (width - columns)),
            )
            part = pixels[top : top + rows, left : left + columns]
            part[:] = noise(part.shape, rng)
            break
    return pixels


def noise(shape, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 noise; grey takes the average over the three channels."""
    mean, std = np.array([IMAGENET_MEAN, IMAGENET_STD], np.float32)
    if shape[-1] == 1:
        mean, std = mean.mean(), std.mean()
    values = rng.standard_normal(shape, np.float32) * std + mean
    return np.rint(values).clip(0, 255).astype(np.uint8)
