"""Classification: accuracy, confusion, mistakes, and how sure a model was."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

CHANCE_IMAGES = 2


class Mistake(NamedTuple):
    """An image whose best class is wrong.

    Args:
        index: Place of the image in its split.
        true: Index of its class.
        predicted: Index of the class that it was taken for.
        true_probability: What the model gave its class.
        predicted_probability: What it gave the other one.
        loss: Cross-entropy, the negative logarithm of `true_probability`.
    """

    index: int
    true: int
    predicted: int
    true_probability: float
    predicted_probability: float
    loss: float


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model said of each image, in the order of the split.

    Four numbers an image, so that a million images and a thousand classes fit
    in memory. All arrays are `(images,)`.

    Args:
        true: Index of the image's class.
        predicted: Index of the best class.
        true_probability: Probability of the image's class.
        predicted_probability: Probability of the best class.
    """

    true: np.ndarray
    predicted: np.ndarray
    true_probability: np.ndarray
    predicted_probability: np.ndarray

    @classmethod
    def from_probabilities(cls, true, probabilities) -> "Answers":
        """Keep what is needed of `(images, classes)`."""
        rows, predicted = np.arange(len(true)), probabilities.argmax(-1)
        return cls(
            np.asarray(true, np.int32),
            predicted.astype(np.int32),
            probabilities[rows, true].astype(np.float32),
            probabilities[rows, predicted].astype(np.float32),
        )

    @classmethod
    def joined(cls, parts) -> "Answers":
        """Return the answers of several batches as one."""
        columns = zip(*(vars(part).values() for part in parts), strict=True)
        return cls(*map(np.concatenate, columns))

    @property
    def losses(self) -> np.ndarray:
        """Cross-entropy of each image."""
        least = np.finfo(np.float32).tiny  # an exported int8 model may say 0
        return -np.log(np.maximum(self.true_probability, least))

    def mistakes(self) -> list[Mistake]:
        """List the wrong answers, the highest loss first."""
        wrong = np.flatnonzero(self.true != self.predicted)
        losses = self.losses[wrong]
        # Of equal losses, the one that the model was surer of.
        order = np.lexsort((-self.predicted_probability[wrong], -losses))
        columns = (*vars(self).values(), self.losses)
        return [
            Mistake(int(index), *(column[index].item() for column in columns))
            for index in wrong[order]
        ]

    def calibration_error(self, bins: int = 15) -> float:
        """Return the expected calibration error.

        Images are put in bins of equal width by the probability of their best
        class; the error is the mean distance, weighted by images, between a
        bin's mean probability and its share of right answers.

        Reference:
            Guo et al., 2017, section 2: https://arxiv.org/abs/1706.04599
        """
        sure = self.predicted_probability.astype(float)
        place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
        gaps = np.bincount(place, (self.true == self.predicted) - sure, bins)
        return float(np.abs(gaps).sum() / len(sure))


class ClassFigures(NamedTuple):
    """How well a model knows one class; `nan` where undefined."""

    name: str
    images: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well a model did.

    Args:
        accuracy: Share of images whose best class is right.
        top5_accuracy: Share of images whose class is among the best five; `None`
            with five classes or fewer, where it says nothing.
        confusion: Number of images, true class by predicted class
            `(classes, classes)`, in the order of the model's class names.
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        answers: What the model said of each image.
        split: Which images these were.
    """

    accuracy: float
    top5_accuracy: float | None
    confusion: np.ndarray
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    answers: Answers | None = None
    split: str = "test"

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    def class_figures(self):
        """Yield the `ClassFigures` of each class."""
        columns = (
            self.class_names,
            np.diag(self.confusion),
            self.confusion.sum(axis=1),
            self.confusion.sum(axis=0),
        )
        for name, right, true, predicted in zip(*columns, strict=True):
            with np.errstate(invalid="ignore"):
                precision, recall = right / predicted, right / true
                f1 = 2 * right / (true + predicted)
            yield ClassFigures(
                name, int(true), float(precision), float(recall), float(f1)
            )

    def class_rows(self):
        """Yield `(name, images, precision, recall)`; `nan` where undefined."""
        for figures in self.class_figures():
            yield figures[:4]

    def confused_pairs(self) -> list[tuple[int, int, int]]:
        """List `(true, predicted, images)` of wrong answers, the most first."""
        wrong = self.confusion - np.diag(np.diag(self.confusion))
        true, predicted = np.nonzero(wrong)
        images = wrong[true, predicted]
        order = np.argsort(-images, kind="stable")
        columns = np.stack([true, predicted, images], axis=1)
        return [tuple(row) for row in columns[order].tolist()]

    @property
    def score(self) -> float:
        return self.accuracy

    @property
    def chance(self) -> float:
        """How much of the score two images are, which chance may decide."""
        return CHANCE_IMAGES / self.images

    def figures(self) -> dict[str, float]:
        """Return what a card says of it."""
        return {"accuracy": self.accuracy}

    def headline(self) -> str:
        """Summarize it in one line."""
        top5 = ""
        if self.top5_accuracy is not None:
            top5 = f", among the best five {self.top5_accuracy:.2%}"
        return f"accuracy {self.accuracy:.2%}{top5} on {self.images} images"

    def table(self):
        """Yield the columns, then the rows of a table of the classes."""
        yield "class", "images", "precision", "recall", "F1"
        for name, images, *figures in self.class_figures():
            shares = ("-" if value != value else f"{value:.1%}" for value in figures)
            yield name, f"{images}", *shares

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        answers = self.answers
        return {
            "accuracy": self.accuracy,
            "top5_accuracy": self.top5_accuracy,
            "split": self.split,
            "images": self.images,
            "classes": [
                {k: v if v == v else None for k, v in row._asdict().items()}
                for row in self.class_figures()
            ],
            "confusion": self.confusion.tolist(),
            "calibration_error": answers and answers.calibration_error(),
            "notes": list(self.notes),
        }
