"""The feature maps of a finished model: what each stage makes of an image."""

import keras

from swin_keras.errors import UsageError
from swin_keras.models.layer_names import feature_name, stage_part


def features(model) -> dict:
    """Return the feature map of each stage, symbolic: `{"C2": ..., "C3": ...}`."""
    if isinstance(model.output, dict):
        return dict(model.output)
    maps = {}
    for layer in model.layers:
        part = stage_part(layer.name)
        if part and part.kind == "block":
            maps[feature_name(part.stage)] = layer.output
    return maps


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
