"""Patch merging: four neighbouring tokens to one, with twice the channels."""

import keras
from keras import ops

from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.layer_normalization import LayerNormalization
from swin_keras.layers.map_size import known_size, pad_to_multiple
from swin_keras.layers.quantization import KeepsQuantization
from swin_keras.layers.windows import window_partition


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchMerging(KeepsQuantization, keras.layers.Layer):
    """Halve height and width of a feature map and double its channels.

    `(B, H, W, C) -> (B, ceil(H / 2), ceil(W / 2), 2C)`.

    The four tokens of each 2 x 2 group are concatenated to 4C, normalized and
    reduced to 2C. They are taken row by row; published weights take them column
    by column, so their rows are permuted once, when they are loaded. An odd
    side is padded with zeros at the bottom or right.

    Args:
        kernel_initializer: Initializer of kernels; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of shape `(B, ceil(H / 2), ceil(W / 2), 2C)`.

    Reference:
        Liu et al., 2021, section 3.1: https://arxiv.org/abs/2103.14030
    """

    _normalized = 4  # channels that the norm sees, in channels of the input

    def __init__(self, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        known_size(input_shape)
        channels = input_shape[-1]
        self.norm = LayerNormalization(dtype=self.dtype_policy, name="norm")
        self.norm.build((None, self._normalized * channels))
        self.reduction = keras.layers.Dense(
            2 * channels,
            use_bias=False,
            kernel_initializer=make_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name="reduction",
        )
        self.reduction.build((None, 4 * channels))

    def call(self, inputs):
        x = pad_to_multiple(inputs, 2)
        _, height, width, channels = x.shape
        x = ops.reshape(window_partition(x, 2), (-1, 4 * channels))
        x = self._reduce(x)
        return ops.reshape(x, (-1, height // 2, width // 2, 2 * channels))

    def _reduce(self, x):
        return self.reduction(self.norm(x))

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, -(-height // 2), -(-width // 2), 2 * channels)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchMergingV2(PatchMerging):
    """A `PatchMerging` that reduces to 2C first, then normalizes, for Swin V2.

    `(B, H, W, C) -> (B, ceil(H / 2), ceil(W / 2), 2C)`.

    Reference:
        Liu et al., 2022, section 3.2: https://arxiv.org/abs/2111.09883
    """

    _normalized = 2

    def _reduce(self, x):
        return self.norm(self.reduction(x))
