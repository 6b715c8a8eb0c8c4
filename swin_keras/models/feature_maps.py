"""The feature maps of a finished model: what each stage makes of an image."""

import re

import keras

from swin_keras.errors import UsageError
from swin_keras.models.layer_names import NORM, feature_name, stage_part


def features(model) -> dict:
    """Return the feature map of each stage, symbolic: `{"C2": ..., "C3": ...}`."""
    if are_features(model.output):
        return dict(model.output)
    maps = {}
    for layer in model.layers:
        part = stage_part(layer.name)
        if part and part.kind == "block":
            maps[feature_name(part.stage)] = layer.output
    return maps


def are_features(outputs) -> bool:
    """Return whether outputs are feature maps by name, as a `SwinBackbone`'s are."""
    return isinstance(outputs, dict) and all(re.fullmatch(r"C\d+", n) for n in outputs)


def is_headless(model) -> bool:
    """Return whether a model is one of `include_top=False` and without pooling."""
    return model.layers[-1].name == NORM and any(
        stage_part(layer.name) for layer in model.layers
    )


def feature_model(model):
    """Return a model from the same images to the feature map of each stage.

    Raises:
        UsageError: If it has no stages.
    """
    maps = features(model)
    if not maps:
        raise UsageError(
            "Feature maps are those of a Swin Transformer's stages. Received: "
            f"{model.name}, which has none."
        )
    return keras.Model(model.input, maps, name=model.name)
