"""What a model says of one picture, for each task: names, a mask, or boxes."""

import dataclasses
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Prediction:
    """What a model says of one image; a classifier says no more than this.

    Args:
        path: The image's path; without one, its place among all: "image 0".
        scores: `(class name, number)`, best first; empty after an error. The number
            is a probability, or for masks the share of the image.
        error: Why the image could not be read, or `None`.
    """

    path: str
    scores: tuple[tuple[str, float], ...] = ()
    error: str | None = None

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True, eq=False)
class MaskPrediction(Prediction):
    """What a segmenter says of one image.

    Args:
        mask: Class index of each pixel, uint8 `(H, W)`, in the picture's size.
        class_names: Names of the classes.
    """

    mask: np.ndarray | None = None
    class_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, path, mask, class_names, top: int) -> "MaskPrediction":
        """Make it from a mask; `top` classes are named, the largest first."""
        pixels = np.bincount(mask.ravel(), minlength=len(class_names))
        order = [i for i in np.argsort(-pixels, kind="stable")[:top] if pixels[i]]
        scores = tuple((class_names[i], float(pixels[i] / mask.size)) for i in order)
        return cls(path, scores, mask=mask, class_names=tuple(class_names))

    def to_dict(self):
        height, width = self.mask.shape
        areas = [{"class": name, "share": share} for name, share in self.scores]
        return {
            "path": self.path,
            "error": self.error,
            "width": width,
            "height": height,
            "areas": areas,
        }
