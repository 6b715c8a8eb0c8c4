"""Photometric distortion: other brightness, contrast, saturation and hue."""

import numpy as np
from PIL import Image

BRIGHTNESS = 32  # largest step up or down, of 255
CONTRAST = SATURATION = (0.5, 1.5)
HUE = 18 / 180  # largest turn, as a share of the circle


def distort(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a changed copy of an image `(H, W, C)`, uint8, grey or RGB.

    Each change is made half of the time; contrast comes before or after the
    colours.
    """
    made = rng.random(4) < 0.5
    step = rng.uniform(-BRIGHTNESS, BRIGHTNESS)
    contrast, saturation = rng.uniform(*CONTRAST), rng.uniform(*SATURATION)
    hue = rng.uniform(-HUE, HUE)
    is_late = rng.random() < 0.5
    values = np.arange(256.0)
    if made[0]:
        values = (values + step).clip(0, 255)
    if made[1] and not is_late:
        values = (values * contrast).clip(0, 255)
    pixels = np.rint(values).astype(np.uint8)[pixels]
    if pixels.shape[-1] == 3 and (made[2] or made[3]):
        pixels = _recolour(
            pixels, saturation if made[2] else 1.0, hue if made[3] else 0.0
        )
    if made[1] and is_late:
        values = (np.arange(256.0) * contrast).clip(0, 255)
        pixels = np.rint(values).astype(np.uint8)[pixels]
    return pixels


def _recolour(pixels, saturation, hue):
    colours = np.array(Image.fromarray(pixels).convert("HSV"))
    values = np.arange(256.0)
    turned = (np.rint(values + hue * 256) % 256).astype(np.uint8)
    colours[..., 0] = turned[colours[..., 0]]
    colours[..., 1] = np.rint((values * saturation).clip(0, 255))[colours[..., 1]]
    bands = map(Image.fromarray, colours.transpose(2, 0, 1))
    return np.array(Image.merge("HSV", list(bands)).convert("RGB"))
