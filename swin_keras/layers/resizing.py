"""Bilinear resizing of a feature map."""

import keras
from keras import ops

from swin_keras.layers.map_size import as_pair, plain_size


@keras.saving.register_keras_serializable(package="swin_keras")
class BilinearResizing(keras.layers.Layer):
    """Resize a feature map bilinearly, centre of pixel to centre of pixel.

    `(B, H, W, C) -> (B, height, width, C)`; torch's `align_corners=False`.

    Keras has `Resizing` for images, `UpSampling2D` for whole factors. This one takes
    any size and keeps the precision that the model computes in.

    Args:
        size: Height and width of the result, `(height, width)` or one number.

    Call arguments:
        inputs: Feature map of shape `(B, H, W, C)`.

    Returns:
        Feature map of shape `(B, height, width, C)`.

    Raises:
        ValueError: If the size is not at least 1.
    """

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        if min(as_pair(size)) < 1:
            raise ValueError(f"`size` must be at least 1. Received: size={size}.")
        self.size = plain_size(size)

    def call(self, inputs):
        return resized(inputs, self.size)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *as_pair(self.size), input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def resized(x, size):
    """Resize a feature map `(B, H, W, C)` as `BilinearResizing` does."""
    size = as_pair(size)
    if tuple(x.shape[1:3]) == size:
        return x
    return ops.image.resize(
        x, size, interpolation="bilinear", data_format="channels_last"
    )
