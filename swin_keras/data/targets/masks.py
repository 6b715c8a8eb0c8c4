"""Targets that are masks: a class for each pixel."""

from dataclasses import dataclass

import numpy as np

from swin_keras.data.targets.target import ReadTargets
from swin_keras.masks import IGNORED


@dataclass(frozen=True, eq=False)
class Masks(ReadTargets):
    """A mask an image: uint8 `(height, width)`, `IGNORED` where no class counts.

    A batch is uint8 `(B, H, W)`. `load` gives a mask in the size of its picture, as
    it is wanted for scoring.
    """

    kind = "masks"
    dtype = np.uint8

    def placed(self, target, geometry):
        return geometry.mask(target)

    @property
    def is_blank(self):
        """Whether no pixel of any mask counts; they are read until one does."""
        return len(self) > 0 and not any(map(self.read.has_labels, self.items))

    def pixels(self, classes: int) -> np.ndarray:
        """Count the pixels of each class in all masks, which are read for it."""
        counts = np.zeros(classes, np.int64)
        for index in range(len(self)):
            mask = self.load(index)
            counts += np.bincount(mask[mask != IGNORED], minlength=classes)
        return counts

    def preview(self, target, geometry):
        """Return the largest class's share of what a geometry shows."""
        counts = np.bincount(geometry.mask(target).ravel(), minlength=IGNORED + 1)
        counts = counts[:IGNORED]
        return counts.max() / max(counts.sum(), 1)

    def shape(self, image_size):
        return tuple(image_size)

    @property
    def strata(self):
        return np.zeros(len(self), np.int64)  # what they show is not read for this
