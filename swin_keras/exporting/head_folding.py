"""The linear steps of an all-MLP head become one product for each map.

It comes before the map is resized. What folding does to blocks is in `folding.py`.
"""

import collections
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from swin_keras.layers import MapMixing, SyncBatchNormalization
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.resizing import resized


@keras.saving.register_keras_serializable(package="swin_keras")
class ResizedSum(keras.layers.Layer):
    """Add up feature maps, each resized bilinearly to `size`.

    What is left of a `MapMixing` whose kernel went into the layers before it.

    Args:
        size: `(height, width)` of the result.

    Call arguments:
        inputs: List of feature maps `(B, Hi, Wi, C)`.

    Returns:
        Feature map of shape `(B, height, width, C)`.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, inputs):
        first, *others = (resized(x, self.size) for x in inputs)
        return sum(others, first)

    def compute_output_shape(self, input_shape):
        return (input_shape[0][0], *as_pair(self.size), input_shape[0][-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


@keras.saving.register_keras_serializable(package="swin_keras")
class FoldedBatchNormalization(keras.layers.Layer):
    """What is left of a batch normalization whose work was done before it: nothing.

    `(B, H, W, C) -> (B, H, W, C)`.
    """

    def call(self, inputs, mask=None):
        return inputs


@dataclass(frozen=True)
class Mixing:
    """The linear steps of an all-MLP head, which come one after the other.

    Args:
        projections: A dense layer for each map, in the order of the kernel's rows.
        mixing: The `MapMixing` of what they give.
        norm: The batch normalization of what it gives.
    """

    projections: list[keras.layers.Dense]
    mixing: MapMixing
    norm: SyncBatchNormalization


def takers_of(model) -> collections.Counter:
    """Count what takes each tensor of a model, by its id: layers, and outputs."""
    takers = collections.Counter(map(id, model.outputs))
    for layer in model.layers:
        takers.update(map(id, keras.tree.flatten(layer.input)))
    return takers


def foldable_mixing(model) -> Mixing | None:
    """Return these steps of a model, if nothing else takes what one of them gives."""
    layers = {layer.name: layer for layer in model.layers}
    mixing, norm = map(layers.get, ("head_mixing_conv", "head_mixing_norm"))
    # Of these classes alone: one that is derived may do otherwise.
    if (type(mixing), type(norm)) != (MapMixing, SyncBatchNormalization):
        return None
    dense = {
        id(layer.output): layer
        for layer in model.layers
        if type(layer) is keras.layers.Dense
        and layer.activation is keras.activations.linear
    }
    maps = keras.tree.flatten(mixing.input)  # Keras gives one alone as it is
    projections = [dense.get(id(x)) for x in maps]
    takers = takers_of(model)
    is_one_way = all(takers[id(x)] == 1 for x in (*maps, mixing.output))
    if None in projections or norm.input is not mixing.output or not is_one_way:
        return None
    return Mixing(projections, mixing, norm)


def fold_mixing(twin, steps: Mixing):
    """Have the projections of an all-MLP head do the work of what follows them, too.

    Projection, mixing and normalization are one product for each map, before it is
    resized.

    Args:
        twin: A copy of the model, with a `ResizedSum` for the mixing and an identity
            for the norm; it is changed.
        steps: Those of the model.
    """
    gamma, beta, mean, variance = map(ops.convert_to_numpy, steps.norm.weights)
    scale = gamma / np.sqrt(variance + steps.norm.epsilon)
    rows = ops.convert_to_numpy(steps.mixing.kernel)[0, 0] * scale
    parts = np.split(rows, len(steps.projections))
    bias = beta - mean * scale
    for projection, part in zip(steps.projections, parts, strict=True):
        kernel, own = map(ops.convert_to_numpy, projection.weights)
        bias = bias + own @ part
        twin.get_layer(projection.name).set_weights([kernel @ part, 0 * bias])
    # All biases at once, where the map is not resized.
    last = twin.get_layer(steps.projections[-1].name)
    last.bias.assign(bias)
