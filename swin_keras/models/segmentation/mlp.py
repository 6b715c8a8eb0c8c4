"""The all-MLP head of SegFormer."""

import keras

from swin_keras.layers import MapMixing
from swin_keras.layers.initialization import make_initializer
from swin_keras.models.segmentation.convolution import for_relu, normalized_relu
from swin_keras.models.segmentation.head import SegmentationHead


def mlp_head(features, head: SegmentationHead):
    """Mix feature maps by linear layers alone.

    One linear layer gives each map the same channels, and another mixes them all,
    resized to the first. No token looks at its neighbours: windows and stages have
    done so.

    Args:
        features: Normalized feature maps, finest first, symbolic.
        head: Sizes of the head.

    Returns:
        Feature map `(B, H/4, W/4, channels)`.

    Reference:
        Xie et al., 2021, section 3.2: https://arxiv.org/abs/2105.15203
    """
    maps = []
    for level, x in enumerate(features, start=2):
        x = keras.layers.Dense(
            head.width,
            kernel_initializer=make_initializer(None),
            name=f"head_projection_C{level}",
        )(x)
        maps.append(x)
    x = MapMixing(
        head.width,
        tuple(features[0].shape[1:3]),
        kernel_initializer=for_relu(),
        name="head_mixing_conv",
    )(maps[::-1])  # coarsest first, as published
    return normalized_relu(x, "head_mixing")
