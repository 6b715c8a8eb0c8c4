"""One branch of a detector's head: what is asked at every point of a pyramid."""

import keras
import numpy as np

from swin_keras.layers import EdgeDistances, LayerNormalization
from swin_keras.models.detection.head import DetectionHead
from swin_keras.models.inputs import exact_dtype

PRIOR = 0.01  # probability of every class at every point, before training
START = 4.0  # of distances, in strides: between those that a level is asked for


def detection_branch(
    levels, strides, classes: int, head: DetectionHead, name: str, has_centerness=False
) -> dict:
    """Apply one branch of a detector's head to all levels of a pyramid.

    Two towers of convolutions, one for classes and one for boxes, are shared by all
    levels; so are the convolutions that predict. Only the scale of the distances is
    each level's own.

    Args:
        levels: `{"P3": (B, H/8, W/8, channels), ...}`, symbolic.
        strides: Of each level.
        classes: Number of classes.
        head: The sizes.
        name: What the names of its layers begin with.
        has_centerness: Whether centerness is predicted, from the tower of boxes.

    Returns:
        `{"scores": (B, P, classes), "boxes": (B, P, 4)}` and, if asked for,
        `"centerness": (B, P, 1)`, level by level.
    """
    class_maps = _tower(levels.values(), head, f"{name}_class")
    box_maps = _tower(levels.values(), head, f"{name}_box")
    predict_class = _prediction(
        classes, f"{name}_class_logits", bias=-np.log((1 - PRIOR) / PRIOR)
    )
    predict_box = _prediction(4, f"{name}_box_edges", bias=START)
    dtype = exact_dtype()
    parts = {
        "scores": [
            keras.layers.Reshape((-1, classes), dtype=dtype, name=f"{name}_scores_{p}")(
                predict_class(x)
            )
            for p, x in zip(levels, class_maps, strict=True)
        ],
        "boxes": [
            EdgeDistances(stride, dtype=dtype, name=f"{name}_boxes_{p}")(predict_box(x))
            for p, stride, x in zip(levels, strides, box_maps, strict=True)
        ],
    }
    if has_centerness:
        predict_centerness = _prediction(1, f"{name}_centerness_logits")
        parts["centerness"] = [
            keras.layers.Reshape((-1, 1), dtype=dtype, name=f"{name}_centerness_{p}")(
                predict_centerness(x)
            )
            for p, x in zip(levels, box_maps, strict=True)
        ]
    return {
        part: keras.layers.Concatenate(axis=1, dtype=dtype, name=f"{name}_{part}")(maps)
        for part, maps in parts.items()
    }


def _tower(maps, head, name) -> list:
    """Apply the same convolutions to all levels."""
    maps = list(maps)
    for number in range(1, head.convolutions + 1):
        convolution = keras.layers.Conv2D(
            head.channels,
            3,
            padding="same",
            use_bias=head.norm == "none",
            data_format="channels_last",
            name=f"{name}_convolution_{number}",
        )
        steps = [convolution, keras.layers.ReLU(name=f"{name}_relu_{number}")]
        if head.norm == "layer":
            norm = LayerNormalization(name=f"{name}_norm_{number}")
            steps.insert(1, norm)
        for step in steps:
            maps = [step(x) for x in maps]
    return maps


def _prediction(channels, name, bias=0.0):
    return keras.layers.Conv2D(
        channels,
        3,
        padding="same",
        kernel_initializer=keras.initializers.RandomNormal(stddev=0.01),
        bias_initializer=keras.initializers.Constant(bias),
        data_format="channels_last",
        name=name,
    )
