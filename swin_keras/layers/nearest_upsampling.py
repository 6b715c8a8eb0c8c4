"""Nearest upsampling by two, in operations that every runtime has."""

import keras
from keras import ops

from swin_keras.layers.map_size import map_spec, plain_size


@keras.saving.register_keras_serializable(package="swin_keras")
class NearestUpsampling(keras.layers.Layer):
    """Write each token twice as high and wide; crop to a size.

    `(B, H, W, C) -> (B, height, width, C)`, where height and width are twice `H`
    and `W`, or one less: what halving rounded up is undone.

    Keras' own `UpSampling2D` becomes tensors of five axes in LiteRT, and a nearest
    resize is not delegated; copies put in their places by `depth_to_space` are.

    Args:
        size: `(height, width)` of the result.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of shape `(B, height, width, C)`.

    Raises:
        ValueError: If the size is not twice the input's, or one less.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = plain_size(size)

    def build(self, input_shape):
        self.input_spec = map_spec(input_shape)
        sides = zip(input_shape[1:3], self.size, strict=True)
        if any(new not in (2 * old - 1, 2 * old) for old, new in sides):
            raise ValueError(
                "`size` must be twice the height and width of the feature map, or one "
                f"less. Received: size={self.size}, input_shape={tuple(input_shape)}."
            )

    def call(self, inputs):
        height, width = self.size
        x = ops.concatenate([inputs] * 4, axis=-1)
        x = ops.depth_to_space(x, 2, data_format="channels_last")
        is_whole = tuple(x.shape[1:3]) == (height, width)
        return x if is_whole else x[:, :height, :width]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.size, input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}
