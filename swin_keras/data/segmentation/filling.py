"""Fill outlines: polygons, circles, run lengths, bitmaps -> the pixels inside."""

import numpy as np


def fill_polygon(points: np.ndarray, size) -> np.ndarray:
    """Return the pixels whose centres lie in a polygon, bool `(height, width)`.

    `(N, 2)` of x, y in pixels, from edge to edge: the first pixel's centre is at
    0.5, 0.5. What is inside an odd number of times is inside.

    Args:
        points: Its corners, in order.
        size: `(width, height)` of the picture.

    Example:

    >>> square = np.array([[1, 0], [3, 0], [3, 2], [1, 2]])
    >>> fill_polygon(square, (4, 3)).astype(int).tolist()
    [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    """
    width, height = size
    x1, y1 = np.asarray(points, float).T
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    top, bottom = np.clip((np.floor(y1.min()), np.ceil(y1.max())), 0, height).astype(
        int
    )
    rows = np.arange(top, bottom)[:, None] + 0.5
    row, edge = np.nonzero((y1 <= rows) != (y2 <= rows))
    slope = (x2 - x1)[edge] / (y2 - y1)[edge]
    crossing = x1[edge] + (rows[row, 0] - y1[edge]) * slope
    column = np.ceil(crossing - 0.5).clip(0, width).astype(int)
    crossed = np.zeros((bottom - top, width + 1), np.int32)
    np.add.at(crossed, (row, column), 1)
    inside = np.zeros((height, width), bool)
    inside[top:bottom] = np.cumsum(crossed, axis=1)[:, :width] % 2 == 1
    return inside


def fill_circle(centre, radius: float, size) -> np.ndarray:
    """Return the pixels whose centres lie in a circle, bool `(height, width)`."""
    width, height = size
    across = np.arange(width) + 0.5 - centre[0]
    down = np.arange(height)[:, None] + 0.5 - centre[1]
    return across**2 + down**2 <= radius**2


def fill_bitmap(bitmap: np.ndarray, corner, size) -> np.ndarray:
    """Return the pixels of a painted part, bool `(height, width)`.

    Args:
        bitmap: The part, bool `(rows, columns)`; what leaves the picture is cut off.
        corner: `(left, top)`: where its first pixel lies in the picture.
        size: `(width, height)` of the picture.

    Example:

    >>> fill_bitmap(np.ones((2, 2), bool), (-1, 1), (3, 3)).astype(int).tolist()
    [[0, 0, 0], [1, 0, 0], [1, 0, 0]]
    """
    (left, top), (width, height) = corner, size
    inside = np.zeros((height, width), bool)
    part = bitmap[max(0, -top) :, max(0, -left) :]
    place = inside[max(0, top) :, max(0, left) :]
    rows, columns = np.minimum(part.shape, place.shape)
    place[:rows, :columns] = part[:rows, :columns]
    return inside


def fill_runs(counts, size) -> np.ndarray:
    """Return the pixels of COCO's run lengths, bool `(height, width)`.

    Args:
        counts: Numbers of pixels outside and inside interleaved, column by column: a
            list, or the text that COCO's tools write.
        size: `(width, height)` of the picture.

    Raises:
        ValueError: If they are none, or not of this size. The message says it of
            the run lengths.
    """
    width, height = size
    runs = _unpacked(counts) if isinstance(counts, str) else counts
    if not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError("must be numbers from 0 on")
    if sum(runs) != width * height:
        raise ValueError(
            f"must be of {width} x {height} = {width * height} pixels, not {sum(runs)}"
        )
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(width, height).T


def _unpacked(text: str) -> list[int]:
    """Return the numbers that COCO's tools write as text.

    Each is in groups of five bits, the lowest first; from the third on, as the
    difference from the number two before it.
    """
    numbers, value, shift = [], 0, 0
    for letter in text:
        bits = ord(letter) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"must not hold {letter!r}")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            numbers.append(value + (numbers[-2] if len(numbers) > 2 else 0))
            value, shift = 0, 0
        elif shift > 60:
            raise ValueError("must not hold a number without end")
    if shift:
        raise ValueError("must not end within a number")
    return numbers
