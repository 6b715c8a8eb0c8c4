"""The size of a feature map: one number or two, known or not, padded to a multiple."""

import numbers

import keras
import numpy as np
from keras import ops


def plain_size(size):
    """Return a size as a configuration holds it: numbers of NumPy become Python's.

    A model that is saved with others cannot be loaded.

    >>> plain_size(np.array([2, 4])), plain_size((np.int64(2), 4)), plain_size(7)
    ([2, 4], (2, 4), 7)
    """
    if isinstance(size, tuple | list):
        numbers_of = tuple if isinstance(size, tuple) else list
        return numbers_of(plain_size(side) for side in size)
    if isinstance(size, np.ndarray | np.generic):
        return size.tolist()
    return size


def as_pair(size) -> tuple[int, int]:
    """Return `(height, width)` from one number or from two.

    >>> as_pair(7), as_pair((4, 7))
    ((7, 7), (4, 7))
    """
    height, width = (size, size) if isinstance(size, numbers.Integral) else size
    return int(height), int(width)


def known_size(shape) -> tuple[int, int]:
    """Return height and width of `(B, H, W, C)`.

    Raises:
        ValueError: If one of them is not known when the model is built.
    """
    _, height, width, _ = shape
    if height is None or width is None:
        raise ValueError(
            "Height and width must be known when a model is built, since windows and "
            f"masks depend on them. Received: shape={tuple(shape)}. Resize the images, "
            "or build a model for each size; their weights fit one another while "
            "windows stay the same."
        )
    return height, width


def map_spec(shape) -> keras.layers.InputSpec:
    """Return what a layer takes that is built for feature maps `(B, H, W, C)`.

    Another height or width would be answered wrongly, without a word.

    Raises:
        ValueError: If the height or width is not known.
    """
    height, width = known_size(shape)
    return keras.layers.InputSpec(ndim=4, axes={1: height, 2: width})


def pad_to_multiple(x, size):
    """Pad a feature map with zeros, bottom and right, to multiples of a size.

    `(B, H, W, C) -> (B, H', W', C)`.

    Args:
        x: Feature map of shape `(B, H, W, C)`.
        size: What must divide the sides, one number or `(height, width)`.

    Returns:
        The feature map itself if nothing is to pad.

    Raises:
        ValueError: If the height or width is not known.
    """
    sides = zip(known_size(x.shape), as_pair(size), strict=True)
    bottom, right = (-side % step for side, step in sides)
    if not (bottom or right):
        return x
    return ops.pad(x, ((0, 0), (0, bottom), (0, right), (0, 0)))
