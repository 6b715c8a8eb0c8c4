"""Resizes what has a place for each offset or position, in NumPy.

Both methods are linear, so each is a matrix for the rows and one for the columns.
"""

import numpy as np

from swin_keras.errors import UsageError


def resize_map(x, size, method="bicubic"):
    """Resize the first two axes of an array.

    `(H, W, C) -> (height, width, C)`.

    Args:
        x: The array.
        size: `(height, width)` wanted.
        method: `"bicubic"` as PyTorch and the official code do it (a = -0.75, no
            antialiasing), or `"geometric"`, which keeps near offsets and stretches
            far ones more, as timm and BEiT do it.

    Returns:
        The resized array, float32.

    Raises:
        UsageError: If there is no such method.
    """
    matrices = {"bicubic": bicubic_matrix, "geometric": geometric_matrix}
    if method not in matrices:
        raise UsageError(
            f"`resize` must be 'bicubic' or 'geometric'. Received: {method!r}."
        )
    rows, columns = (
        matrices[method](old, new) for old, new in zip(x.shape[:2], size, strict=True)
    )
    x = np.einsum("ih,hwc,jw->ijc", rows, x.astype("float64"), columns)
    return x.astype("float32")


def resize_table(table, old_window, new_window, method="bicubic"):
    """Resize a relative position bias table to another window.

    `((2h - 1) * (2w - 1), num_heads)` to the same of the new window.
    """
    old, new = (tuple(2 * side - 1 for side in w) for w in (old_window, new_window))
    return resize_map(table.reshape(*old, -1), new, method).reshape(new[0] * new[1], -1)


def crop_table(table, old_window, new_window):
    """Keep the offsets that occur in a smaller window: exact, not a resize."""
    old, new = (tuple(2 * side - 1 for side in w) for w in (old_window, new_window))
    top, left = ((o - n) // 2 for o, n in zip(old, new, strict=True))
    x = table.reshape(*old, -1)[top : top + new[0], left : left + new[1]]
    return x.reshape(new[0] * new[1], -1)


def bicubic_matrix(old: int, new: int, a: float = -0.75) -> np.ndarray:
    """Make the `(new, old)` matrix of cubic convolution at pixel centres.

    >>> bicubic_matrix(3, 3).round(6).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    centres = (np.arange(new) + 0.5) * old / new - 0.5
    first = np.floor(centres).astype(int) - 1
    matrix = np.zeros((new, old))
    for tap in range(4):
        distance = np.abs(centres - (first + tap))
        near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
        far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
        columns = np.clip(first + tap, 0, old - 1)
        np.add.at(matrix, (np.arange(new), columns), np.where(distance <= 1, near, far))
    return matrix


def geometric_matrix(old: int, new: int) -> np.ndarray:
    """Make the `(new, old)` matrix of linear interpolation between stretched offsets.

    Old offsets 1, 2, 3, ... move to 1, 1 + q, 1 + q + q**2, ..., with the ratio q
    for which the last of them meets the last new one.

    >>> geometric_matrix(5, 9)[6].round(3).tolist()  # 2 moves to 4, so q is 3
    [0.0, 0.0, 0.0, 0.667, 0.333]
    """
    positions = np.cumsum(_ratio(old // 2, new // 2) ** np.arange(old // 2))
    positions = np.concatenate([-positions[::-1], [0.0], positions])
    wanted = np.arange(new) - new // 2
    return np.stack(
        [np.interp(wanted, positions, unit) for unit in np.eye(old)], axis=1
    )


def _ratio(count, total):
    """Find q with 1 + q + ... + q**(count - 1) = total, by bisection."""
    low, high = 0.0, float(max(total, 1))
    for _ in range(100):
        q = (low + high) / 2
        low, high = (low, q) if (q ** np.arange(count)).sum() > total else (q, high)
    return low
