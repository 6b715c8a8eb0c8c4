"""The steps that convolutional heads are made of."""

import keras

from swin_keras.layers import BilinearResizing, SyncBatchNormalization


def convolution(x, channels: int, kernel_size: int, name: str):
    """Apply a convolution without bias, a batch normalization and a ReLU.

    `(B, H, W, C) -> (B, H, W, channels)`. Kernels begin as He and others propose for
    a ReLU, by the values that each input reaches.
    """
    x = keras.layers.Conv2D(
        channels,
        kernel_size,
        padding="same",
        use_bias=False,
        data_format="channels_last",
        kernel_initializer=for_relu(),
        name=f"{name}_conv",
    )(x)
    return normalized_relu(x, name)


def for_relu():
    """Return how kernels before a ReLU begin."""
    return keras.initializers.VarianceScaling(
        2.0, mode="fan_out", distribution="untruncated_normal"
    )


def normalized_relu(x, name: str):
    """Apply a batch normalization and a ReLU."""
    x = SyncBatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def resize_to(x, other, name: str):
    """Resize a feature map bilinearly to the height and width of another."""
    size = tuple(other.shape[1:3])
    return x if tuple(x.shape[1:3]) == size else BilinearResizing(size, name=name)(x)


def concatenate(maps, name: str):
    """Join the channels of feature maps of one height and width."""
    return keras.layers.Concatenate(axis=-1, name=name)(maps)
