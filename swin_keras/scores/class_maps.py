"""Probabilities of classes on a coarse grid -> the class of each pixel."""

from collections.abc import Sequence

import numpy as np

MAX_VALUES = 2**24  # resized at a time


def class_map(probabilities: np.ndarray, size) -> np.ndarray:
    """Return the class of each pixel, uint8 `(H, W)`.

    Probabilities are resized bilinearly, centre of pixel to centre of pixel, and the
    largest at each pixel wins.

    Args:
        probabilities: `(h, w, classes)`.
        size: `(H, W)`.

    Example:

    >>> class_map(np.array([[[0.9, 0.1], [0.2, 0.8]]]), (1, 4)).tolist()
    [[0, 0, 1, 1]]
    """
    return mean_class_map([probabilities], size)


def mean_class_map(maps: Sequence[np.ndarray], size) -> np.ndarray:
    """Return the class of each pixel by the sum of several maps, uint8 `(H, W)`.

    Args:
        maps: Probabilities `(h, w, classes)`, each resized as `class_map` does; `h`
            and `w` may differ.
        size: `(H, W)`.
    """
    result = np.empty(size, np.uint8)
    for parts in zip(*(_resized_parts(one, size) for one in maps), strict=True):
        rows = parts[0][0]
        result[rows] = sum(pixels for _, pixels in parts).argmax(-1)
    return result


def resized_map(probabilities: np.ndarray, size) -> np.ndarray:
    """Return probabilities resized bilinearly, as `class_map` does: `(H, W, classes)`.

    Args:
        probabilities: `(h, w, classes)`.
        size: `(H, W)`.
    """
    if probabilities.shape[:2] == tuple(size):
        return probabilities
    parts = [pixels for _, pixels in _resized_parts(probabilities, size)]
    return np.concatenate(parts)


def _resized_parts(probabilities, size):
    """Yield some rows of the result at a time: which these are, and their values."""
    height, width = size
    low, high, weight = _neighbours(width, probabilities.shape[1])
    step = max(1, MAX_VALUES // (width * probabilities.shape[2]))
    above, below, share = _neighbours(height, probabilities.shape[0])
    for start in range(0, height, step):
        rows = slice(start, start + step)
        down = share[rows, None, None]
        lines = probabilities[above[rows]] * (1 - down)
        lines += probabilities[below[rows]] * down
        pixels = lines[:, low] * (1 - weight[:, None])
        pixels += lines[:, high] * weight[:, None]
        yield rows, pixels


def _neighbours(count, length):
    """Return the two source pixels of each result, and the second one's weight."""
    places = (np.arange(count) + 0.5) * length / count - 0.5
    places = places.clip(0, length - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, length - 1)
    return low, high, (places - low).astype(np.float32)
