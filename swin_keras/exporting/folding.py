"""Layers for inference: what no image changes is computed once.

Each is made of a public layer and gives the same numbers within rounding, in fewer
steps. Their weights are what was computed, so they are saved and loaded like any.
"""

import keras
import numpy as np
from keras import ops

from swin_keras.layers import (
    SwinTransformerBlock,
    SwinTransformerV2Block,
)
from swin_keras.layers.position_bias import add_to_scores
from swin_keras.layers.window_attention import CosineWindowAttention, WindowAttention

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


def _place(weight, block):
    """Return a weight's path within its block."""
    return weight.path.split(f"{block.name}/", 1)[1]
