"""Tells the layers of this package's models from those that others put around them.

A file is rebuilt from its tensors and sizes, and a folder for other projects holds
nothing else: what others added would be left out, and the answers would change.
"""

import math
import re

import keras

from swin_keras.layers.layer_normalization import EPSILON
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
_PACKAGES = ("keras", "swin_keras")
_NORMALIZATION = "LayerNormalization"
_WITH_WEIGHTS = {
    PATCH_EMBEDDING: ("PatchEmbedding",),
    POSITION_EMBEDDING: ("PositionEmbedding",),
    NORM: (_NORMALIZATION,),
    HEAD: ("Dense",),
}
_IN_STAGES = {  # classes of each kind; the padded block gives what the plain one does
    "block": (
        "SwinTransformerBlock",
        "SwinTransformerV2Block",
        "PaddedSwinTransformerBlock",
    ),
    "merging": ("PatchMerging", "PatchMergingV2"),
    "norm": (_NORMALIZATION,),
}
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
    """Return the class and package of each step of a model, and what tells it apart.

    Steps are layers, and operations on symbolic tensors such as `x / 255`. Those of
    others may have no configuration, and need none here.
    """
    return {
        step.name: (step.get_config() if _is_told(step) else {})
        | {
            "class_name": type(step).__name__,
            "package": type(step).__module__.partition(".")[0],
        }
        for step in getattr(model, "operations", model.layers)
    }


def other_layers(layers: dict[str, dict]) -> dict[str, str]:
    """Return the class of each layer that a model of this package has not, by name.

    Args:
        layers: Configuration, `class_name` and `package` of each layer, by name.

    >>> other_layers({"images": {"class_name": "InputLayer"}, "rescaling": {
    ...     "class_name": "Rescaling", "package": "keras"}})
    {'rescaling': 'Rescaling'}
    """
    return {
        name: _class_in_words(config)
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
    config, is_classifier = layers[name], HEAD in layers
    kind = config["class_name"]
    if config["package"] not in _PACKAGES or _is_of_other_epsilon(config):
        return False
    if name == PREPROCESSING and not _is_by_channel(config):
        return False
    if name == POOLING and kind == "GlobalMaxPooling2D":
        return not is_classifier  # whose head stands on the mean
    is_inner_head = name == HEAD and PREDICTIONS in layers
    if is_inner_head and config.get("activation") not in (None, "linear"):
        return False
    if name.startswith("head_") and not is_classifier:
        return kind in _OF_HEADS or is_of_head(name) or _is_in_stage(name, kind)
    is_one = kind == _WITHOUT.get(name) or kind in _WITH_WEIGHTS.get(name, ())
    return is_one or _is_in_stage(name, kind)


def _is_in_stage(name, kind):
    part = stage_part(name.removeprefix("head_"))
    return part is not None and kind in _IN_STAGES[part.kind]


def _is_told(step):
    normalizations = keras.layers.LayerNormalization, keras.layers.Normalization
    return step.name in (HEAD, PREDICTIONS) or isinstance(step, normalizations)


def _is_of_other_epsilon(config):
    if config["class_name"] != _NORMALIZATION:
        return False
    return not math.isclose(config["epsilon"], EPSILON, rel_tol=1e-3)


def _is_by_channel(config):
    """Whether a normalization subtracts what its configuration tells."""
    axes = tuple(config.get("axis", ()))
    is_told = config.get("mean") is not None and not config.get("invert")
    return is_told and axes in ((), (-1,), (3,))


def _class_in_words(config):
    if _is_of_other_epsilon(config):
        return f"{config['class_name']} of epsilon {config['epsilon']}"
    return config["class_name"]
