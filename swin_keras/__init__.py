"""Swin Transformers in Keras: from a folder of images to a model on a phone.

Names are loaded when they are first used, so that the command line answers
before TensorFlow is imported.
"""

import importlib
from typing import TYPE_CHECKING

import wrapt

import swin_keras.forks  # noqa: F401  notes forks from now on

__version__ = "0.1.0"

_MODULES = {
    "swin_keras.benchmarking.benchmark": [
        "Benchmark",
        "benchmark",
    ],
    "swin_keras.data": [
        "check_folder",
        "load_dataset",
    ],
    "swin_keras.errors": [
        "DataError",
        "ExportError",
        "Interrupted",
        "ModelFileError",
        "ResourceError",
        "SwinKerasError",
        "TrainingError",
        "UsageError",
        "WeightsError",
    ],
    "swin_keras.evaluation": [
        "evaluate",
    ],
    "swin_keras.exporting.config": [
        "ExportConfig",
    ],
    "swin_keras.exporting.export": [
        "export",
    ],
    "swin_keras.inference": [
        "Prediction",
        "Predictor",
    ],
    "swin_keras.launching": [
        "launch",
    ],
    "swin_keras.layers": [
        "ContinuousPositionBias",
        "CosineWindowAttention",
        "DropPath",
        "Dropout",
        "PatchEmbedding",
        "PatchMerging",
        "PatchMergingV2",
        "PositionEmbedding",
        "RelativePositionBias",
        "SwinTransformerBlock",
        "SwinTransformerV2Block",
        "WindowAttention",
        "cyclic_shift",
        "relative_position_index",
        "shifted_window_mask",
        "window_partition",
        "window_reverse",
    ],
    "swin_keras.models": [
        "SwinBackbone",
        "SwinBase",
        "SwinClassifier",
        "SwinConfig",
        "SwinLarge",
        "SwinNano",
        "SwinSmall",
        "SwinTiny",
        "SwinV2Base",
        "SwinV2Config",
        "SwinV2Large",
        "SwinV2Small",
        "SwinV2Tiny",
        "create_model",
        "decode_predictions",
        "list_models",
        "preprocess_input",
    ],
    "swin_keras.training.config": [
        "TrainConfig",
    ],
    "swin_keras.training.muon": [
        "SwinMuon",
    ],
    "swin_keras.training.optimizer": [
        "SwinAdamW",
    ],
    "swin_keras.training.train": [
        "train",
    ],
    "swin_keras.tuning.hyper_model": [
        "SwinHyperModel",
    ],
    "swin_keras.tuning.limits": [
        "Limits",
    ],
    "swin_keras.tuning.space": [
        "Space",
    ],
    "swin_keras.tuning.study": [
        "Study",
    ],
    "swin_keras.tuning.tune": [
        "tune",
    ],
    "swin_keras.weights": [
        "from_pretrained",
        "load_weights",
    ],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from swin_keras.benchmarking.benchmark import *  # noqa: F403
    from swin_keras.data import *  # noqa: F403
    from swin_keras.errors import *  # noqa: F403
    from swin_keras.evaluation import *  # noqa: F403
    from swin_keras.exporting.config import *  # noqa: F403
    from swin_keras.exporting.export import *  # noqa: F403
    from swin_keras.inference import *  # noqa: F403
    from swin_keras.layers import *  # noqa: F403
    from swin_keras.models import *  # noqa: F403
    from swin_keras.training.config import *  # noqa: F403
    from swin_keras.training.train import *  # noqa: F403
    from swin_keras.tuning.hyper_model import *  # noqa: F403
    from swin_keras.tuning.limits import *  # noqa: F403
    from swin_keras.tuning.space import *  # noqa: F403
    from swin_keras.tuning.study import *  # noqa: F403
    from swin_keras.tuning.tune import *  # noqa: F403
    from swin_keras.weights import *  # noqa: F403


def __getattr__(name):
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'swin_keras' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__():
    return [*globals(), *__all__]


@wrapt.when_imported("keras")
def _register_layers(_):
    """Let `keras.models.load_model` find our layers, whoever imports Keras."""
    importlib.import_module("swin_keras.layers")
