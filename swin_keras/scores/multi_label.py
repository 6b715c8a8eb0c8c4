"""Several classes an image: average precision and F1, in NumPy."""

from dataclasses import dataclass

import numpy as np

from swin_keras.scores.shares import mean_of_known, or_none, percent

THRESHOLD = 0.5  # probability from which on a class is said to be there


def average_precision(truth: np.ndarray, scores: np.ndarray) -> float:
    """Return the area under precision over recall; `nan` without a true image.

    Every image adds the precision down to it, if it is true. Images of equal scores
    count together.

    Args:
        truth: Whether each image has the class, `(N,)`.
        scores: The model's, `(N,)`.

    Example:

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.8, 0.7]))
    0.8333333333333333
    """
    if not truth.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    truth, scores = truth[order], scores[order]
    ends = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    right = np.cumsum(truth)[ends]
    precision, found = right / (ends + 1), np.diff(right, prepend=0)
    return float((precision * found).sum() / truth.sum())


@dataclass(frozen=True, eq=False)
class MultiLabelResult:
    """How well a model knew which of its classes each image has.

    Args:
        truth: Whether each image has each class, bool `(N, classes)`.
        probabilities: The model's, `(N, classes)`.
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        split: Which images these were.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    split: str = "test"

    @property
    def images(self) -> int:
        return len(self.truth)

    @property
    def chance(self) -> float:
        """How much of the score two images are, which chance may decide."""
        return 2 / self.images

    @property
    def average_precisions(self) -> np.ndarray:
        """That of each class, `(classes,)`; `nan` for one that no image has."""
        columns = zip(self.truth.T, self.probabilities.T, strict=True)
        return np.array([average_precision(*column) for column in columns])

    @property
    def score(self) -> float:
        """Mean of the average precisions: mAP."""
        return mean_of_known(self.average_precisions)

    def figures(self) -> dict[str, float]:
        """Return what a card says of it."""
        precision, recall, f1 = self.shares(self.truth.ravel(), self._said.ravel())
        return {
            "mean_average_precision": self.score,
            "f1": f1,
            "precision": precision,
            "recall": recall,
            "mean_f1": mean_of_known(
                np.array([row[-1] for row in self._class_shares()])
            ),
            "exact": float((self._said == self.truth).all(1).mean()),
        }

    @staticmethod
    def shares(truth, said) -> tuple[float, float, float]:
        """Return precision, recall and F1; `nan` where undefined."""
        right, true, named = (truth & said).sum(), truth.sum(), said.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            return (
                float(np.divide(right, named)),
                float(np.divide(right, true)),
                float(np.divide(2 * right, true + named)),
            )

    @property
    def _said(self):
        return self.probabilities >= THRESHOLD

    def _class_shares(self):
        for truth, said in zip(self.truth.T, self._said.T, strict=True):
            yield self.shares(truth, said)

    def headline(self) -> str:
        """Summarize it in one line."""
        figures = self.figures()
        return (
            f"mAP {percent(self.score, 2)}, F1 {percent(figures['f1'], 2)} at "
            f"{THRESHOLD}, all classes right on {figures['exact']:.2%} of "
            f"{self.images} images"
        )

    def table(self):
        """Yield the columns, then the rows of a table of the classes."""
        yield "class", "images", "average precision", "precision", "recall", "F1"
        rows = zip(
            self.class_names,
            self.truth.sum(0),
            self.average_precisions,
            self._class_shares(),
            strict=True,
        )
        for name, count, precision, shares in rows:
            yield name, f"{count}", *map(percent, (precision, *shares))

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        names = ("precision", "recall", "f1")
        return {
            **{name: or_none(value) for name, value in self.figures().items()},
            "split": self.split,
            "images": self.images,
            "classes": [
                {
                    "name": name,
                    "images": int(count),
                    "average_precision": or_none(precision),
                    **dict(zip(names, map(or_none, shares), strict=True)),
                }
                for name, count, precision, shares in zip(
                    self.class_names,
                    self.truth.sum(0),
                    self.average_precisions,
                    self._class_shares(),
                    strict=True,
                )
            ],
            "notes": list(self.notes),
        }
