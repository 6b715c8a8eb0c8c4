"""The all-MLP head of SegFormer."""

import keras

from swin_keras.layers.initialization import make_initializer
from swin_keras.models.segmentation.convolution import (
    concatenate,
    convolution,
    resize_to,
)
from swin_keras.models.segmentation.head import SegmentationHead


def mlp_head(features, head: SegmentationHead):
    """Mix feature maps by linear layers alone.

    One linear layer gives each map the same channels, all are resized to the first,
    and another mixes them. No token looks at its neighbours: windows and stages have
    done so.

    Args:
        features: Normalized feature maps, finest first, symbolic.
        head: Sizes of the head.

    Returns:
        Feature map `(B, H/4, W/4, channels)`.

    Reference:
        Xie et al., 2021, section 3.2: https://arxiv.org/abs/2105.15203
    """
    finest = features[0]
    maps = []
    for level, x in enumerate(features, start=2):
        x = keras.layers.Dense(
            head.width,
            kernel_initializer=make_initializer(None),
            name=f"head_projection_C{level}",
        )(x)
        maps.append(resize_to(x, finest, f"head_resizing_C{level}"))
    x = concatenate(maps[::-1], "head_concatenation")  # coarsest first, as published
    return convolution(x, head.width, 1, "head_mixing")
