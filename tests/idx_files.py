"""Write the four files that Fashion-MNIST is published as, for tests."""

import gzip
import struct

import numpy as np


def write_idx(path, values):
    """Write an IDX file of bytes, packed if its name ends with .gz."""
    values = np.asarray(values, np.uint8)
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(
        f">{values.ndim}I", *values.shape
    )
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wb") as file:
        file.write(header + values.tobytes())


def write_garments(folder, train=100, test=20):
    """Write squares of a size and value that are their number's: all differ."""
    for prefix, first, count in (("train", 0, train), ("t10k", train, test)):
        pictures = np.zeros((count, 28, 28), np.uint8)
        for index, number in enumerate(range(first, first + count)):
            side = 6 + number % 20
            pictures[index, 2 : 2 + side, 1 : 2 + side] = 20 + number
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", pictures)
        labels = np.arange(count) % 10
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder
