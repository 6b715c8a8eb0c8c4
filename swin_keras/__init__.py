"""Swin Transformers in Keras: from a folder of images to a model on a phone.

The public names stand in `__init__.pyi`, for type checkers and for this module
alike. Each is loaded when it is first used, so that the command line answers
before TensorFlow is imported.
"""

import importlib

import lazy_loader
import wrapt

__version__ = "0.1.0"

<<<<<<< HEAD
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
=======
_MODULES = {
    "swin_keras.benchmarking.benchmark": [
        "Benchmark",
        "benchmark",
    ],
    "swin_keras.data": [
        "check_folder",
        "load_dataset",
    ],
    "swin_keras.detection.decoding": [
        "Detections",
        "suppress_overlaps",
    ],
    "swin_keras.detection.losses": [
        "detection_loss",
        "total_loss",
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
        "AdaptivePooling",
        "BilinearResizing",
        "ChannelDropout",
        "ContinuousPositionBias",
        "CosineWindowAttention",
        "DropPath",
        "Dropout",
        "EdgeDistances",
        "NearestUpsampling",
        "PatchEmbedding",
        "PatchExpanding",
        "PatchMerging",
        "PatchMergingV2",
        "PositionEmbedding",
        "RelativePositionBias",
        "StopGradient",
        "SwinTransformerBlock",
        "SwinTransformerV2Block",
        "SyncBatchNormalization",
        "TopDetections",
        "WindowAttention",
        "cyclic_shift",
        "points_of",
        "relative_position_index",
        "shifted_window_mask",
        "window_partition",
        "window_reverse",
    ],
    "swin_keras.models": [
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
        "create_model",
        "decode_predictions",
        "end_in_detections",
        "list_models",
        "model_strides",
        "preprocess_input",
        "strides_of",
        "without_auxiliary",
    ],
    "swin_keras.scores.detection": [
        "DetectionFigures",
        "DetectionScore",
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
    from swin_keras.detection.decoding import *  # noqa: F403
    from swin_keras.detection.losses import *  # noqa: F403
    from swin_keras.errors import *  # noqa: F403
    from swin_keras.evaluation import *  # noqa: F403
    from swin_keras.exporting.config import *  # noqa: F403
    from swin_keras.exporting.export import *  # noqa: F403
    from swin_keras.inference import *  # noqa: F403
    from swin_keras.layers import *  # noqa: F403
    from swin_keras.models import *  # noqa: F403
    from swin_keras.scores.detection import *  # noqa: F403
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
>>>>>>> w/detmodel


# A plain import would have to import Keras, and TensorFlow with it.
@wrapt.when_imported("keras")
def _register_layers(_):
    """Let `keras.models.load_model` find our layers, whoever imports Keras."""
    importlib.import_module("swin_keras.layers")
