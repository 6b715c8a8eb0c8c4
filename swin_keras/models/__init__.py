"""How stages make a model: functions that return a functional `keras.Model`."""

from swin_keras.models.backbone import SwinBackbone
from swin_keras.models.classifier import SwinClassifier
from swin_keras.models.config import SwinConfig, SwinV2Config, config_from_dict
from swin_keras.models.detection import (
    DETECTION_HEADS,
    DetectionHead,
    detection_model,
    end_in_detections,
    model_strides,
    strides_of,
    without_detections,
)
from swin_keras.models.predictions import decode_predictions, preprocess_input
from swin_keras.models.segmentation import (
    SEGMENTATION_HEADS,
    SegmentationHead,
    end_in_probabilities,
    is_segmenter,
    segmentation_model,
    without_auxiliary,
)
from swin_keras.models.variants import VARIANTS, list_models, variant_config

__all__ = [
    "DETECTION_HEADS",
    "SEGMENTATION_HEADS",
    "VARIANTS",
    "DetectionHead",
    "SegmentationHead",
    "SwinBackbone",
    "SwinClassifier",
    "SwinConfig",
    "SwinV2Config",
    "config_from_dict",
    "decode_predictions",
    "detection_model",
    "end_in_detections",
    "end_in_probabilities",
    "is_segmenter",
    "list_models",
    "model_strides",
    "preprocess_input",
    "segmentation_model",
    "strides_of",
    "variant_config",
    "without_auxiliary",
    "without_detections",
]
