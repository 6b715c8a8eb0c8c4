"""The two branches of a detector's head: what is asked at every point of a pyramid."""

from typing import NamedTuple

import keras
import numpy as np

from swin_keras.layers import EdgeDistances, LayerNormalization, StopGradient
from swin_keras.models.detection.head import DetectionHead
from swin_keras.models.inputs import exact_dtype

PRIOR = 0.01  # probability of every class at every point, before training
START = 4.0  # of distances, in strides: between those that a level is asked for


class Branch(NamedTuple):
    """What the one-to-many branch gives.

    Args:
        outputs: `{"scores": (B, P, classes), "boxes": (B, P, 4), "centerness":
            (B, P, 1)}`, level by level.
        towers: The last maps of both towers, `(class_map, box_map)` of each level.
    """

    outputs: dict
    towers: list[tuple]


def many_branch(levels, strides, classes: int, head: DetectionHead) -> Branch:
    """Ask every point for the object that it lies in, as FCOS does.

    Two towers of convolutions, one for classes and one for boxes, are shared by all
    levels; so are the convolutions that predict. Only the scale of the distances is
    each level's own.

    Args:
        levels: `{"P3": (B, H/8, W/8, channels), ...}`, symbolic.
        strides: Of each level.
        classes: Number of classes.
        head: The sizes.

    Reference:
        Tian et al., 2022: https://arxiv.org/abs/2006.09214
    """
    class_maps = _tower(levels.values(), head, head.convolutions, "head_many_class")
    box_maps = _tower(levels.values(), head, head.convolutions, "head_many_box")
    bias = -np.log((1 - PRIOR) / PRIOR)
    predict_class = _prediction(classes, "head_many_class_logits", bias)
    predict_box = _prediction(4, "head_many_box_edges", bias=START)
    predict_centerness = _prediction(1, "head_many_centerness_logits")
    edges = [
        EdgeDistances(stride, dtype=exact_dtype(), name=f"head_many_boxes_{level}")(
            predict_box(x)
        )
        for level, stride, x in zip(levels, strides, box_maps, strict=True)
    ]
    outputs = {
        "scores": _rows(map(predict_class, class_maps), levels, "head_many_scores"),
        "boxes": _joined(edges, "head_many_boxes"),
        "centerness": _rows(
            map(predict_centerness, box_maps), levels, "head_many_centerness"
        ),
    }
    return Branch(outputs, list(zip(class_maps, box_maps, strict=True)))


def one_scores(many: Branch, levels, classes: int, head: DetectionHead):
    """Let one point of each object stand alone: `(B, P, classes)` scores.

    Many points find an object, each with a box of its own; one more convolution, which
    sees what both towers say around a point, raises the score of the best and lowers
    the others'. It begins with the scores of the many. No gradient goes back to them.

    Args:
        many: The other branch.
        levels: As of `many_branch`.
        classes: Number of classes.
        head: The sizes.

    References:
        Zhou et al., 2021 (a selector of one point, whose gradient stops):
        https://arxiv.org/abs/2101.11782
    """
    maps = [
        StopGradient(name=f"head_one_stop_{level}")(
            keras.layers.Concatenate(name=f"head_one_towers_{level}")(towers)
        )
        for level, towers in zip(levels, many.towers, strict=True)
    ]
    maps = _tower(maps, head, 1, "head_one")
    change = _prediction(classes, "head_one_logits")
    change = _rows(map(change, maps), levels, "head_one_changes")
    dtype = exact_dtype()
    begun = StopGradient(dtype=dtype, name="head_one_stop")(many.outputs["scores"])
    return keras.layers.Add(dtype=dtype, name="head_one_scores")([begun, change])


def _tower(maps, head, convolutions, name) -> list:
    """Apply the same convolutions to all levels."""
    maps = list(maps)
    for number in range(1, convolutions + 1):
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


def _rows(maps, levels, name):
    """Return maps `(B, H, W, C)` of all levels as `(B, P, C)`."""
    rows = [
        keras.layers.Reshape(
            (-1, x.shape[-1]), dtype=exact_dtype(), name=f"{name}_{level}"
        )(x)
        for level, x in zip(levels, maps, strict=True)
    ]
    return _joined(rows, name)


def _joined(rows, name):
    return keras.layers.Concatenate(axis=1, dtype=exact_dtype(), name=name)(rows)
