"""What belongs to the images of a split: a class, several classes, a mask, boxes."""

from swin_keras.data.targets.boxes import Boxes, ImageBoxes
from swin_keras.data.targets.classes import NO_LABEL, Classes, MultiLabel
from swin_keras.data.targets.masks import Masks
from swin_keras.data.targets.target import Targets, as_targets

__all__ = [
    "NO_LABEL",
    "Boxes",
    "Classes",
    "ImageBoxes",
    "Masks",
    "MultiLabel",
    "Targets",
    "as_targets",
]
