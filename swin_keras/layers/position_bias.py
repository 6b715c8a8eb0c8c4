"""Relative position bias: a learned number for each offset within a window."""

import math

import keras
from keras import ops

from swin_keras.layers.windows import as_pair, relative_position_index

MOST_FOLDED = 4 * 2**20  # bytes of one block's constant; all of Swin-L's at 224


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
        self.window_size = window_size

    def build(self, input_shape):
        height, width = as_pair(self.window_size)
        self.relative_position_bias_table = self.add_weight(
            name="relative_position_bias_table",
            shape=((2 * height - 1) * (2 * width - 1), input_shape[1]),
            initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )
        self._index = relative_position_index(self.window_size).reshape(-1)
        self._folded = None

    def call(self, inputs, attention_mask=None):
        bias = self._folded
        if bias is None:
            bias = self.bias_and_mask(attention_mask)
        return add_to_scores(inputs, bias)

    def bias_and_mask(self, attention_mask=None):
        """Return what is added to the scores: `(1, num_windows * num_heads, N, N)`.

        Without a mask every window takes the same, `(1, num_heads, N, N)`.
        """
        table = self.relative_position_bias_table
        tokens = math.prod(as_pair(self.window_size))
        bias = ops.take(table, self._index, axis=0)
        bias = ops.reshape(ops.transpose(bias), (1, -1, tokens, tokens))
        if attention_mask is None:
            return bias
        mask = ops.expand_dims(ops.cast(attention_mask, bias.dtype), 1)
        return ops.reshape(bias + mask, (1, -1, tokens, tokens))

    def fold(self, attention_mask=None):
        """Compute bias and mask once, for inference.

        Beyond `MOST_FOLDED` bytes they stay apart: the sum, which has a bias for
        every window, would be most of a file.
        """
        bias = ops.convert_to_numpy(self.bias_and_mask(attention_mask))
        if bias.nbytes <= MOST_FOLDED:
            self._folded = bias

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "window_size": self.window_size}


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
