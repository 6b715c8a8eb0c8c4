"""What evaluating a segmenter gives: its score, and how well each image went."""

import zlib
from dataclasses import dataclass, field

import numpy as np

from swin_keras.masks import IGNORED
from swin_keras.scores.segmentation import SegmentationScore
from swin_keras.scores.shares import or_none, percent


@dataclass(frozen=True, eq=False)
class SegmentationResult:
    """How well a segmenter did on a split.

    Args:
        score: Counts over all images.
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        split: Which images these were.
    """

    score_of_pixels: SegmentationScore
    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    split: str = "test"
    _right: list = field(default_factory=list)
    _masks: list = field(default_factory=list)

    chance = 0.0  # thousands of pixels decide a score, not a few images

    def add(self, truth, said):
        """Count an image: its true mask and the model's, uint8 `(H, W)` each."""
        self.score_of_pixels.update(truth, said)
        counts = truth != IGNORED
        right = (truth == said)[counts]
        self._right.append(right.mean() if right.size else np.nan)
        self._masks.append((said.shape, zlib.compress(said.tobytes(), 1)))

    @property
    def images(self) -> int:
        return len(self._right)

    @property
    def score(self) -> float:
        return self.score_of_pixels.mean_iou

    @property
    def pixel_accuracies(self) -> np.ndarray:
        """Share of right pixels of each image, `nan` where none counts."""
        return np.array(self._right)

    def mask(self, index: int) -> np.ndarray:
        """Return what the model said of an image, uint8 `(H, W)`."""
        shape, content = self._masks[index]
        return np.frombuffer(zlib.decompress(content), np.uint8).reshape(shape)

    def figures(self) -> dict[str, float]:
        """Return what a card says of it."""
        return {
            "mean_iou": self.score_of_pixels.mean_iou,
            "pixel_accuracy": self.score_of_pixels.pixel_accuracy,
            "mean_dice": self.score_of_pixels.mean_dice,
        }

    def headline(self) -> str:
        """Summarize it in one line."""
        return (
            f"mean IoU {percent(self.score, 2)}, pixel accuracy "
            f"{percent(self.score_of_pixels.pixel_accuracy, 2)} on {self.images} images"
        )

    def table(self):
        """Yield the columns, then the rows of a table of the classes."""
        yield "class", "pixels", "IoU", "Dice", "found"
        scores, pixels = self.score_of_pixels, self.score_of_pixels.confusion.sum(1)
        for row in zip(
            self.class_names,
            pixels,
            scores.iou,
            scores.dice,
            scores.accuracy,
            strict=True,
        ):
            name, count, *shares = row
            yield name, f"{count:,}", *map(percent, shares)

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        scores = self.score_of_pixels
        columns = {"iou": scores.iou, "dice": scores.dice, "found": scores.accuracy}
        pixels = scores.confusion.sum(1).tolist()
        return {
            **{name: or_none(value) for name, value in self.figures().items()},
            "split": self.split,
            "images": self.images,
            "classes": [
                {
                    "name": name,
                    "pixels": pixels[index],
                    **{k: or_none(v[index]) for k, v in columns.items()},
                }
                for index, name in enumerate(self.class_names)
            ],
            "confusion": scores.confusion.tolist(),
            "notes": list(self.notes),
        }
