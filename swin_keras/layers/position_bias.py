"""Relative position bias: a learned number for each offset within a window."""

import keras
from keras import ops

from swin_keras.layers.windows import as_pair, relative_position_index


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

    def call(self, inputs, attention_mask=None):
        _, num_heads, tokens, _ = inputs.shape
        bias = ops.take(self.relative_position_bias_table, self._index, axis=0)
        bias = ops.reshape(ops.transpose(bias), (1, num_heads, tokens, tokens))
        return add_to_scores(inputs, bias, attention_mask)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "window_size": self.window_size}


def add_to_scores(scores, bias, attention_mask):
    """Add `bias (1, num_heads, N, N)` and `attention_mask (num_windows, N, N)`.

    Bias and mask are joined first: they are small, and the scores are not. The
    windows of one image are laid side by side with the heads, so that any batch
    works and no tensor has five axes.
    """
    if attention_mask is None:
        return scores + bias
    num_windows, tokens, _ = attention_mask.shape
    num_heads = scores.shape[1]
    mask = ops.expand_dims(ops.cast(attention_mask, bias.dtype), 1)
    windows_by_heads = (-1, num_windows * num_heads, tokens, tokens)
    bias = ops.reshape(bias + mask, windows_by_heads)
    scores = ops.reshape(scores, windows_by_heads) + bias
    return ops.reshape(scores, (-1, num_heads, tokens, tokens))
