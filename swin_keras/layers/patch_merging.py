"""Patch merging: four neighbouring tokens to one, with twice the channels."""

import keras
from keras import ops

from swin_keras.layers.windows import known_size, pad_to_multiple, window_partition


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchMerging(keras.layers.Layer):
    """Halve height and width of a feature map and double its channels.

    `(B, H, W, C) -> (B, ceil(H / 2), ceil(W / 2), 2C)`.

    The four tokens of each 2 x 2 group are concatenated to 4C, normalized and
    reduced to 2C. They are taken row by row; published weights take them column
    by column, so their rows are permuted once, when they are loaded. An odd
    side is padded with zeros at the bottom or right.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of shape `(B, ceil(H / 2), ceil(W / 2), 2C)`.

    Reference:
        Liu et al., 2021, section 3.1: https://arxiv.org/abs/2103.14030
    """

    def build(self, input_shape):
        known_size(input_shape)
        channels = input_shape[-1]
        self.norm = keras.layers.LayerNormalization(
            epsilon=1e-5, dtype=self.dtype_policy, name="norm"
        )
        self.norm.build((None, 4 * channels))
        self.reduction = keras.layers.Dense(
            2 * channels,
            use_bias=False,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
            dtype=self.dtype_policy,
            name="reduction",
        )
        self.reduction.build((None, 4 * channels))

    def call(self, inputs):
        x = pad_to_multiple(inputs, 2)
        _, height, width, channels = x.shape
        x = ops.reshape(window_partition(x, 2), (-1, 4 * channels))
        x = self.reduction(self.norm(x))
        return ops.reshape(x, (-1, height // 2, width // 2, 2 * channels))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, -(-height // 2), -(-width // 2), 2 * channels)
