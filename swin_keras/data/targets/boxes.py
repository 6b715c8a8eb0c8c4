"""Targets that are boxes around objects, each with a class."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from swin_keras.data.geometry import area
from swin_keras.data.targets.classes import rarest
from swin_keras.data.targets.target import Reader, ReadTargets

PADDING, CROWD = -1, -2  # in the place of a class, and less: see `Boxes`
MIN_SHARE = 0.2  # of a box in the input; of less, nothing is learned
MIN_SIDE = 1  # pixel of the input


class ImageBoxes(NamedTuple):
    """The boxes of one image.

    Args:
        boxes: `x1, y1, x2, y2` in pixels of the upright picture, float32 `(N, 4)`;
            a box around the whole picture is `0, 0, width, height`.
        classes: Class index of each, int32 `(N,)`.
        crowd: Whether it is around a crowd that is not told apart, bool `(N,)`.
        areas: Pixels of each object, by which it is judged as small, medium or large:
            those of its outline where one is known. float32 `(N,)`.
    """

    boxes: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray
    areas: np.ndarray

    @classmethod
    def of(cls, boxes=(), classes=(), crowd=None, areas=None) -> "ImageBoxes":
        """Make them of any sequences.

        By default nothing is a crowd, and an object is as large as its box.
        """
        classes = np.asarray(classes, np.int32)
        if crowd is None:
            crowd = np.zeros(len(classes), bool)
        boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
        areas = area(boxes) if areas is None else np.asarray(areas, np.float32)
        return cls(boxes, classes, np.asarray(crowd, bool), areas)


class AsIs(Reader):
    """Items that are `ImageBoxes` already."""

    def __call__(self, item):
        return item

    def contents(self, item):
        learned = item.boxes, item.classes, item.crowd  # areas are for judging alone
        return b"".join(np.ascontiguousarray(values).tobytes() for values in learned)


@dataclass(frozen=True, eq=False)
class Boxes(ReadTargets):
    """Boxes of each image: `ImageBoxes`.

    A batch is float32 `(B, capacity, 5)`: `x1, y1, x2, y2, class` in pixels of the
    input, the rest filled with -1. Class -2 - k is what of class k must not be learned
    from: a crowd, or an object of which the crop left a small rest.

    Args:
        capacity: Most boxes of an image, of all splits of a data set.
        classes: Number of classes.
    """

    capacity: int
    classes: int

    kind = "boxes"
    dtype = np.float32

    @classmethod
    def of(cls, items, classes: int, capacity: int | None = None) -> "Boxes":
        """Make targets of a list of `ImageBoxes`."""
        items = list(items)
        most = max((len(item.classes) for item in items), default=0)
        return cls(items, AsIs(), max(capacity or most, 1), classes)

    def together(self, count: int) -> "Boxes":
        """Return targets with room for the boxes of several images in one input."""
        return replace(self, capacity=count * self.capacity)

    def preview(self, target, geometry):
        """Return how much of each box a geometry shows, crowds aside, `(N,)`."""
        return geometry.boxes(target.boxes[~target.crowd])[1]

    def placed(self, target, geometry):
        return self._padded(self._rows(target, geometry))

    def placed_together(self, views):
        """Return the boxes of an input of several pictures.

        Args:
            views: `(target, geometry, (left, top))` of each: where in the input its
                part begins.
        """
        rows = [
            self._rows(target, geometry) + np.array((*place, *place, 0), np.float32)
            for target, geometry, place in views
        ]
        return self._padded(np.concatenate(rows))

    def _rows(self, target, geometry):
        """Return `x1, y1, x2, y2, class` of what is seen, `(n, 5)`."""
        boxes, shares = geometry.boxes(target.boxes)
        ignored = target.crowd | (shares < MIN_SHARE)
        classes = np.where(ignored, CROWD - target.classes, target.classes)
        kept = ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIDE).all(1)
        return np.concatenate([boxes, classes[:, None]], axis=1)[kept]

    def _padded(self, rows):
        """Return rows filled up to the capacity; of more, the largest boxes."""
        if len(rows) > self.capacity:
            largest = np.argsort(-area(rows[:, :4]), kind="stable")[: self.capacity]
            rows = rows[np.sort(largest)]
        placed = np.full((self.capacity, 5), PADDING, np.float32)
        placed[: len(rows)] = rows
        return placed

    def shape(self, image_size):
        return (self.capacity, 5)

    @cached_property
    def strata(self):
        vectors = np.zeros((len(self), self.classes), bool)
        for index in range(len(self)):
            vectors[index, self.load(index).classes] = True
        return rarest(vectors)
