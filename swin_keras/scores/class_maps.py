"""Probabilities of classes on a coarse grid -> the class of each pixel."""

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
    height, width = size
    low, high, weight = _neighbours(width, probabilities.shape[1])
    step = max(1, MAX_VALUES // (width * probabilities.shape[2]))
    result = np.empty((height, width), np.uint8)
    rows = _neighbours(height, probabilities.shape[0])
    for start in range(0, height, step):
        part = [values[start : start + step] for values in rows]
        above, below, share = part
        share = share[:, None, None]
        lines = probabilities[above] * (1 - share) + probabilities[below] * share
        pixels = lines[:, low] * (1 - weight[:, None])
        pixels += lines[:, high] * weight[:, None]
        result[start : start + step] = pixels.argmax(-1)
    return result


def _neighbours(count, length):
    """Return the two source pixels of each result, and the second one's weight."""
    places = (np.arange(count) + 0.5) * length / count - 0.5
    places = places.clip(0, length - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, length - 1)
    return low, high, (places - low).astype(np.float32)
