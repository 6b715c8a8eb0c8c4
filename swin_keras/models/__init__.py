"""How stages make a model: functions that return a functional `keras.Model`."""

from swin_keras.models.backbone import SwinBackbone
from swin_keras.models.classifier import SwinClassifier
from swin_keras.models.config import SwinConfig, SwinV2Config, config_from_dict
from swin_keras.models.predictions import decode_predictions, preprocess_input
from swin_keras.models.variants import VARIANTS, list_models, variant_config

__all__ = [
    "VARIANTS",
    "SwinBackbone",
    "SwinClassifier",
    "SwinConfig",
    "SwinV2Config",
    "config_from_dict",
    "decode_predictions",
    "list_models",
    "preprocess_input",
    "variant_config",
]
