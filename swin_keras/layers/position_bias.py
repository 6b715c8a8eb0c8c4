"""Relative position bias: a number for each offset within a window.

Swin learns it, one row of a table per offset; Swin V2 computes the table with a
small network, so that it carries over to other windows.
"""

import math

import keras
import numpy as np
from keras import ops

from swin_keras.layers.initialization import published_normal
from swin_keras.layers.map_size import as_pair, plain_size
from swin_keras.layers.windows import relative_position_index


@keras.saving.register_keras_serializable(package="swin_keras")
class RelativePositionBias(keras.layers.Layer):
    """Add to attention scores the bias of each pair of tokens, and the mask.

    `(B * num_windows, num_heads, N, N) -> (B * num_windows, num_heads, N, N)`.

    The table has one row for each offset, as in the published weights.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.

    Call arguments:
        inputs: Scores of shape `(B * num_windows, num_heads, N, N)`, query by
            key, all windows of an image in order.
        attention_mask: `None`, or what `shifted_window_mask` makes: an array
            `(num_windows, N, N)` that is added for every head.

    Returns:
        Scores of the same shape.

    Reference:
        Liu et al., 2021, equation 4: https://arxiv.org/abs/2103.14030
    """

    def __init__(self, window_size, **kwargs):
        super().__init__(**kwargs)
        self.window_size = plain_size(window_size)

    def build(self, input_shape):
        height, width = as_pair(self.window_size)
        self.relative_position_bias_table = self.add_weight(
            name="relative_position_bias_table",
            shape=((2 * height - 1) * (2 * width - 1), input_shape[1]),
            initializer=published_normal(),
        )
        mark_for_position(self)
        self._index = relative_position_index(self.window_size).reshape(-1)

    def call(self, inputs, attention_mask=None):
        return add_to_scores(inputs, self.bias_and_mask(attention_mask))

    def bias_and_mask(self, attention_mask=None):
        """Return what is added to the scores: `(1, num_windows * num_heads, N, N)`.

        Without a mask every window takes the same, `(1, num_heads, N, N)`.
        """
        tokens = math.prod(as_pair(self.window_size))
        bias = ops.take(self.table(), self._index, axis=0)
        bias = ops.reshape(ops.transpose(bias), (1, -1, tokens, tokens))
        if attention_mask is None:
            return bias
        mask = ops.expand_dims(ops.cast(attention_mask, bias.dtype), 1)
        return ops.reshape(bias + mask, (1, -1, tokens, tokens))

    def table(self):
        """Return the bias of each offset, `((2h - 1) * (2w - 1), num_heads)`."""
        return self.relative_position_bias_table

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "window_size": self.window_size}


@keras.saving.register_keras_serializable(package="swin_keras")
class ContinuousPositionBias(RelativePositionBias):
    """A `RelativePositionBias` whose table a small network computes, for Swin V2.

    `(B * num_windows, num_heads, N, N) -> (B * num_windows, num_heads, N, N)`.

    Each offset, log-spaced, goes through two dense layers; `16 * sigmoid` bounds
    what comes out. No weight depends on the window.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.
        pretrained_window_size: Window that the weights were trained with, if it
            was another: offsets are measured in it. 0 is `window_size`.

    Call arguments:
        inputs: As in `RelativePositionBias`.
        attention_mask: As in `RelativePositionBias`.

    Returns:
        Scores of the same shape.

    Reference:
        Liu et al., 2022, section 3.3: https://arxiv.org/abs/2111.09883
    """

    hidden = 512

    def __init__(self, window_size, pretrained_window_size=0, **kwargs):
        super().__init__(window_size, **kwargs)
        self.pretrained_window_size = plain_size(pretrained_window_size)

    def build(self, input_shape):
        self.mlp_expand = keras.layers.Dense(
            self.hidden,
            activation="relu",
            kernel_initializer=published_normal(),
            dtype=self.dtype_policy,
            name="mlp_expand",
        )
        self.mlp_expand.build((None, 2))
        self.mlp_reduce = keras.layers.Dense(
            input_shape[1],
            use_bias=False,
            kernel_initializer=published_normal(),
            dtype=self.dtype_policy,
            name="mlp_reduce",
        )
        self.mlp_reduce.build((None, self.hidden))
        mark_for_position(self)
        self._offsets = log_spaced_offsets(
            self.window_size, self.pretrained_window_size
        )
        self._index = relative_position_index(self.window_size).reshape(-1)

    def table(self):
        table = self.mlp_reduce(self.mlp_expand(ops.convert_to_tensor(self._offsets)))
        return 16 * ops.sigmoid(table)

    def get_config(self):
        return {
            **super().get_config(),
            "pretrained_window_size": self.pretrained_window_size,
        }


def mark_for_position(layer):
    """Mark the variables of a built layer as telling places: they do not decay.

    Whatever the layer is called, our optimizers see it.
    """
    for variable in layer.weights:
        variable.for_position = True


def log_spaced_offsets(window_size, pretrained_window_size=0) -> np.ndarray:
    """List the offsets of a window's tokens as Swin V2 spaces them.

    From about -1 to 1, in the order of the bias table; beyond the pretrained
    window they continue.

    Args:
        window_size: Side of a window in tokens, or `(height, width)`.
        pretrained_window_size: Side that counts as 1; 0 is `window_size`.

    Returns:
        Float array `((2h - 1) * (2w - 1), 2)`: down, right.

    >>> log_spaced_offsets((1, 3))[:, 1].round(3)
    array([-1.057, -0.774,  0.   ,  0.774,  1.057], dtype=float32)
    """
    sides = as_pair(window_size)
    units = as_pair(pretrained_window_size or window_size)
    # A side of one token has one offset, 0, whatever it is measured in.
    axes = [
        np.arange(1 - side, side, dtype="float32") / np.float32(max(unit - 1, 1))
        for side, unit in zip(sides, units, strict=True)
    ]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2) * 8
    log_spaced = np.sign(offsets) * np.log2(np.abs(offsets) + 1) / np.log2(8)
    return log_spaced.astype("float32")


def add_to_scores(scores, bias):
    """Add `bias (1, num_windows * num_heads, N, N)`, or one for all windows.

    `(B * num_windows, num_heads, N, N)` stays. The windows of one image are laid
    side by side with the heads, so that any batch works and no tensor has five
    axes.
    """
    if bias.shape[1] == scores.shape[1]:
        return scores + bias
    side_by_side = ops.reshape(scores, (-1, *bias.shape[1:])) + bias
    return ops.reshape(side_by_side, (-1, *scores.shape[1:]))
