"""Pictures with boxes around their objects, in whatever format they come."""

from swin_keras.data.boxes.check import BoxReport, check_boxes
from swin_keras.data.boxes.loading import load_boxes
from swin_keras.data.boxes.reading import FORMATS, read_boxes
from swin_keras.data.boxes.records import BoxRecord, BoxSet
from swin_keras.data.boxes.sheet import save_sheet

__all__ = [
    "FORMATS",
    "BoxRecord",
    "BoxReport",
    "BoxSet",
    "check_boxes",
    "load_boxes",
    "read_boxes",
    "save_sheet",
]
