"""Pictures with boxes around their objects, in whatever format they come."""

from swin_keras.data.boxes.augmentation import (
    BoxAugmentation,
    boxes_in_picture,
    whole_picture,
)
from swin_keras.data.boxes.check import BoxReport, check_boxes
from swin_keras.data.boxes.coco_file import (
    coco_predictions,
    coco_set,
    coco_truth,
    predictions_of,
    save_coco,
)
from swin_keras.data.boxes.dataset import as_dataset
from swin_keras.data.boxes.loading import load_boxes
from swin_keras.data.boxes.reading import FORMATS, holds_boxes, read_boxes
from swin_keras.data.boxes.records import BoxRecord, BoxSet
from swin_keras.data.boxes.sheet import save_sheet

__all__ = [
    "FORMATS",
    "BoxAugmentation",
    "BoxRecord",
    "BoxReport",
    "BoxSet",
    "as_dataset",
    "boxes_in_picture",
    "check_boxes",
    "coco_predictions",
    "coco_set",
    "coco_truth",
    "holds_boxes",
    "load_boxes",
    "predictions_of",
    "read_boxes",
    "save_coco",
    "save_sheet",
    "whole_picture",
]
