"""Layers for inference: what no image changes is computed once.

Each is made of a public layer and gives the same numbers within rounding, in fewer
steps. Their weights are what was computed, so they are saved and loaded like any.
"""

import collections
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from swin_keras.layers import (
    MapMixing,
    SwinTransformerBlock,
    SwinTransformerV2Block,
    SyncBatchNormalization,
)
from swin_keras.layers.position_bias import add_to_scores
from swin_keras.layers.resizing import resized
from swin_keras.layers.window_attention import CosineWindowAttention, WindowAttention
from swin_keras.layers.windows import as_pair

MAX_BIAS_BYTES = 2 * 2**20  # of one block's constant; all of Swin-T's at 224


@keras.saving.register_keras_serializable(package="swin_keras")
class ConstantBias(keras.layers.Layer):
    """Add to attention scores a bias and mask that were added up before.

    `(B * num_windows, num_heads, N, N) -> (B * num_windows, num_heads, N, N)`.

    Args:
        num_windows: Windows with a bias of their own; 1 if all share one.
        mask_apart: Whether the bias is that of all windows, and the mask is added by
            itself: their sum would be as large as the scores, and most of a file.

    Call arguments:
        inputs: Scores of shape `(B * num_windows, num_heads, N, N)`.
        attention_mask: As in `RelativePositionBias`; ignored where it is in the bias.

    Returns:
        Scores of the same shape.
    """

    def __init__(self, num_windows: int = 1, mask_apart: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.num_windows = num_windows
        self.mask_apart = mask_apart

    def build(self, input_shape):
        _, num_heads, tokens, _ = input_shape
        self.bias = self.add_weight(
            name="bias",
            shape=(1, self.num_windows * num_heads, tokens, tokens),
            trainable=False,
        )

    def call(self, inputs, attention_mask=None):
        x = add_to_scores(inputs, ops.convert_to_tensor(self.bias))
        if not self.mask_apart:
            return x
        # A reshape between them keeps converters from adding the two up.
        _, num_heads, tokens, _ = inputs.shape
        mask = ops.reshape(ops.cast(attention_mask, x.dtype), (1, -1, 1, tokens**2))
        x = ops.reshape(x, (-1, mask.shape[1], num_heads, tokens**2)) + mask
        return ops.reshape(x, (-1, num_heads, tokens, tokens))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "num_windows": self.num_windows,
            "mask_apart": self.mask_apart,
        }


class _FoldedBias:
    """A window attention whose bias was computed before; see `ConstantBias`."""

    def __init__(self, *args, bias_windows=1, mask_apart=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.bias_windows = bias_windows
        self.mask_apart = mask_apart

    def _position_bias_layer(self):
        return ConstantBias(
            self.bias_windows, self.mask_apart, dtype="float32", name="position_bias"
        )

    def get_config(self):
        return {
            **super().get_config(),
            "bias_windows": self.bias_windows,
            "mask_apart": self.mask_apart,
        }


@keras.saving.register_keras_serializable(package="swin_keras")
class FoldedWindowAttention(_FoldedBias, WindowAttention):
    """A `WindowAttention` whose scale is in the query's weights."""

    def _scores(self, q, k):
        return ops.matmul(q, k)


@keras.saving.register_keras_serializable(package="swin_keras")
class FoldedCosineWindowAttention(_FoldedBias, CosineWindowAttention):
    """A `CosineWindowAttention` without the network of its bias."""


class _FoldedBlock:
    """A block that knows how many biases its windows need."""

    def _bias_options(self) -> dict:
        windows = 1 if self._mask is None else len(self._mask)
        tokens = self._window[0] * self._window[1]
        size = 4 * windows * self.num_heads * tokens**2
        if windows > 1 and size > MAX_BIAS_BYTES:
            return {"bias_windows": 1, "mask_apart": True}
        return {"bias_windows": windows}


@keras.saving.register_keras_serializable(package="swin_keras")
class FoldedSwinTransformerBlock(_FoldedBlock, SwinTransformerBlock):
    """A `SwinTransformerBlock` with a `FoldedWindowAttention`."""

    def _attention_layer(self, **options):
        return FoldedWindowAttention(
            self._window,
            self.num_heads,
            **self._bias_options(),
            **options,
        )


@keras.saving.register_keras_serializable(package="swin_keras")
class FoldedSwinTransformerV2Block(_FoldedBlock, SwinTransformerV2Block):
    """A `SwinTransformerV2Block` with a `FoldedCosineWindowAttention`."""

    def _attention_layer(self, **options):
        return FoldedCosineWindowAttention(
            self._window,
            self.num_heads,
            self.pretrained_window_size,
            **self._bias_options(),
            **options,
        )


FOLDED = {
    SwinTransformerBlock: FoldedSwinTransformerBlock,
    SwinTransformerV2Block: FoldedSwinTransformerV2Block,
}


def fold_weights(block, folded):
    """Give a folded block what its original's weights come to.

    Args:
        block: A `SwinTransformerBlock` or `SwinTransformerV2Block`.
        folded: Its layer of `FOLDED`, with the same name; it is changed.
    """
    values = {_place(w, block): ops.convert_to_numpy(w) for w in block.weights}
    attention = block.attention
    if isinstance(folded.attention, FoldedWindowAttention):
        scale = np.ones(attention.qkv.units, "float32")
        scale[: len(scale) // 3] = attention.head_dim**-0.5
        for name in ("kernel", "bias")[: len(attention.qkv.weights)]:
            values[f"attention/qkv/{name}"] = values[f"attention/qkv/{name}"] * scale
    bias, place = attention.position_bias, "attention/position_bias"
    mask = None if folded.attention.mask_apart else block._mask
    values[f"{place}/bias"] = ops.convert_to_numpy(bias.bias_and_mask(mask))
    for weight in folded.weights:
        weight.assign(values[_place(weight, folded)])


def fold_normalization(embedding, mean, std):
    """Have a patch embedding take images as they are.

    `(x - mean) / std` goes into its weights. Only where no padding is needed:
    padding is zero after the normalization, not before.

    Args:
        embedding: A `PatchEmbedding`; it is changed.
        mean: The mean of each channel.
        std: The standard deviation of each channel.
    """
    dense = embedding.embedding
    mean, std = (np.tile(np.ravel(v), embedding.kernel_size**2) for v in (mean, std))
    kernel = ops.convert_to_numpy(dense.kernel) / std[:, None]
    dense.set_weights([kernel, ops.convert_to_numpy(dense.bias) - mean @ kernel])


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


def foldable_mixing(model) -> Mixing | None:
    """Return these steps of a model, if nothing else takes what one of them gives."""
    layers = {layer.name: layer for layer in model.layers}
    mixing, norm = map(layers.get, ("head_mixing_conv", "head_mixing_norm"))
    if not (isinstance(mixing, MapMixing) and isinstance(norm, SyncBatchNormalization)):
        return None
    dense = {
        id(layer.output): layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Dense)
        and layer.activation is keras.activations.linear
    }
    maps = keras.tree.flatten(mixing.input)  # Keras gives one alone as it is
    projections = [dense.get(id(x)) for x in maps]
    takers = collections.Counter(map(id, model.outputs))
    for layer in model.layers:
        takers.update(map(id, keras.tree.flatten(layer.input)))
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


def _place(weight, block):
    """Return a weight's path within its block."""
    return weight.path.split(f"{block.name}/", 1)[1]
