"""Read the IDX files that MNIST and Fashion-MNIST are published as."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from swin_keras.data.dataset import ArraySplit, ImageDataset
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
PREFIXES = {"train": "train", "test": "t10k"}


def holds_idx(folder: Path) -> bool:
    """Tell whether a folder holds at least one of the four files."""
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
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read ({error}). Get it again.") from error
    header = 4 + 4 * rank
    if len(data) < header or data[:4] != bytes([0, 0, 8, rank]):
        raise DataError(
            f"{path} must begin as an IDX file of bytes in {rank} dimensions. "
            f"Received: {data[:4].hex() or 'nothing'}."
        )
    shape = tuple(np.frombuffer(data, ">u4", rank, offset=4).tolist())
    if len(data) != header + math.prod(shape):
        raise DataError(
            f"{path} must hold {math.prod(shape):,} bytes of {shape} as its header "
            f"says. Received: {len(data) - header:,} bytes. Get it again."
        )
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)
