"""Numbers out of files that may hold anything."""

import math

import numpy as np

from swin_keras.data.boxes.records import no_boxes


def number(value) -> float:
    """Return a number as a float; NaN for whatever is none.

    >>> number("12"), number(True), number([1])
    (12.0, nan, nan)
    """
    if isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def numbers(values, count: int) -> list[float]:
    """Return `count` numbers of a list; NaN for each if it is no such list."""
    if not isinstance(values, list) or len(values) != count:
        return [math.nan] * count
    return [number(value) for value in values]


def integer(value) -> int | None:
    """Return a whole number; `None` for whatever is none.

    >>> integer("7"), integer(7.0), integer(7.5), integer(None)
    (7, 7, None, None)
    """
    value = number(value)
    return int(value) if math.isfinite(value) and value == int(value) else None


def size(width, height) -> tuple[float, float] | None:
    """Return `(width, height)`; `None` unless both are numbers above 0."""
    width, height = number(width), number(height)
    is_size = all(math.isfinite(side) and side > 0 for side in (width, height))
    return (width, height) if is_size else None


def array_of(boxes) -> np.ndarray:
    """Return a list of boxes as float64 `(N, 4)`."""
    return np.array(boxes, np.float64) if len(boxes) else no_boxes()


def extent(points) -> list[float]:
    """Return the smallest box around points `(x, y)`; NaN if one is none."""
    points = np.array(points, np.float64)
    return [*points.min(0), *points.max(0)]
