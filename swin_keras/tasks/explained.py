"""What of a model's answers is explained: a mean of logits over places."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from swin_keras.errors import UsageError

LAST = "background"  # the class that is explained when there is no other, or by name


@dataclass(frozen=True)
class Question:
    """What is asked about each image.

    Args:
        class_index: The class, or `None` for those that the model finds best.
        top: How many of the best answers, where no class and no box is named.
        box: Which box of a detector, from 1: the most certain is the first, among
            those of the class if one is named.
        region: x1, y1, x2, y2 from 0 to 1: a segmenter's answer there, whatever
            class it gives these pixels; `None` for the pixels of the class.

    Raises:
        UsageError: If there can be no such box or region.
    """

    class_index: int | None = None
    top: int = 1
    box: int | None = None
    region: tuple[float, float, float, float] | None = None

    def __post_init__(self):
        if self.box is not None and not (
            isinstance(self.box, Integral) and self.box > 0
        ):
            raise UsageError(
                "`box` must be a whole number, at least 1. "
                f"Received: {self.box!r:.100}."
            )
        if self.region is not None:
            object.__setattr__(self, "region", _corners(self.region))


@dataclass(frozen=True, eq=False)
class ExplanationTarget:
    """One answer about one image, as a number that has a gradient.

    The number is the sum of `places * logits[..., class_index]`.

    Args:
        name: What its map is called.
        said: Name of the class.
        score: What the model says of it: a probability, or a share of the picture.
        class_index: Of the logits.
        places: Weight of each place of the logits, float32 in their shape without
            batch and classes; `()` where the whole image has one answer.
        output: Name of the output with the logits, where the model has several.
        box: x1, y1, x2, y2 in shares of the picture as the model sees it, which a
            letter box pads, or `None`.
        mask: Where the answer is, bool `(h, w)` over the picture, or `None`.
    """

    name: str
    said: str
    score: float
    class_index: int
    places: np.ndarray
    output: str | None = None
    box: tuple[float, float, float, float] | None = None
    mask: np.ndarray | None = None


def class_target(index: int, name: str, score: float = 0.0) -> ExplanationTarget:
    """Return the target that is a class of the whole image."""
    return ExplanationTarget(name, name, score, int(index), np.float32(1))


def cells_in(region, size) -> np.ndarray:
    """Mark the cells of a map `(h, w)` whose middle is in a region; at least one.

    >>> cells_in((0.0, 0.0, 0.5, 1.0), (1, 4)).tolist()
    [[True, True, False, False]]
    """
    x1, y1, x2, y2 = region
    height, width = size
    return np.outer(_cells(y1, y2, height), _cells(x1, x2, width))


def _cells(low, high, count):
    middles = (np.arange(count) + 0.5) / count
    found = (low <= middles) & (middles < high)
    if not found.any():
        found[min(int((low + high) / 2 * count), count - 1)] = True
    return found


def _corners(region):
    try:
        x1, y1, x2, y2 = map(float, region)
    except (TypeError, ValueError):
        x1 = x2 = y1 = y2 = -1.0
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise UsageError(
            "`region` must be x1, y1, x2, y2 from 0 to 1, left to right and top to "
            f"bottom. Received: {region!r:.100}."
        )
    return x1, y1, x2, y2
