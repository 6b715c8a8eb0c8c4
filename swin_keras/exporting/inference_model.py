"""The model that is exported: float32, constants computed once, outputs by name."""

import keras
import numpy as np

from swin_keras.exporting.any_batch import any_batch_kind
from swin_keras.exporting.folding import (
    FOLDED,
    fold_normalization,
    fold_weights,
)
from swin_keras.exporting.head_folding import (
    FoldedBatchNormalization,
    ResizedSum,
    fold_mixing,
    foldable_mixing,
    takers_of,
)
from swin_keras.inference.runtimes import outputs_by_name
from swin_keras.layers import PatchEmbedding
from swin_keras.models.conventions import ends_in_shares, last_step
from swin_keras.models.copies import take_weights


def inference_model(model, fold: bool = True):
    """Copy a model for inference.

    Same numbers within rounding, in fewer steps. The copy is float32 whatever
    the precision of training; its blocks are those of `FOLDED`, which have
    computed what no image changes, and the normalization of the images is part of
    the patch embedding's weights or a multiplication. The linear steps of an all-MLP
    head are one product for each map. Layers that would ask how many images there
    are become others, see `any_batch_kind`. A model that is not functional, or holds
    other models, is not folded.

    Args:
        model: A `keras.Model`; it stays as it is.
        fold: Whether to fold; `False` only changes the precision.

    Returns:
        A model from the same images to the same outputs. It is saved and loaded
        like any.
    """
    if not _is_flat(model):
        return _in_float32(model)
    normalization = _foldable_normalization(model) if fold else None
    head = foldable_mixing(model) if fold else None

    def copy(layer):
        config = layer.get_config()
        if isinstance(layer, keras.layers.InputLayer):
            return type(layer).from_config(config)
        if head and layer is head.mixing:
            return ResizedSum(layer.size, name=layer.name, dtype="float32")
        if head and layer is head.norm:
            return FoldedBatchNormalization(name=layer.name, dtype="float32")
        if layer is normalization:
            return keras.layers.Identity(name=layer.name, dtype="float32")
        if fold and _is_normalization(layer):
            return _rescaling(layer)
        kind = type(layer)
        if fold:
            kind = FOLDED.get(kind) or any_batch_kind(layer)
        return kind.from_config({**config, "dtype": "float32"})

    twin = keras.models.clone_model(model, clone_function=copy)
    for layer in model.layers:
        if layer.weights:  # not an input, whose copy may have another name
            _fill(twin.get_layer(layer.name), layer)
    if normalization:
        mean, std = _mean_and_std(normalization)
        fold_normalization(twin.get_layer("patch_embedding"), mean, std)
    if head:
        fold_mixing(twin, head)
    return twin


def with_plain_output(model):
    """Return a model whose output is `y` where it is the list `[y]`; others as is."""
    if isinstance(model.output, list | tuple) and len(model.output) == 1:
        return keras.Model(model.input, model.output[0], name=model.name)
    return model


def named_outputs(model) -> dict:
    """Return a model's outputs by name, symbolic.

    `probabilities`, or `outputs` if it ends in no softmax or sigmoid; or the names
    of its own dictionary, such as `C2` to `C5` of a backbone.
    """
    if isinstance(model.output, dict | list | tuple):
        return dict(outputs_by_name(model.output))
    return {"probabilities" if ends_in_shares(model) else "outputs": model.output}


def with_outputs(model, beside: dict):
    """Return a model with its outputs by name and some more.

    Args:
        model: A `keras.Model`.
        beside: Further outputs by name, symbolic, of the same graph.
    """
    return keras.Model(model.input, named_outputs(model) | beside, name=model.name)


def logits(model):
    """Return what goes into a final softmax layer, symbolic; `None` without one."""
    last = last_step(model)
    is_softmax = type(last).__name__ == "Softmax" or (
        isinstance(last, keras.layers.Activation)
        and last.activation is keras.activations.softmax
    )
    return last.input if is_softmax else None


def _is_flat(model) -> bool:
    """Return whether a model is a graph of layers, none of which is a model."""
    steps = getattr(model, "operations", ())  # only a functional model has them
    return bool(steps) and all(
        isinstance(step, keras.layers.Layer) and not isinstance(step, keras.Model)
        for step in steps
    )


def _in_float32(model):
    """Return a model of which every layer computes in float32, at any depth."""
    config = keras.saving.serialize_keras_object(model)
    wanted = _with_float32(config)
    if wanted == config:
        return model
    twin = keras.saving.deserialize_keras_object(wanted)
    take_weights(twin, model)
    return twin


def _with_float32(config):
    """Return what Keras writes of a model, with float32 for every precision."""
    if isinstance(config, list | tuple):
        return type(config)(map(_with_float32, config))
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return {**config, "config": {**config["config"], "name": "float32"}}
    return {key: _with_float32(value) for key, value in config.items()}


def _foldable_normalization(model):
    """Return the normalization before the patch embedding, if it can go into it."""
    layers = {layer.name: layer for layer in model.layers}
    normalization = layers.get("preprocessing")
    embedding = layers.get("patch_embedding")
    if not _is_normalization(normalization):
        return None
    if type(embedding) is not PatchEmbedding:  # one that is derived may do otherwise
        return None
    normalized = normalization.output
    if embedding.input is not normalized or takers_of(model)[id(normalized)] > 1:
        return None
    sides = embedding.input.shape[1:3]  # the model's own input may be resized first
    is_padded = embedding.overlap or any(side % embedding.patch_size for side in sides)
    return None if is_padded else normalization


def _is_normalization(layer) -> bool:
    return type(layer) is keras.layers.Normalization and not layer.invert


def _mean_and_std(normalization):
    mean, variance = (
        np.asarray(keras.ops.convert_to_numpy(value), "float64")
        for value in (normalization.mean, normalization.variance)
    )
    return mean, np.maximum(np.sqrt(variance), keras.config.epsilon())


def _rescaling(normalization):
    """Return a `Normalization` as one product and one sum with constants.

    Its own constants are tensors outside of the graph, which a converter to ONNX
    takes for inputs.
    """
    mean, std = _mean_and_std(normalization)
    return keras.layers.Rescaling(
        (1 / std).tolist(),
        (-mean / std).tolist(),
        name=normalization.name,
        dtype="float32",
    )


def _fill(copy, layer):
    """Give a copied layer its weights."""
    if type(copy) in FOLDED.values() and type(copy) is not type(layer):
        fold_weights(layer, copy)
    elif copy.weights:
        take_weights(copy, layer)
