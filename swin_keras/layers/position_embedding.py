"""Absolute position embedding: a learned vector for each place of the map."""

import keras

from swin_keras.layers.initialization import published_normal
from swin_keras.layers.map_size import map_spec
from swin_keras.layers.position_bias import mark_for_position


@keras.saving.register_keras_serializable(package="swin_keras")
class PositionEmbedding(keras.layers.Layer):
    """Add a learned vector to each token, by its place in the feature map.

    `(B, H, W, C) -> (B, H, W, C)`. Optional in Swin, and off in every published
    classifier: the paper's table 4 finds relative position bias better.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of the same shape.

    Reference:
        Liu et al., 2021, table 4: https://arxiv.org/abs/2103.14030
    """

    def build(self, input_shape):
        self.input_spec = map_spec(input_shape)
        self.embedding = self.add_weight(
            name="embedding",
            shape=(1, *input_shape[1:]),
            initializer=published_normal(),
        )
        mark_for_position(self)

    def call(self, inputs):
        return inputs + self.embedding

    def compute_output_shape(self, input_shape):
        return input_shape
