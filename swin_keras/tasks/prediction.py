"""What a model says of one picture, for each task: names, a mask, or boxes."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from swin_keras.drawing import draw_boxes, draw_mask, save_mask
from swin_keras.drawing.caption import LARGEST, annotated
from swin_keras.names import printable
from swin_keras.scores.shares import percent


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image; a classifier says no more than this.

    Args:
        path: The image's path; without one, its place among all: "image 0".
        scores: `(class name, number)`, best first; empty after an error. The number
            is a probability, or for masks the share of the image.
        error: Why the image could not be read, or `None`.
        time: Of a frame of a video: when it is shown, in seconds from the start.
        saved: Path of the picture with what is said of it, if it was written.
    """

    number = "probability"  # what `scores` gives beside each class
    columns = ("class", number)  # of `rows`

    path: str
    scores: tuple[tuple[str, float], ...] = ()
    error: str | None = None
    time: float | None = None
    saved: str | None = field(default=None, kw_only=True)

    def rows(self) -> list[tuple]:
        """Return what is said as rows of a table: the best class alone."""
        return list(self.scores[:1])

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        about = {"path": self.path, **self._said(), "error": self.error}
        times = {} if self.time is None else {"time": self.time}
        return {**about, **times, **self.files()}

    def files(self) -> dict[str, str]:
        """Return name -> path of what was written of it."""
        return {} if self.saved is None else {"saved": self.saved}

    def _said(self):
        return {"scores": self.scores}

    @staticmethod
    def in_text(score: float) -> str:
        """Return a number of `scores` as people read it."""
        return percent(score)

    def drawn(self, picture):
        """Return a Pillow picture with what is said of it."""
        return self._captioned(picture, self.scores[:1])

    def _captioned(self, picture, scores):
        said = [(printable(name), self.in_text(score)) for name, score in scores]
        is_frame = self.time is not None
        return annotated(picture, said or [("(none)", "")], one_line=is_frame)

    def save_more(self, path):
        """Write beside an annotated picture what a program wants to read."""

    def in_words(self) -> "Prediction":
        """Return what rows and JSON are made of, without what is large."""
        return self


@dataclass(frozen=True)
class OutputsPrediction(Prediction):
    """What a classifier says that ends in no softmax: numbers of any size."""

    number = "output"
    columns = ("class", number)

    @staticmethod
    def in_text(score):
        return f"{score:.4g}"


@dataclass(frozen=True)
class LabelsPrediction(Prediction):
    """What a model says of one image that may have several classes, or none.

    Args:
        labels: `(class name, probability)` of those that are there, best first.
    """

    labels: tuple[tuple[str, float], ...] = ()

    def rows(self):
        return list(self.labels)

    def _said(self):
        return {"scores": self.scores, "labels": [name for name, _ in self.labels]}

    def drawn(self, picture):
        return self._captioned(picture, self.labels)


@dataclass(frozen=True, eq=False)
class MaskPrediction(Prediction):
    """What a segmenter says of one image.

    Args:
        mask: Class index of each pixel, uint8 `(H, W)`, in the picture's size.
        size: `(height, width)` of the picture.
        class_names: Names of the classes.
    """

    number = "share"
    columns = ("class", number)

    mask: np.ndarray | None = None
    size: tuple[int, int] | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, path, mask, class_names, top: int) -> "MaskPrediction":
        """Make it from a mask; `top` classes are named, the largest first."""
        pixels = np.bincount(mask.ravel(), minlength=len(class_names))
        order = [i for i in np.argsort(-pixels, kind="stable")[:top] if pixels[i]]
        scores = tuple((class_names[i], float(pixels[i] / mask.size)) for i in order)
        return cls(
            path, scores, mask=mask, size=mask.shape, class_names=tuple(class_names)
        )

    def drawn(self, picture):
        picture = _smaller(picture)
        is_frame = self.time is not None
        return draw_mask(picture, self.mask, self.class_names, is_frame=is_frame)

    def rows(self):
        return list(self.scores)

    def save_more(self, path):
        save_mask(self.mask, _mask_of(path))

    def files(self):
        files = super().files()
        return files and {**files, "mask": str(_mask_of(Path(self.saved)))}

    def in_words(self):
        return replace(self, mask=None)

    def _said(self):
        height, width = self.size
        areas = [{"class": name, "share": share} for name, share in self.scores]
        return {"width": width, "height": height, "areas": areas}


@dataclass(frozen=True, eq=False)
class BoxPrediction(Prediction):
    """What a detector says of one image.

    Args:
        boxes: x1, y1, x2, y2 in pixels of the picture, `(N, 4)`, the most certain
            first; `scores` has the class and the score of each.
        size: `(height, width)` of the picture.
        class_names: Names of the classes.
    """

    number = "score"
    columns = ("class", number, "x1", "y1", "x2", "y2")

    boxes: np.ndarray | None = None
    size: tuple[int, int] | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, path, size, found, class_names, threshold: float) -> "BoxPrediction":
        """Make it from `FoundObjects`; those of a low score are left out."""
        is_sure = found.scores >= threshold
        pairs = zip(found.classes[is_sure], found.scores[is_sure], strict=True)
        scores = tuple((class_names[int(c)], float(score)) for c, score in pairs)
        boxes = found.boxes[is_sure]
        return cls(path, scores, None, None, boxes, size, tuple(class_names))

    def drawn(self, picture):
        labels = [name for name, _ in self.scores]
        scores = [score for _, score in self.scores]
        classes = [self.class_names.index(name) for name in labels]
        return draw_boxes(
            picture, self.boxes, labels, scores, classes=classes, sides=(320, LARGEST)
        )

    def rows(self):
        pairs = zip(self.scores, self.boxes.tolist(), strict=True)
        return [(*said, *box) for said, box in pairs]

    def _said(self):
        pairs = zip(self.scores, self.boxes.tolist(), strict=True)
        objects = [
            {"class": name, "score": score, "box": box} for (name, score), box in pairs
        ]
        height, width = self.size
        return {"width": width, "height": height, "objects": objects}


def _mask_of(path):
    """Return where a mask is written beside an annotated picture."""
    return path.with_suffix(".png")


def _smaller(picture):
    picture = picture.convert("RGB")
    picture.thumbnail((LARGEST, LARGEST))
    return picture
