"""How stages make a model: functions that return a functional `keras.Model`."""

from swin_keras.models.backbone import SwinBackbone
from swin_keras.models.classifier import (
    SwinBase,
    SwinClassifier,
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
from swin_keras.models.config import SwinConfig, SwinV2Config, config_from_dict
from swin_keras.models.detection import (
    DETECTION_HEADS,
    DetectionHead,
    SwinDetector,
    end_in_detections,
    model_strides,
    strides_of,
)
from swin_keras.models.predictions import decode_predictions, preprocess_input
from swin_keras.models.segmentation import (
    SegmentationHead,
    SwinSegmenter,
    without_auxiliary,
)
from swin_keras.models.variants import VARIANTS, list_models, variant_config

__all__ = [
    "DETECTION_HEADS",
    "VARIANTS",
    "DetectionHead",
    "SegmentationHead",
    "SwinBackbone",
    "SwinBase",
    "SwinClassifier",
    "SwinConfig",
    "SwinDetector",
    "SwinLarge",
    "SwinNano",
    "SwinSegmenter",
    "SwinSmall",
    "SwinTiny",
    "SwinV2Base",
    "SwinV2Config",
    "SwinV2Large",
    "SwinV2Small",
    "SwinV2Tiny",
    "config_from_dict",
    "create_model",
    "decode_predictions",
    "end_in_detections",
    "list_models",
    "model_strides",
    "preprocess_input",
    "strides_of",
    "variant_config",
    "without_auxiliary",
]
