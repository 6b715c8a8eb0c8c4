"""Swin Transformers in Keras: from a folder of images to a model on a phone.

The public names stand in `__init__.pyi`, for type checkers and for this module
alike. Each is loaded when it is first used, so that the command line answers
before TensorFlow is imported.
"""

import importlib
import sys

import lazy_loader
import wrapt

import swin_keras.forks  # noqa: F401  notes forks from now on
from swin_keras.processes import import_keras

__version__ = "0.1.0"

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


# What the command line does, too, and as quietly.
_COMMANDS = ("Predictor", "benchmark", "evaluate", "explain", "export", "train", "tune")


def __getattr__(name):
    if name in _COMMANDS:
        import_keras()
    return _load(name)


# A plain import would have to import Keras, and TensorFlow with it.
@wrapt.when_imported("keras")
def _register_layers(keras):
    """Let `keras.models.load_model` find our layers, whoever imports Keras."""
    importlib.import_module("swin_keras.layers")
    # What `keras.saving.save_model` calls a model in training is a plain one.
    names = keras.saving.get_custom_objects()
    names.setdefault("swin_keras>TrainingModel", keras.Model)


@wrapt.when_imported("swin_keras.layers")
@wrapt.when_imported("swin_keras.training.optimizer")
def _register_optimizers(_):
    """Let it find our optimizers, too, which need layers and TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        importlib.import_module("swin_keras.training.stand_ins").register_stand_ins()
        return
    module = sys.modules.get("swin_keras.training.optimizer")
    is_half_imported = module and not hasattr(module, "SwinAdamW")
    if not is_half_imported:
        importlib.import_module("swin_keras.training.muon")
