"""Few sizes of batches for what is compiled anew for each."""

import numpy as np

MOST = 64  # times as many images as were given; beyond, compiling costs less


class Padding:
    """The sizes of batches that were asked for, up to which shorter ones are filled.

    XLA compiles a model for each size, which takes longer than a few images more: the
    last batch of many is often a shorter one.

    Example:

    >>> padding = Padding()
    >>> [len(padding.filled(np.zeros((count, 1)))) for count in (8, 3, 9, 1)]
    [8, 8, 9, 8]
    """

    def __init__(self):
        self._sizes = frozenset()

    def expect(self, size: int):
        """Fill batches up to a size before the first of them."""
        self._sizes |= {size}

    def filled(self, images) -> np.ndarray:
        """Return images, and black ones after them up to a size that was seen."""
        count = len(images)
        fitting = [size for size in self._sizes if count <= size <= MOST * count]
        size = min(fitting, default=count)
        self.expect(size)
        if size == count:
            return images
        black = np.zeros((size - count, *images.shape[1:]), images.dtype)
        return np.concatenate([images, black])
