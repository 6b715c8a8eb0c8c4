"""What a model said of each image: its mistakes, and how sure it was."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np


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
