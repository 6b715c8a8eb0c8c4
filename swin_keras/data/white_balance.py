"""Random white balance, as other cameras, other light and haze have it."""

import numpy as np

from swin_keras.errors import UsageError

BLACK = 0.5  # how far black moves, as a share of how far white does


def check_white_balance(value: float):
    """Refuse a change that is none.

    Raises:
        UsageError: If it is not within 0 to 0.5: white would come near black.
    """
    if not 0 <= value <= 0.5:
        raise UsageError(
            "`white_balance` must be between 0, for none, and 0.5. "
            f"Received: white_balance={value}."
        )


def white_balance(
    pixels: np.ndarray, largest: float, rng: np.random.Generator
) -> np.ndarray:
    """Return a copy of an image `(H, W, C)`, uint8, in which white has another colour.

    In each channel for itself, white becomes 255 times `1 - largest` to `1 + largest`,
    and black, as in haze or a tinted shadow, 255 times `-largest / 2` to
    `largest / 2`. What is between them lies between them as before; what leaves 0 to
    255 is cut off.

    Args:
        pixels: The image. A grey one has no colours, and is returned as it is.
        largest: Largest change, as a share. 0 draws nothing and returns the image.
        rng: Draws.
    """
    if not largest or pixels.shape[-1] == 1:
        return pixels
    white = 255 * (1 + rng.uniform(-largest, largest, 3))
    black = 255 * BLACK * rng.uniform(-largest, largest, 3)
    values = np.linspace(black, white, 256).clip(0, 255)  # (256, channel)
    return np.rint(values).astype(np.uint8)[pixels, np.arange(3)]
