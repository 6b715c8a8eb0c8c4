"""Segmenters: a backbone, and a head that gives each pixel a class.

Heads are functions from the stages to a feature map, one file for each.
"""

from swin_keras.models.segmentation.head import SEGMENTATION_HEADS, SegmentationHead
from swin_keras.models.segmentation.segmenter import (
    end_in_probabilities,
    is_segmenter,
    segmentation_model,
    without_auxiliary,
)

__all__ = [
    "SEGMENTATION_HEADS",
    "SegmentationHead",
    "end_in_probabilities",
    "is_segmenter",
    "segmentation_model",
    "without_auxiliary",
]
