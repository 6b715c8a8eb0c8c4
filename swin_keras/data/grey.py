"""Grey images of more than 8 bits: what of their range becomes 0..255."""

import numpy as np
from PIL import Image

from swin_keras.errors import UsageError

MAX_VALUE = 65_535  # the largest value of 16 bits


def check_grey_range(grey_range) -> tuple[float, float] | None:
    """Return a range as two numbers, or `None` for the whole of 16 bits.

    Raises:
        UsageError: If it is not a smallest and a larger value.
    """
    if grey_range is None:
        return None
    try:
        low, high = map(float, grey_range)
    except (TypeError, ValueError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low < high):
        raise UsageError(
            "`grey_range` must be the values of black and of white, the smaller "
            f"first, such as [0, 4095]. Received: grey_range={grey_range!r}."
        )
    return low, high


def is_deep(mode: str) -> bool:
    """Return whether a Pillow mode is grey of more than 8 bits: "I;16", "I", "F"."""
    return mode.startswith("I") or mode == "F"


def to_eight_bits(image: Image.Image, grey_range=None) -> Image.Image:
    """Scale a deep grey image to 8 bits; what lies beyond the range is clipped.

    Args:
        image: An image whose mode `is_deep`.
        grey_range: Values that become black and white. By default, the whole range
            of 16 bits, of which the upper eight are kept.

    Raises:
        ValueError: If the values are floating point, which have no usual range,
            and none is given.
    """
    pixels = np.asarray(image)
    if grey_range:
        low, high = grey_range
        scaled = (pixels.astype(np.float32) - low) * (255 / (high - low))
        pixels = np.rint(np.nan_to_num(scaled).clip(0, 255))
    elif image.mode == "F":
        raise ValueError(
            "floating-point values have no usual range: give `grey_range` when the "
            "model is trained, which keeps it"
        )
    else:
        pixels = np.clip(pixels, 0, MAX_VALUE) >> 8
    return Image.fromarray(pixels.astype(np.uint8))


def fitting_range(low: float, high: float, is_float: bool = False):
    """Return the range that images with these values probably have.

    >>> fitting_range(12, 3987)
    [0, 4095]
    >>> fitting_range(0.0, 0.97, is_float=True)
    [0, 1]
    """
    if is_float:
        return [min(0, low), 1 if low >= 0 and high <= 1 else high]
    return [min(0, low), 2 ** max(8, int(high).bit_length()) - 1]


def advice(low: float, high: float, is_float: bool = False) -> str | None:
    """Report which `grey_range` images with these values want, if they do.

    Args:
        low: Smallest value of all images.
        high: Largest value.
        is_float: Whether the values are floating point.
    """
    fills_sixteen_bits = low >= 0 and MAX_VALUE // 2 < high <= MAX_VALUE
    if not is_float and fills_sixteen_bits:
        return None
    black, white = fitting_range(low, high, is_float)
    if is_float:
        levels = ""
    elif low < 0 or high > MAX_VALUE:
        levels = f", of which those below 0 or above {MAX_VALUE} would be clipped"
    else:
        levels = f", and would become {(int(high) >> 8) + 1} of 256 greys"
    return (
        f"grey values from {low:.6g} to {high:.6g}{levels}: "
        f'give --grey-range "[{black:.6g}, {white:.6g}]"'
    )
