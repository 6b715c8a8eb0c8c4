"""Tells the layers of this package's models from those that others put around them.

A file is rebuilt from its tensors and sizes, and a folder for other projects holds
nothing else: what others added would be left out, and the answers would change.
"""

import re

from swin_keras.models.layer_names import (
    HEAD,
    NORM,
    PATCH_EMBEDDING,
    POOLING,
    POSITION_EMBEDDING,
    PREDICTIONS,
    PREPROCESSING,
    PROBABILITIES,
    stage_part,
)
from swin_keras.weights.head_mapping import is_of_head

# Classes that change no answer: what a model takes, and what acts in training alone.
_IDLE = re.compile(r"InputLayer|Identity|\w*Dropout\w*|Rand\w+|GaussianNoise")
_WITH_WEIGHTS = (PATCH_EMBEDDING, POSITION_EMBEDDING, NORM, HEAD)
_WITHOUT = {
    PREPROCESSING: "Normalization",
    POOLING: "GlobalAveragePooling2D",
    PREDICTIONS: "Activation",
    PROBABILITIES: "Activation",
}
_OF_HEADS = (  # of a segmenter's and a detector's, without weights
    "AdaptivePooling",
    "Add",
    "BilinearResizing",
    "Concatenate",
    "Cropping2D",
    "NearestUpsampling",
    "ReLU",
    "Reshape",
    "StopGradient",
    "TopDetections",
    "ZeroPadding2D",
)


def model_layers(model) -> dict[str, dict]:
    """Return the class of each step of a model, and the configuration of its top.

    Steps are layers, and operations on symbolic tensors such as `x / 255`. Those of
    others may have no configuration, and need none here.
    """
    return {
        step.name: (step.get_config() if step.name in (HEAD, PREDICTIONS) else {})
        | {"class_name": type(step).__name__}
        for step in getattr(model, "operations", model.layers)
    }


def other_layers(layers: dict[str, dict]) -> dict[str, str]:
    """Return the class of each layer that a model of this package has not, by name.

    Args:
        layers: Configuration and `class_name` of each layer, by name.

    >>> other_layers({"images": {"class_name": "InputLayer"}, "rescaling": {
    ...     "class_name": "Rescaling"}})
    {'rescaling': 'Rescaling'}
    """
    return {
        name: config["class_name"]
        for name, config in layers.items()
        if not _IDLE.fullmatch(config["class_name"]) and not _is_ours(name, layers)
    }


def top_activation(layers: dict[str, dict]) -> str | None:
    """Return the activation that a classifier ends in; `None` for logits.

    It is that of its last layer, or of a head that has one itself.
    """
    activation = layers.get(PREDICTIONS, layers.get(HEAD, {})).get("activation")
    return None if activation == "linear" else activation


def _is_ours(name, layers):
    kind, is_classifier = layers[name]["class_name"], HEAD in layers
    if name == POOLING and kind == "GlobalMaxPooling2D":
        return not is_classifier  # whose head stands on the mean
    if name == HEAD and PREDICTIONS in layers:
        return layers[name].get("activation") in (None, "linear")
    if name.startswith("head_") and not is_classifier:
        return kind in _OF_HEADS or is_of_head(name) or _is_in_stage(name)
    return kind == _WITHOUT.get(name) or name in _WITH_WEIGHTS or _is_in_stage(name)


def _is_in_stage(name):
    return stage_part(name.removeprefix("head_")) is not None
