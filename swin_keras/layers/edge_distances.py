"""From a feature map to distances in pixels."""

import keras
from keras import ops

from swin_keras.layers.map_size import known_size, plain_size


@keras.saving.register_keras_serializable(package="swin_keras")
class EdgeDistances(keras.layers.Layer):
    """Turn a level's map of box edges into distances in pixels.

    `(B, H, W, 4) -> (B, H * W, 4)`: left, top, right, bottom of each token's centre.

    The convolution before is shared by all levels and gives distances in strides;
    each level has a learned scale for them. Negative ones become 0.

    Args:
        stride: Pixels from one token to the next.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, 4)`.

    Returns:
        Distances of shape `(B, H * W, 4)`, row by row.

    Reference:
        Tian et al., 2022: https://arxiv.org/abs/2006.09214
    """

    def __init__(self, stride: int, **kwargs):
        super().__init__(**kwargs)
        self.stride = plain_size(stride)

    def build(self, input_shape):
        known_size(input_shape)
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, inputs):
        _, height, width, edges = inputs.shape
        # A product with one number goes into the convolution in an exported file.
        x = ops.relu(inputs * (self.scale * self.stride))
        return ops.reshape(x, (-1, height * width, edges))

    def compute_output_shape(self, input_shape):
        batch, height, width, edges = input_shape
        return (batch, height * width, edges)

    def get_config(self):
        return {**super().get_config(), "stride": self.stride}
