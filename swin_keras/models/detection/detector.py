"""Detectors: a Swin Transformer, a feature pyramid, and two heads on it."""

import dataclasses
import inspect

import keras
import numpy as np

from swin_keras.errors import UsageError
from swin_keras.layers import EdgeDistances, StopGradient, TopDetections
from swin_keras.models.backbone import feature_maps
from swin_keras.models.config import SwinConfig
from swin_keras.models.detection.branch import detection_branch
from swin_keras.models.detection.head import DetectionHead, as_detection_head
from swin_keras.models.detection.pyramid import feature_pyramid
from swin_keras.models.inputs import exact_dtype, image_inputs
from swin_keras.models.variants import as_config
from swin_keras.models.words import check_words


def SwinDetector(
    config: SwinConfig | str | None = None,
    classes=80,
    input_shape=None,
    head: DetectionHead | str = "light",
    include_preprocessing=True,
    input_tensor=None,
    name="swin_detector",
    **sizes,
):
    """Build a detector: FCOS, and beside it a head that needs no suppression.

    `(B, H, W, channels)` images, 0..255, to, at each of the `P` points of
    `points_of`:

    - `many_scores (B, P, classes)`, `many_boxes (B, P, 4)`, `centerness (B, P, 1)`:
      the branch that learns from many points of each object, which
      `suppress_overlaps` reads;
    - `one_scores (B, P, classes)`, `one_boxes (B, P, 4)`: the branch that learns from
      one point of each object, which `TopDetections` reads. It learns from the
      pyramid and does not change it.

    Scores and centerness are logits. Boxes are distances left, top, right, bottom of
    the point, in pixels.

    Args:
        config: A `SwinConfig` or `SwinV2Config`, or the name of a variant; `None` is
            Swin-T.
        classes: Number of classes; there is none for the background.
        input_shape: `(height, width, channels)`; `None` is the variant's own.
        head: `"light"`, `"full"`, or a `DetectionHead`.
        include_preprocessing: Whether the model itself subtracts the mean and
            divides by the standard deviation, so that it takes images as they
            are read: 0..255.
        input_tensor: A Keras tensor to use as images instead of a new input.
        name: Name of the model.
        **sizes: Fields of `SwinConfig` to change, such as `drop_path_rate`.

    Returns:
        A functional `keras.Model` with a dictionary as output.

    Raises:
        UsageError: If an argument cannot work; the message says what must hold.

    Example:

    >>> model = SwinDetector("swin_nano", classes=2, input_shape=(64, 64, 3))
    >>> tuple(model.output["many_scores"].shape), tuple(model.output["one_boxes"].shape)
    ((None, 340, 2), (None, 340, 4))

    Reference:
        Tian et al., 2022 (FCOS): https://arxiv.org/abs/2006.09214
        Wang et al., 2021 (one point for each object): https://arxiv.org/abs/2012.03544
    """
    config = as_config(config)
    names = [field.name for field in dataclasses.fields(config)]
    check_words(sizes, names, arguments=inspect.signature(SwinDetector).parameters)
    head = as_detection_head(head)
    if not isinstance(classes, int | np.integer) or classes < 1:
        raise UsageError(
            f"`classes` must be a whole number, at least 1. Received: {classes!r}."
        )
    if head.first_stage > len(config.replace(**sizes).depths):
        raise UsageError(
            "The pyramid must begin at a stage that the backbone has. Received: "
            f"first_stage={head.first_stage} for {len(config.depths)} stages."
        )
    if input_shape is not None:
        sizes["input_shape"] = input_shape
    config = config.replace(**sizes)
    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    maps = list(feature_maps(x, config, include_norms=True).items())
    maps = dict(maps[head.first_stage - 1 :])
    levels = feature_pyramid(maps, head.channels, head.extra_levels)
    strides = strides_of(config, head)
    many = detection_branch(
        levels, strides, classes, head, "head_many", has_centerness=True
    )
    fixed = {
        name: StopGradient(name=f"head_one_stop_{name.lower()}")(level)
        for name, level in levels.items()
    }
    one = detection_branch(fixed, strides, classes, head, "head_one")
    outputs = {
        "many_scores": many["scores"],
        "many_boxes": many["boxes"],
        "centerness": many["centerness"],
        "one_scores": one["scores"],
        "one_boxes": one["boxes"],
    }
    return keras.Model(inputs, outputs, name=name)


def strides_of(config: SwinConfig, head: DetectionHead) -> tuple[int, ...]:
    """Return the stride of each level of a detector's pyramid, in pixels.

    >>> strides_of(SwinConfig(), DetectionHead())
    (8, 16, 32, 64, 128)
    """
    levels = range(head.first_stage - 1, len(config.depths) + head.extra_levels)
    return tuple(config.patch_size * 2**level for level in levels)


def model_strides(model) -> tuple[int, ...]:
    """Return the stride of each level of a detector, as its layers tell it.

    Args:
        model: What `SwinDetector` returned, or a file of it that was loaded.
    """
    levels = [layer for layer in model.layers if isinstance(layer, EdgeDistances)]
    return tuple(sorted({layer.stride for layer in levels}))


def end_in_detections(model, max_detections=100, score_threshold=0.05):
    """Let a detector end in boxes: the model for phones.

    Only the branch of one point for each object stays.

    Args:
        model: What `SwinDetector` returned.
        max_detections: See `TopDetections`.
        score_threshold: See `TopDetections`.

    Returns:
        A functional `keras.Model` from the same images to `{"boxes", "classes",
        "scores", "count"}`, with the same weights.
    """
    detections = TopDetections(
        tuple(model.inputs[0].shape[1:3]),
        model_strides(model),
        max_detections,
        score_threshold,
        dtype=exact_dtype(),
        name="head_detections",
    )((model.output["one_scores"], model.output["one_boxes"]))
    return keras.Model(model.input, detections, name=model.name)
