"""Few sizes of batches for what is compiled anew for each."""

from collections import Counter

import numpy as np

PATIENCE = 8  # batches of a size that are filled by more than half, before it is kept


class Padding:
    """The sizes of batches that were asked for, up to which shorter ones are filled.

    XLA compiles a model for each size, which takes longer than some images more: the
    last batch of many is often a shorter one. Much shorter ones that come again and
    again are worth it.

    Example:

    >>> padding = Padding()
    >>> [len(padding.filled(np.zeros((count, 1)))) for count in (8, 3, 9, 1)]
    [8, 8, 9, 8]
    """

    def __init__(self):
        self._sizes, self._short = frozenset(), Counter()

    def expect(self, size: int):
        """Fill batches up to a size before the first of them."""
        self._sizes |= {size}

    def filled(self, images) -> np.ndarray:
        """Return images, and black ones after them up to a size that was seen."""
        count = len(images)
        size = min((size for size in self._sizes if size >= count), default=count)
        if size > 2 * count:
            self._short[count] += 1
            if self._short[count] > PATIENCE:
                size = count
        self.expect(size)
        if size == count:
            return images
        black = np.zeros((size - count, *images.shape[1:]), images.dtype)
        return np.concatenate([images, black])
