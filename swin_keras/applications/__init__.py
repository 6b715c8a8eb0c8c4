"""Models by their names, with weights: the signature of `keras.applications`."""

from swin_keras.applications.classifiers import (
    SwinBase,
    SwinLarge,
    SwinNano,
    SwinSmall,
    SwinTiny,
    SwinV2Base,
    SwinV2Large,
    SwinV2Small,
    SwinV2Tiny,
    create_model,
)
from swin_keras.applications.detector import SwinDetector
from swin_keras.applications.segmenter import SwinSegmenter

__all__ = [
    "SwinBase",
    "SwinDetector",
    "SwinLarge",
    "SwinNano",
    "SwinSegmenter",
    "SwinSmall",
    "SwinTiny",
    "SwinV2Base",
    "SwinV2Large",
    "SwinV2Small",
    "SwinV2Tiny",
    "create_model",
]
