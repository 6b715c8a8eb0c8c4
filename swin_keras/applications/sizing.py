"""The sizes that a model is asked to have: its variant's, and what is changed."""

import dataclasses
import inspect

from swin_keras.models.config import SwinConfig
from swin_keras.models.inputs import sized
from swin_keras.models.words import check_weights, check_words


def sized_config(
    config: SwinConfig, sizes: dict, input_shape, input_tensor, weights, function
) -> SwinConfig:
    """Return a configuration with the sizes that were given to a model function.

    Args:
        config: That of the variant.
        sizes: Fields to change, by name.
        input_shape: `(height, width, channels)`, or `None`.
        input_tensor: What is to be used as images, or `None`.
        weights: What weights were asked for; see `check_weights`.
        function: What was called, whose own arguments may have been misspelt.

    Raises:
        UsageError: If a name, a size or the weights cannot be, or the tensor has
            another shape than was asked for.
    """
    names = [field.name for field in dataclasses.fields(config)]
    check_words(sizes, names, arguments=inspect.signature(function).parameters)
    check_weights(weights)
    if input_shape is not None:
        sizes = {**sizes, "input_shape": input_shape}
    return sized(config, sizes, input_tensor)
