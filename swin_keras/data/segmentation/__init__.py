"""Pictures with masks, in whatever form they come."""

from swin_keras.data.segmentation.check import MaskReport, check_masks
from swin_keras.data.segmentation.loading import load_masks
from swin_keras.data.segmentation.pairs import holds_pairs

__all__ = ["MaskReport", "check_masks", "holds_pairs", "load_masks"]
