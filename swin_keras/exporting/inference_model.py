"""The model that is exported: float32, constants computed once, outputs by name."""

import keras
import numpy as np

from swin_keras.errors import UsageError
from swin_keras.layers import PatchEmbedding


def inference_model(model, fold: bool = True):
    """Copy a model for inference.

    Same numbers within rounding, in fewer steps. The copy is float32 whatever
    the precision of training, each layer with a method `fold` has computed what
    no image changes, and the normalization of the images is part of the patch
    embedding's weights. A model that is not functional, or holds other models,
    is returned as it is.

    Args:
        model: A `keras.Model`; it stays as it is.
        fold: Whether to fold; `False` only changes the precision.

    Returns:
        A model from the same images to the same outputs.
    """
    if not _is_flat(model):
        return model
    normalization = _foldable_normalization(model) if fold else None

    def copy(layer):
        if layer is normalization:
            return keras.layers.Identity(name=layer.name, dtype="float32")
        config = layer.get_config()
        if isinstance(layer, keras.layers.InputLayer):
            return type(layer).from_config(config)
        return type(layer).from_config({**config, "dtype": "float32"})

    twin = keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        if layer is not normalization:
            twin.get_layer(layer.name).set_weights(layer.get_weights())
    if normalization:
        mean, variance = (
            np.asarray(keras.ops.convert_to_numpy(value), "float64")
            for value in (normalization.mean, normalization.variance)
        )
        embedding = twin.get_layer("patch_embedding")
        embedding.fold_normalization(mean, np.sqrt(variance))
    for layer in twin.layers if fold else ():
        if hasattr(layer, "fold"):
            layer.fold()
    return twin


def named_outputs(model) -> dict:
    """Return a model's outputs by name, symbolic.

    `probabilities`, or `outputs` if it does not end in a softmax; or the names
    of its own dictionary, such as `C2` to `C5` of a backbone.
    """
    if isinstance(model.output, dict):
        return dict(model.output)
    last = model.layers[-1]
    softmax = getattr(last, "activation", None) is keras.activations.softmax
    return {"probabilities" if softmax else "outputs": model.output}


def logits(model):
    """Return what goes into a final softmax layer, symbolic; `None` without one."""
    last = model.layers[-1]
    is_softmax = (
        isinstance(last, keras.layers.Activation)
        and last.activation is keras.activations.softmax
    )
    return last.input if is_softmax else None


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


def _is_flat(model) -> bool:
    """Tell whether a model is a graph of layers, none of which is a model."""
    steps = getattr(model, "operations", ())  # only a functional model has them
    return bool(steps) and all(
        isinstance(step, keras.layers.Layer) and not isinstance(step, keras.Model)
        for step in steps
    )


def _foldable_normalization(model):
    """Return the normalization before the patch embedding, if it can go into it."""
    layers = {layer.name: layer for layer in model.layers}
    normalization = layers.get("preprocessing")
    embedding = layers.get("patch_embedding")
    if not isinstance(normalization, keras.layers.Normalization):
        return None
    if not isinstance(embedding, PatchEmbedding):
        return None
    sides = model.input_shape[1:3]
    is_padded = embedding.overlap or any(side % embedding.patch_size for side in sides)
    return None if is_padded else normalization
