"""Random blur, as softer lenses and enlarged pictures have it."""

import numpy as np
from PIL import Image, ImageFilter

from swin_keras.errors import UsageError


def check_blur(value: float):
    """Refuse a blur that is none.

    Raises:
        UsageError: If it is below 0 or not finite.
    """
    if not (0 <= value < np.inf):
        raise UsageError(
            f"`blur` must be a number of pixels, 0 for none. Received: blur={value}."
        )


def blur(pixels: np.ndarray, largest: float, rng: np.random.Generator) -> np.ndarray:
    """Return a Gaussian-blurred copy of an image `(H, W, C)`, uint8.

    Args:
        pixels: The image, grey or RGB.
        largest: Largest standard deviation, in pixels; the image's is drawn evenly from
            0 to it. 0 draws nothing and returns the image as it is.
        rng: Draws.
    """
    if not largest:
        return pixels
    image = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    softer = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, largest)))
    return np.array(softer).reshape(pixels.shape)
