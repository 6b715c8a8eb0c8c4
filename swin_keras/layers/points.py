"""The points at which a detector looks for objects: one for each token of a pyramid."""

import numpy as np


def level_sizes(input_shape, strides) -> list[tuple[int, int]]:
    """Return height and width of each level's feature map, in tokens.

    Args:
        input_shape: `(height, width, ...)` of the picture, in pixels.
        strides: Pixels from one token to the next, of each level.

    >>> level_sizes((64, 90), (8, 16, 128))
    [(8, 12), (4, 6), (1, 1)]
    """
    height, width = input_shape[:2]
    return [(-(-height // stride), -(-width // stride)) for stride in strides]


def points_of(input_shape, strides=(8, 16, 32, 64, 128)):
    """Return the centres of all tokens of a pyramid, and the stride of each.

    Level by level in the order of `strides`, and within a level row by row: the
    order of a detector's outputs.

    Args:
        input_shape: `(height, width, ...)` of the picture, in pixels.
        strides: Pixels from one token to the next, of each level; see `strides_of`.

    Returns:
        Points `(P, 2)` as x, y in pixels, and strides `(P,)`, float32 arrays.

    Example:

    >>> points, strides = points_of((16, 32), strides=(8, 16))
    >>> points[:3].tolist(), points[-1].tolist(), strides[-2:].tolist()
    ([[4.0, 4.0], [12.0, 4.0], [20.0, 4.0]], [24.0, 8.0], [16.0, 16.0])
    """
    centres, steps = [], []
    for stride, (rows, columns) in zip(
        strides, level_sizes(input_shape, strides), strict=True
    ):
        y, x = np.mgrid[:rows, :columns]
        level = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * stride
        centres.append(level)
        steps.append(np.full(len(level), stride))
    return np.concatenate(centres).astype("float32"), np.concatenate(steps).astype(
        "float32"
    )
