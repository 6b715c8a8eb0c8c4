"""Read the IDX files that MNIST and Fashion-MNIST are published as."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.splits import ArraySplit
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError

CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion_mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}
MAX_BYTES = 2**30  # of a file; MNIST's largest holds 47 million
PREFIXES = {"train": "train", "test": "t10k"}


def holds_idx(folder: Path) -> bool:
    """Return whether a folder holds at least one of the four files."""
    return any(
        find_idx(folder, prefix, kind)
        for prefix in PREFIXES.values()
        for kind in ("images-idx3", "labels-idx1")
    )


def load_idx(name: str, folder: Path, held_out: HeldOut | None = USUAL) -> ImageDataset:
    """Read `mnist` or `fashion_mnist` from a folder of its four IDX files.

    Args:
        name: One of `CLASS_NAMES`.
        folder: Where the files are, packed (.gz) or not.
        held_out: What is held out of the training images; `None` for nothing.

    Raises:
        DataError: If a file is missing, damaged or does not fit the others.
    """
    splits = {title: read_split(folder, title, name) for title in PREFIXES}
    splits, notes = held_out.complete(splits) if held_out else (splits, ())
    return ImageDataset(
        name=name,
        class_names=CLASS_NAMES[name],
        splits=splits,
        image_shape=splits["train"].items.shape[1:],
        mirror_safe=name != "mnist",
        notes=notes,
    )


def read_split(folder: Path, title: str, name: str) -> ArraySplit:
    """Read the images and labels of "train" or "test"."""
    paths = [
        find_idx(folder, PREFIXES[title], kind)
        for kind in ("images-idx3", "labels-idx1")
    ]
    if None in paths:
        raise DataError(
            f"{name} needs four files in {folder}: train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
            "t10k-labels-idx1-ubyte, each as it is or with .gz."
        )
    images, labels = read_idx(paths[0], rank=3), read_idx(paths[1], rank=1)
    if len(images) != len(labels):
        raise DataError(
            f"{paths[0]} holds {len(images)} images, but {paths[1]} holds "
            f"{len(labels)} labels. They must come from the same release."
        )
    classes = len(CLASS_NAMES[name])
    if labels.size and labels.max() >= classes:
        raise DataError(
            f"{paths[1]} must hold labels below {classes}. Received: {labels.max()}."
        )
    return ArraySplit(images[..., np.newaxis], labels.astype(np.int64), title)


def find_idx(folder: Path, prefix: str, kind: str) -> Path | None:
    """Return the path of one of the files, packed or not, or `None`."""
    for suffix in ("", ".gz"):
        path = folder / f"{prefix}-{kind}-ubyte{suffix}"
        if path.is_file():
            return path
    return None


def read_idx(path: Path, rank: int) -> np.ndarray:
    """Read an IDX file of unsigned bytes with `rank` dimensions.

    Raises:
        DataError: If the header or the length is not that of such a file.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            shape = read_shape(path, file.read(4 + 4 * rank), rank)
            size = math.prod(shape)
            data = file.read(size + 1)  # never more: a packed file may be a bomb
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read ({error}). Download it again."
        ) from error
    if len(data) != size:
        count = f"{len(data):,}" if len(data) < size else f"more than {size:,}"
        raise DataError(
            f"{path} must hold {size:,} bytes of {shape} as its header says. "
            f"Received: {count} bytes. Download it again."
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def read_shape(path: Path, header: bytes, rank: int) -> tuple[int, ...]:
    """Return the dimensions that the header of an IDX file declares.

    Raises:
        DataError: If it is no such header, or declares too much.
    """
    if len(header) < 4 + 4 * rank or header[:4] != bytes([0, 0, 8, rank]):
        raise DataError(
            f"{path} must begin as an IDX file of bytes in {rank} dimensions. "
            f"Received: {header[:4].hex() or 'nothing'}."
        )
    shape = tuple(np.frombuffer(header, ">u4", rank, offset=4).tolist())
    if math.prod(shape) > MAX_BYTES:
        raise DataError(
            f"{path} must hold at most {MAX_BYTES:,} bytes. Its header says {shape}, "
            f"which are {math.prod(shape):,}."
        )
    return shape
