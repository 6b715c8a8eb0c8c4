"""What a model takes: images, and what the model does to them first."""

import keras

from swin_keras.imagenet import imagenet_scaling
from swin_keras.layers.precision import full_precision
from swin_keras.models.config import SwinConfig


def image_inputs(config: SwinConfig, input_tensor=None, include_preprocessing=True):
    """Begin a model.

    Args:
        config: The sizes of the model.
        input_tensor: A Keras tensor to use as images instead of a new input.
        include_preprocessing: Whether the model normalizes the images itself.

    Returns:
        `(inputs, x, config)`: what the model takes, the normalized images
        `(B, H, W, channels)`, and the configuration with their shape.
    """
    if input_tensor is None:
        inputs = x = keras.Input(config.input_shape, name="images")
    else:
        x = input_tensor
        inputs = keras.utils.get_source_inputs(x)
        inputs = inputs[0] if len(inputs) == 1 else inputs
        config = config.replace(input_shape=tuple(x.shape[1:]))
    return inputs, normalize(x) if include_preprocessing else x, config


def normalize(images):
    """Subtract ImageNet's mean and divide by its standard deviation, per channel.

    `(B, H, W, channels)`, 0..255, to the same shape. Images that are not RGB
    take the average over the three channels for each of theirs.
    """
    mean, std = imagenet_scaling(images.shape[-1])
    variance = [value**2 for value in std]
    return keras.layers.Normalization(
        mean=mean, variance=variance, dtype=exact_dtype(), name="preprocessing"
    )(images)


def exact_dtype():
    """Return the dtype of what is exact under any policy: pixels and scores."""
    return full_precision(keras.config.dtype_policy().compute_dtype)
