import pickle

import numpy as np
import pytest

from swin_keras.data.packed import PackedBytes, PackedPaths

FILES = [b"one", b"", b"three", b"four"]


def pickled(value):
    """Return what `pickle` copies of a value, and what it leaves where it is."""
    buffers = []
    copied = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return copied, [buffer.raw() for buffer in buffers]


def test_it_is_the_sequence_that_was_packed():
    packed = PackedBytes(iter(FILES))
    assert list(packed) == FILES
    assert (len(packed), packed[-1], packed[np.int64(2)]) == (4, b"four", b"three")
    assert packed.sizes.tolist() == [3, 0, 5, 4]
    with pytest.raises(IndexError):
        packed[4]
    assert list(PackedBytes([])) == []


@pytest.mark.parametrize("indices", [[3, 1, 3], [2], []])
def test_indices_give_a_part_of_the_same_memory(indices):
    packed = PackedBytes(FILES)
    part = packed[np.array(indices, int)]
    assert list(part) == [FILES[index] for index in indices]
    assert list(pickle.loads(pickle.dumps(part))) == list(part)  # noqa: S301
    assert part._bytes is packed._bytes


def test_its_bytes_are_not_copied_by_pickle_and_a_part_takes_its_own_along():
    packed = PackedBytes([b"x" * 1000] * 100)
    copied, left = pickled(packed)
    assert len(copied) < 1000
    assert sum(buffer.nbytes for buffer in left) < 102_000
    copied, left = pickled(packed[np.arange(3)])
    assert sum(buffer.nbytes for buffer in left) < 4000
    assert list(pickle.loads(copied, buffers=left)) == [b"x" * 1000] * 3  # noqa: S301


def test_paths_are_the_sequence_that_was_packed_bytes_of_no_character_included():
    paths = ["a/1.png", "Grüße/\u5199.png", "b/\udcff.png"]
    assert list(PackedPaths(paths)) == paths
