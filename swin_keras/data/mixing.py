"""MixUp and CutMix: training images that are two images, and their labels."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import UsageError

ROWS = 16  # of a pair, that are blended at once


@dataclass(frozen=True)
class Mixing:
    """Mix neighbours in a batch: rows 0 and 1, 2 and 3, and so on.

    Both of a pair keep the same share of themselves and take the rest from the
    other: of every pixel (MixUp), or of the area, in one box (CutMix). A pair
    needs no other rows, so a batch mixes the same however devices share it.

    Args:
        mixup: Parameter of the beta distribution of MixUp's share; 0 turns it off.
        cutmix: That of CutMix's share; 0 turns it off.
        probability: Share of the pairs that are mixed at all.
        switch: Share of the mixed pairs that are cut, where both are on.

    Raises:
        UsageError: If a number is out of its range, or nothing is on.

    Reference:
        Zhang et al., 2017: https://arxiv.org/abs/1710.09412, and
        Yun et al., 2019: https://arxiv.org/abs/1905.04899
    """

    mixup: float = 0.8
    cutmix: float = 1.0
    probability: float = 1.0
    switch: float = 0.5

    def __post_init__(self):
        if min(self.mixup, self.cutmix) < 0 or not self.mixup + self.cutmix:
            raise UsageError(
                "`mixup` and `cutmix` must be at least 0, and one of them above. "
                f"Received: mixup={self.mixup}, cutmix={self.cutmix}."
            )
        for name in ("probability", "switch"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(
                    f"`{name}` must be between 0 and 1. "
                    f"Received: {name}={getattr(self, name)}."
                )

    def apply(self, images, labels, classes: int, rngs: Iterable[np.random.Generator]):
        """Mix a batch.

        `(B, H, W, C)` uint8 and `(B,)` to `(B, H, W, C)` uint8 and
        `(B, classes)` float32 of sum 1, or of what a mix has of images with a label.

        Args:
            images: An even number of images.
            labels: Class index of each, `(B,)`, or its classes, `(B, classes)`.
            classes: Number of classes.
            rngs: A generator for each pair.
        """
        mixed = np.empty_like(images)
        targets = shares_of(labels, classes)
        for row, rng in zip(range(0, len(images), 2), rngs, strict=True):
            pair = slice(row, row + 2)
            mixed[pair], share = self.mix(images[pair], rng)
            targets[pair] = share * targets[pair] + (1 - share) * targets[pair][::-1]
        return mixed, targets

    def mix(self, pair: np.ndarray, rng: np.random.Generator):
        """Return a mixed pair `(2, H, W, C)` and the share each keeps of itself."""
        is_off, is_cut = rng.random(2) >= (self.probability, 1 - self.switch)
        if is_off:
            return pair, 1.0
        if self.cutmix and (is_cut or not self.mixup):
            return _cut(pair, rng.beta(self.cutmix, self.cutmix), rng)
        share = rng.beta(self.mixup, self.mixup)
        return _blend(pair, share), share


def shares_of(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return labels as soft labels: what share each class has.

    `(B,)` of class indices, or `(B, classes)`, to float32 `(B, classes)`. An image
    without a label, `NO_LABEL`, has no share of any class.
    """
    if labels.ndim == 2:
        return labels.astype(np.float32)
    return np.eye(classes + 1, classes, dtype=np.float32)[labels]  # the last: zeros


def _blend(pair, share):
    """Add to `share` of each what is left of the other.

    A few rows at a time: in memory that stays in the processor's cache this is
    several times faster.
    """
    mixed = np.empty_like(pair)
    own, other = np.float32(share), np.float32(1 - share)
    for top in range(0, pair.shape[1], ROWS):
        rows = pair[:, top : top + ROWS].astype(np.float32)
        rows = own * rows + other * rows[::-1]
        mixed[:, top : top + ROWS] = np.rint(rows, out=rows)
    return mixed


def _cut(pair, share, rng):
    """Exchange a box of about `1 - share` of the area, less what is outside."""
    height, width = pair.shape[1:3]
    side = math.sqrt(1 - share)
    top, bottom = _interval(height, side, rng)
    left, right = _interval(width, side, rng)
    mixed = pair.copy()
    mixed[:, top:bottom, left:right] = pair[::-1, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (height * width)


def _interval(length, share, rng):
    """Return start and end of a part around a random centre, within the length."""
    half, centre = int(length * share) // 2, rng.integers(length)
    return max(centre - half, 0), min(centre + half, length)
