"""Patch expanding: one token to several, the mirror of patch merging."""

import keras
from keras import ops

from swin_keras.layers.initialization import initializer_config, make_initializer
from swin_keras.layers.layer_normalization import LayerNormalization
from swin_keras.layers.map_size import known_size, plain_size
from swin_keras.layers.quantization import KeepsQuantization
from swin_keras.layers.windows import window_reverse


@keras.saving.register_keras_serializable(package="swin_keras")
class PatchExpanding(KeepsQuantization, keras.layers.Layer):
    """Multiply height and width of a feature map; each token becomes a square.

    `(B, H, W, C) -> (B, factor * H, factor * W, units)`.

    Each token is widened to `factor**2 * units`, which become as many tokens, row
    by row; then each is normalized. Swin-Unet halves the channels at each step of
    its decoder (factor 2, `C / 2` units) and keeps them at the end, when tokens
    become pixels (factor 4, `C` units).

    Args:
        units: Channels of the result.
        factor: How many times as high and wide the result is.
        kernel_initializer: Initializer of the kernel; `None` is the published way, see
            `make_initializer`.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of shape `(B, factor * H, factor * W, units)`.

    Reference:
        Cao et al., 2021, section 3.4: https://arxiv.org/abs/2105.05537
    """

    def __init__(self, units: int, factor: int = 2, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.units = plain_size(units)
        self.factor = plain_size(factor)
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        known_size(input_shape)
        channels = input_shape[-1]
        self.expansion = keras.layers.Dense(
            self.factor**2 * self.units,
            use_bias=False,
            kernel_initializer=make_initializer(self.kernel_initializer),
            dtype=self.dtype_policy,
            name="expansion",
        )
        self.expansion.build((None, channels))
        self.norm = LayerNormalization(dtype=self.dtype_policy, name="norm")
        self.norm.build((None, None, self.units))

    def call(self, inputs):
        _, height, width, channels = inputs.shape
        x = self.expansion(ops.reshape(inputs, (-1, channels)))
        x = self.norm(ops.reshape(x, (-1, self.factor**2, self.units)))
        size = (self.factor * height, self.factor * width)
        return window_reverse(x, self.factor, size)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        return (batch, self.factor * height, self.factor * width, self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "factor": self.factor,
            "kernel_initializer": initializer_config(self.kernel_initializer),
        }
