"""Pictures and their masks, written as a folder that `swin-keras train` takes."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

from PIL import Image


def write_pairs(folder: Path, pairs, names):
    """Write pictures and masks of classes.

    Args:
        folder: Where to; `images/`, `masks/` and `classes.txt` are made in it.
        pairs: Yields pictures `(H, W)` or `(H, W, 3)` and masks `(H, W)`, uint8.
        names: Of the classes, in the order of their values.
    """
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number, (picture, mask) in enumerate(pairs):
        Image.fromarray(picture).save(folder / "images" / f"{number:05}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number:05}.png")
    (folder / "classes.txt").write_text("\n".join(names) + "\n")


def starts(length: int, side: int, step: int) -> list[int]:
    """Return where tiles of a length begin: the last one ends with it."""
    return [*range(0, length - side, step), length - side]


@contextmanager
def work_folder(given, prefix: str):
    """Yield a new folder: in the given one, where it stays, or for this run alone."""
    if given:
        Path(given).mkdir(parents=True, exist_ok=True)
        yield Path(tempfile.mkdtemp("", prefix, given))
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
