"""Segmenters: a backbone, and a head that gives each pixel a class.

Heads are functions from the stages to a feature map, one file for each.
"""

from swin_keras.models.segmentation.head import SEGMENTATION_HEADS, SegmentationHead
from swin_keras.models.segmentation.segmenter import (
    segmentation_model,
    without_auxiliary,
)

__all__ = [
    "SEGMENTATION_HEADS",
    "SegmentationHead",
    "segmentation_model",
    "without_auxiliary",
]
