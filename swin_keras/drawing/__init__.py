"""Boxes and masks on pictures, with Pillow alone: for predict, reports and checks."""

from swin_keras.drawing.boxes import draw_boxes
from swin_keras.drawing.colours import colour_of
from swin_keras.drawing.masks import draw_mask, mask_areas, save_mask
from swin_keras.drawing.sheet import draw_sheet

__all__ = [
    "colour_of",
    "draw_boxes",
    "draw_mask",
    "draw_sheet",
    "mask_areas",
    "save_mask",
]
