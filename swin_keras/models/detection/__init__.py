"""How a backbone becomes a detector: a feature pyramid, and a head of two branches."""

from swin_keras.models.detection.detector import (
    detection_model,
    end_in_detections,
    model_strides,
    strides_of,
    without_detections,
)
from swin_keras.models.detection.head import DETECTION_HEADS, DetectionHead

__all__ = [
    "DETECTION_HEADS",
    "DetectionHead",
    "detection_model",
    "end_in_detections",
    "model_strides",
    "strides_of",
    "without_detections",
]
