"""Probabilities of classes on a coarse grid -> the class of each pixel."""

from collections.abc import Sequence

import numpy as np

MAX_VALUES = 2**24  # resized at a time
WHOLE = (slice(None), slice(None))


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
    resized = (_resized_rows(one, one.shape[:2], size) for one in maps)
    for parts in zip(*resized, strict=True):
        rows = parts[0][0]
        result[rows] = sum(pixels for _, pixels in parts).argmax(-1)
    return result


def resized_map(probabilities: np.ndarray, size) -> np.ndarray:
    """Return probabilities resized bilinearly, as `class_map` does: `(H, W, classes)`.

    Args:
        probabilities: `(h, w, classes)`.
        size: `(H, W)`.
    """
    return resized_part(probabilities, probabilities.shape[:2], size, WHOLE)


def resized_part(probabilities: np.ndarray, source_size, size, part) -> np.ndarray:
    """Return a part of probabilities resized bilinearly: `(rows, columns, classes)`.

    Args:
        probabilities: What `source_of` names of the whole map, `(h, w, classes)`.
        source_size: `(height, width)` of the whole map.
        size: `(H, W)` of the whole result.
        part: Rows and columns of the result.
    """
    if tuple(source_size) == tuple(size):
        return probabilities
    lengths = (range(*cut.indices(side)) for cut, side in zip(part, size, strict=True))
    shape = (*map(len, lengths), probabilities.shape[2])
    result = np.empty(shape, np.float32)
    for rows, pixels in _resized_rows(probabilities, source_size, size, part):
        result[rows] = pixels
    return result


def source_of(part: slice, count: int, length: int) -> slice:
    """Return the pixels along a side from which a part of the resized side comes.

    >>> source_of(slice(0, 5), 20, 10), source_of(slice(2, 7), 20, 20)
    (slice(0, 3, None), slice(2, 7, None))
    """
    low, high, _ = _neighbours(count, length)
    return slice(int(low[part][0]), int(high[part][-1]) + 1)


def _resized_rows(probabilities, source_size, size, part=WHOLE):
    """Yield some rows of the part at a time: which these are, and their values."""
    sides = zip(part, size, source_size, strict=True)
    (above, below, down), (low, high, right) = (_within(*side) for side in sides)
    step = max(1, MAX_VALUES // (len(low) * probabilities.shape[2]))
    for start in range(0, len(above), step):
        rows = slice(start, start + step)
        share = down[rows, None, None]
        lines = probabilities[above[rows]] * (1 - share)
        lines += probabilities[below[rows]] * share
        pixels = lines[:, low] * (1 - right[:, None])
        pixels += lines[:, high] * right[:, None]
        yield rows, pixels


def _within(part, count, length):
    """Return `_neighbours` of a part, counted from the first that it needs."""
    low, high, share = (column[part] for column in _neighbours(count, length))
    return low - low[0], high - low[0], share


def _neighbours(count, length):
    """Return the two source pixels of each result, and the second one's share."""
    places = (np.arange(count) + 0.5) * length / count - 0.5
    places = places.clip(0, length - 1)
    low = np.floor(places).astype(int)
    return low, np.ceil(places).astype(int), (places - low).astype(np.float32)
