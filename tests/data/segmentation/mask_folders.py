"""Write folders of pictures and masks, for tests."""

from pathlib import Path

import numpy as np
from image_files import hash_of, noise
from PIL import Image


def make_pairs(root: Path, count: int = 10, classes: int = 3, seed: int = 0) -> Path:
    """Write `images/NNN.jpg` and `masks/NNN.png`, of 40 x 36 pixels."""
    for index in range(count):
        write_pair(root, f"{index:03d}", blocks(seed + index, classes))
    return root


def blocks(seed: int, classes: int = 3, size=(40, 36)) -> np.ndarray:
    """A mask of `(width, height)` in blocks of 4 pixels; the first has all classes."""
    width, height = size
    rng = np.random.default_rng(seed)
    small = rng.integers(0, classes, (height // 4, width // 4)).astype(np.uint8)
    small[0, :classes] = range(classes)
    return np.kron(small, np.ones((4, 4), np.uint8))


def write_pair(root: Path, stem: str, mask):
    """Write a picture and its mask, an array or a Pillow image."""
    for name in ("images", "masks"):
        (root / name / stem).parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask
    path = root / "images" / f"{stem}.jpg"
    noise(hash_of(str(path)), image.size).save(path)
    image.save(root / "masks" / f"{stem}.png")
