"""What a model says of one picture, for each task: names, a mask, or boxes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one image.

    Args:
        path: The image's path; without one, its place among all: "image 0".
        scores: `(class name, probability)`, best first; empty after an error.
        error: Why the image could not be read, or `None`.
    """

    path: str
    scores: tuple[tuple[str, float], ...] = ()
    error: str | None = None
