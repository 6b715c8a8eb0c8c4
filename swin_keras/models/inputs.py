"""What a model takes: images, and what the model does to them first."""

import keras

from swin_keras.errors import UsageError
from swin_keras.imagenet import imagenet_scaling
from swin_keras.layers.precision import full_precision
from swin_keras.models.config import SwinConfig


def sized(config: SwinConfig, sizes: dict, input_tensor=None) -> SwinConfig:
    """Return a configuration with other sizes, and with the shape of the images.

    Args:
        config: What to change.
        sizes: Fields to change, by name.
        input_tensor: A Keras tensor to use as images, or `None`.

    Raises:
        UsageError: If the sizes cannot make a model, or the tensor has another shape
            than was asked for.
    """
    config = config.replace(**sizes)
    if input_tensor is None:
        return config
    shape = tuple(input_tensor.shape[1:])
    if "input_shape" in sizes and config.input_shape != shape:
        raise UsageError(
            "`input_shape` must be that of `input_tensor`, or be left out. "
            f"Received: {config.input_shape} and a tensor of {shape}."
        )
    return config.replace(input_shape=shape)


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
