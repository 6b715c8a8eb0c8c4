"""What evaluating a detector gives: mAP of both branches, and each picture's boxes."""

from dataclasses import asdict, dataclass, field

import numpy as np

from swin_keras.scores.detection import DetectionFigures, DetectionScore
from swin_keras.scores.shares import percent


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """What a detector found in a picture, the most certain first.

    Args:
        boxes: x1, y1, x2, y2 in pixels of the picture, `(N, 4)`.
        classes: Class index of each, `(N,)`.
        scores: `(N,)`.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


@dataclass(eq=False)
class DetectionResult:
    """How well a detector did on a split.

    Args:
        class_names: The model's class names.
        notes: What was decided about the data on the way.
        split: Which images these were.
        max_detections: Boxes of each class in a picture that count; COCO's are 100.

    Attributes:
        found: `FoundObjects` of each picture, of the branch that is exported.
    """

    class_names: tuple[str, ...]
    notes: tuple[str, ...] = ()
    split: str = "test"
    max_detections: int = 100
    found: list = field(default_factory=list)

    def __post_init__(self):
        self._one = DetectionScore(self.class_names, self.max_detections)
        self._many = DetectionScore(self.class_names, self.max_detections)
        self._has_many = False
        self._figures = self._objects = None

    def add(self, truth, one: FoundObjects, many: FoundObjects | None = None):
        """Count a picture.

        Args:
            truth: Its `ImageBoxes`, with the model's class indices.
            one: What was found without suppression, by the branch that is exported.
            many: What the other branch found, after suppression; an exported file
                has none.
        """
        self.found.append(one)
        self._add(self._one, truth, one)
        if many is not None:
            self._has_many = True
            self._add(self._many, truth, many)

    @staticmethod
    def _add(score, truth, found):
        score.add(
            found.boxes,
            found.scores,
            found.classes,
            truth.boxes,
            truth.classes,
            truth.crowd,
            truth.areas,
        )

    @property
    def images(self) -> int:
        return len(self.found)

    @property
    def chance(self) -> float:
        """How much of the score two images are, which chance may decide."""
        return 2 / self.images

    @property
    def one(self) -> DetectionFigures:
        """COCO's figures of the branch that is exported."""
        return self._judged()[0]

    @property
    def many(self) -> DetectionFigures | None:
        """Those of the other branch, with suppression; `None` for an exported file."""
        return self._judged()[1]

    @property
    def one_without_classes(self) -> float | None:
        """AP50 of the branch that is exported, whatever the objects are called."""
        if self._objects is None:
            self._objects = self._one.at_50_without_classes()
        return self._objects

    @property
    def score(self) -> float:
        """mAP of the branch that is exported; `nan` without any object."""
        value = self.one.mean_average_precision
        return float("nan") if value is None else value

    def _judged(self):
        """Return the figures of both branches, computed once."""
        if self._figures is None:
            many = self._many.figures() if self._has_many else None
            self._figures = self._one.figures(), many
        return self._figures

    def figures(self) -> dict[str, float]:
        """Return what a card says of it."""
        figures = {
            "map": self.one.mean_average_precision,
            "map_50": self.one.at_50,
            "map_75": self.one.at_75,
        }
        if self.many:
            figures["map_with_suppression"] = self.many.mean_average_precision
        return {name: value for name, value in figures.items() if value is not None}

    def headline(self) -> str:
        """Summarize it in one line."""
        text = f"mAP {percent(self.score, 2)}, AP50 {percent(self.one.at_50, 2)}"
        if self.many:
            text += (
                f" (the branch with suppression: mAP "
                f"{percent(self.many.mean_average_precision, 2)}, AP50 "
                f"{percent(self.many.at_50, 2)})"
            )
        return f"{text} on {self.images} images, {self.one.objects} objects"

    def table(self):
        """Yield the columns, then the rows of a table of the classes."""
        yield "class", "mAP"
        for name in self.class_names:
            yield name, percent(self.one.by_class.get(name), 2)
        yield "small objects", percent(self.one.small, 2)
        yield "medium", percent(self.one.medium, 2)
        yield "large", percent(self.one.large, 2)
        yield "of any class, AP50", percent(self.one_without_classes, 2)

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        return {
            **self.figures(),
            "split": self.split,
            "images": self.images,
            "objects": self.one.objects,
            "exported_branch": asdict(self.one),
            "map_50_without_classes": self.one_without_classes,
            "branch_with_suppression": self.many and asdict(self.many),
            "notes": list(self.notes),
        }
