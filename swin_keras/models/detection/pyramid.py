"""The feature pyramid: every level with the same channels, and what is above in it."""

import keras

from swin_keras.layers import NearestUpsampling
from swin_keras.layers.map_size import known_size


def feature_pyramid(features, channels: int, extra_levels: int) -> dict:
    """Apply a feature pyramid network; return its levels by name.

    A 1 x 1 convolution brings each map to the same channels; from the coarsest on,
    each is doubled in size and added to the next finer one; a 3 x 3 convolution
    smooths each sum. Extra levels halve the last one, as FCOS does it.

    Args:
        features: Maps of the backbone, symbolic, finest first, each half as high and
            wide as the one before: `{"C3": (B, H/8, W/8, 2C), ...}`.
        channels: Channels of each level.
        extra_levels: Levels beyond those of the backbone.

    Returns:
        `{"P3": (B, H/8, W/8, channels), "P4": ..., ...}`, finest first.

    Reference:
        Lin et al., 2017: https://arxiv.org/abs/1612.03144
        Tian et al., 2022, section 3.2: https://arxiv.org/abs/2006.09214
    """
    numbers = [int(name.removeprefix("C")) for name in features]
    merged, above = {}, None
    for number, feature in reversed(list(zip(numbers, features.values(), strict=True))):
        x = _convolution(channels, 1, f"head_pyramid_lateral_{number}")(feature)
        if above is not None:
            above = NearestUpsampling(
                known_size(x.shape), name=f"head_pyramid_upsampling_{number}"
            )(above)
            x = keras.layers.Add(name=f"head_pyramid_sum_{number}")([x, above])
        merged[number] = above = x

    levels = {
        f"P{number}": _convolution(channels, 3, f"head_pyramid_output_{number}")(
            merged[number]
        )
        for number in numbers
    }
    x = levels[f"P{numbers[-1]}"]
    for number in range(numbers[-1] + 1, numbers[-1] + 1 + extra_levels):
        if number > numbers[-1] + 1:
            x = keras.layers.ReLU(name=f"head_pyramid_relu_{number}")(x)
        levels[f"P{number}"] = x = _halved(x, channels, number)
    return levels


def _halved(x, channels, number):
    """Halve a map; its padding is that of torch, the same on all sides."""
    x = keras.layers.ZeroPadding2D(
        1, data_format="channels_last", name=f"head_pyramid_padding_{number}"
    )(x)
    return keras.layers.Conv2D(
        channels,
        3,
        strides=2,
        data_format="channels_last",
        name=f"head_pyramid_output_{number}",
    )(x)


def _convolution(channels, kernel_size, name):
    return keras.layers.Conv2D(
        channels, kernel_size, padding="same", data_format="channels_last", name=name
    )
