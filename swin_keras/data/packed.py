"""Many image files, or paths, in one array, which processes can share."""

import os
from collections.abc import Iterable, Sequence

import numpy as np


class PackedBytes(Sequence):
    """A sequence of `bytes`, held one behind the other in a uint8 array.

    `pickle` can leave an array in shared memory; it copies a list of `bytes` into each
    process.

    An array of indices gives another such sequence, of the same memory. Of a part, only
    what it holds is pickled.

    Args:
        items: The bytes of each; may be a generator.

    Example:

    >>> files = PackedBytes([b"one", b"three", b"five"])
    >>> files[1], list(files[np.array([2, 0])])
    (b'three', [b'five', b'one'])
    """

    def __init__(self, items: Iterable[bytes]):
        packed, ends = bytearray(), [0]
        for item in items:
            packed += item
            ends.append(len(packed))
        self._bytes = np.frombuffer(packed, np.uint8)
        ends = np.array(ends, np.int64)
        self._starts, self._ends = ends[:-1], ends[1:]

    def __len__(self):
        return len(self._starts)

    def __getitem__(self, index):
        starts, ends = self._starts[index], self._ends[index]
        if np.ndim(starts) == 0:
            return self._bytes[starts:ends].tobytes()
        part = PackedBytes(())
        part._bytes, part._starts, part._ends = self._bytes, starts, ends
        return part

    @property
    def sizes(self) -> np.ndarray:
        """Bytes of each item, int64 `(N,)`."""
        return self._ends - self._starts

    def __getstate__(self):
        is_part = self.sizes.sum() < self._bytes.size
        return (PackedBytes(self) if is_part else self).__dict__


class PackedPaths(Sequence):
    """A sequence of paths, held like `PackedBytes`.

    >>> paths = PackedPaths(["cat/1.jpg", "dog/2.jpg"])
    >>> paths[1], len(paths)
    ('dog/2.jpg', 2)
    """

    def __init__(self, paths: Iterable[str]):
        self._paths = PackedBytes(map(os.fsencode, paths))

    def __len__(self):
        return len(self._paths)

    def __getitem__(self, index: int):
        return os.fsdecode(self._paths[index])
