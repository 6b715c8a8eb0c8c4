"""How well masks agree: mIoU, IoU of each class, pixel accuracy and Dice."""

import numpy as np

from swin_keras.errors import UsageError
from swin_keras.masks import IGNORED
from swin_keras.scores.shares import mean_of_known


class SegmentationScore:
    """Counts pixels, true class by predicted class, over any number of images.

    Figures are of the counts of all images together, as in the published tables.
    A class that is neither in a mask nor in an answer has no figures (`nan`), and
    does not count in the means.

    Args:
        classes: Number of classes.
        ignored: The class of true masks whose pixels do not count.

    Attributes:
        confusion: Number of pixels, int64 `(classes, classes)`.

    Example:

    >>> score = SegmentationScore(classes=2)
    >>> score.update(np.array([[0, 0, 1, 255]]), np.array([[0, 1, 1, 0]]))
    >>> score.confusion.tolist(), score.mean_iou
    ([[1, 1], [0, 1]], 0.5)
    """

    def __init__(self, classes: int, ignored: int = IGNORED):
        if classes < 1:
            raise UsageError(f"There must be a class. Received: classes={classes}.")
        self.classes = classes
        self.ignored = ignored
        self.confusion = np.zeros((classes, classes), np.int64)

    def update(self, truth, prediction):
        """Count the pixels of one image or of several.

        Args:
            truth: Classes of any shape, `ignored` where pixels do not count.
            prediction: Classes of the same shape.

        Raises:
            UsageError: If the shapes differ, or a class is out of its range.
        """
        self.confusion += confusion_of(truth, prediction, self.classes, self.ignored)

    @property
    def pixels(self) -> int:
        """Pixels that counted."""
        return int(self.confusion.sum())

    @property
    def iou(self) -> np.ndarray:
        """Intersection over union of each class, `(classes,)`."""
        right, true, predicted = self._counts()
        return _share(right, true + predicted - right)

    @property
    def dice(self) -> np.ndarray:
        """Dice (F1 of the pixels) of each class, `(classes,)`."""
        right, true, predicted = self._counts()
        return _share(2 * right, true + predicted)

    @property
    def accuracy(self) -> np.ndarray:
        """Share of each class's pixels that were found, `(classes,)`."""
        right, true, _ = self._counts()
        return _share(right, true)

    @property
    def mean_iou(self) -> float:
        """The mean of `iou`: mIoU."""
        return mean_of_known(self.iou)

    @property
    def mean_dice(self) -> float:
        """The mean of `dice`."""
        return mean_of_known(self.dice)

    @property
    def pixel_accuracy(self) -> float:
        """Share of all pixels whose class is right."""
        return float(_share(self._counts()[0].sum(), self.pixels))

    def foreground_iou(self, background: int = 0) -> float:
        """Return the IoU of all classes but one taken as one class."""
        is_front = np.arange(self.classes) != background
        right = self.confusion[np.ix_(is_front, is_front)].sum()
        outside = self.confusion[np.ix_(~is_front, ~is_front)].sum()
        return float(_share(right, self.pixels - outside))

    def _counts(self):
        counts = self.confusion
        return np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)


def confusion_of(truth, prediction, classes: int, ignored: int = IGNORED):
    """Return the number of pixels, true class by predicted, `(classes, classes)`.

    Raises:
        UsageError: If the shapes differ, or a class is out of its range.
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise UsageError(
            "A mask and its prediction must have the same shape. "
            f"Received: {truth.shape} and {prediction.shape}."
        )
    counts = truth != ignored
    truth, prediction = truth[counts], prediction[counts]
    for name, values in (("mask", truth), ("prediction", prediction)):
        if values.size and not 0 <= values.min() <= values.max() < classes:
            raise UsageError(
                f"Classes in a {name} must be from 0 to {classes - 1}. "
                f"Received: {values.min()} to {values.max()}."
            )
    places = truth.astype(np.int64) * classes + prediction
    counts = np.bincount(places.ravel(), minlength=classes**2)
    return counts.reshape(classes, classes)


def _share(part, whole):
    """Return `part / whole`, `nan` where there is nothing to share."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    return np.divide(part, whole, np.full(part.shape, np.nan), where=whole > 0)
