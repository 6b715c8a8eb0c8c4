"""The feature maps of a finished model: what each stage makes of an image."""

import keras

from swin_keras.errors import UsageError


def features(model) -> dict:
    """Return the feature map of each stage, symbolic: `{"C2": ..., "C3": ...}`."""
    if isinstance(model.output, dict):
        return dict(model.output)
    maps = {}
    for layer in model.layers:
        stage, is_block, _ = layer.name.partition("_block_")
        if is_block and stage.startswith("stage_"):
            maps[f"C{int(stage.removeprefix('stage_')) + 1}"] = layer.output
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
