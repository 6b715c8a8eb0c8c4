"""How good answers are, exactly, in NumPy: from the counts of all images together."""

from swin_keras.scores.segmentation import SegmentationScore

__all__ = ["SegmentationScore"]
