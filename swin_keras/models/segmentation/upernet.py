"""The head of UPerNet, and its auxiliary head."""

import keras

from swin_keras.layers import AdaptivePooling
from swin_keras.models.segmentation.convolution import (
    concatenate,
    convolution,
    resize_to,
)
from swin_keras.models.segmentation.head import SegmentationHead


def upernet_head(features, head: SegmentationHead):
    """Join feature maps by pyramid pooling and a feature pyramid.

    Args:
        features: Normalized feature maps, finest first, symbolic.
        head: Sizes of the head.

    Returns:
        Feature map `(B, H/4, W/4, channels)`.

    Reference:
        Xiao et al., 2018, section 3.1: https://arxiv.org/abs/1807.10221
    """
    *finer, coarsest = features
    maps = [
        convolution(x, head.width, 1, f"head_lateral_C{level}")
        for level, x in enumerate(finer, start=2)
    ]
    maps.append(_pyramid_pooling(coarsest, head))
    for index in reversed(range(len(finer))):  # from the coarsest down
        level = index + 2
        above = resize_to(maps[index + 1], maps[index], f"head_top_down_C{level}")
        maps[index] = keras.layers.Add(name=f"head_sum_C{level}")([maps[index], above])
    pyramid = [
        convolution(x, head.width, 3, f"head_pyramid_C{level}")
        for level, x in enumerate(maps[:-1], start=2)
    ]
    pyramid.append(maps[-1])
    pyramid = [
        resize_to(x, pyramid[0], f"head_resizing_C{level}")
        for level, x in enumerate(pyramid, start=2)
    ]
    x = concatenate(pyramid, "head_concatenation")
    return convolution(x, head.width, 3, "head_fusion")


def _pyramid_pooling(x, head):
    """Join a map with its means over ever smaller cells."""
    maps = [x]
    for number, size in enumerate(head.pool_sizes, start=1):
        name = f"head_pooling_{number}"
        means = AdaptivePooling(size, name=name)(x)
        means = convolution(means, head.width, 1, name)
        maps.append(resize_to(means, x, f"{name}_resizing"))
    x = concatenate(maps, "head_pooling_concatenation")
    return convolution(x, head.width, 3, "head_bottleneck")
