"""Detectors: a Swin Transformer, a feature pyramid, and a head of two branches."""

import keras

from swin_keras.errors import UsageError
from swin_keras.layers import EdgeDistances, TopDetections
from swin_keras.models.backbone import feature_maps
from swin_keras.models.config import SwinConfig
from swin_keras.models.detection.branch import many_branch, one_scores
from swin_keras.models.detection.head import DetectionHead
from swin_keras.models.detection.pyramid import feature_pyramid
from swin_keras.models.inputs import exact_dtype, image_inputs
from swin_keras.models.layer_names import PATCH_EMBEDDING
from swin_keras.models.words import check_classes


def detection_model(
    config: SwinConfig,
    head: DetectionHead,
    include_preprocessing=True,
    input_tensor=None,
    classes=80,
    name="swin_detector",
):
    """Build a detector: FCOS, and scores that need no suppression of overlaps.

    `(B, H, W, channels)` to, at each of the `P` points of `points_of`, `boxes
    (B, P, 4)` and

    - `many_scores (B, P, classes)`, `centerness (B, P, 1)`;
    - `one_scores (B, P, classes)`.

    Args:
        config: The backbone's.
        head: The sizes of what is on it.
        include_preprocessing: See `SwinDetector`.
        input_tensor: See `SwinDetector`.
        classes: Number of classes; there is none for the background.
        name: Name of the model.

    Returns:
        A functional `keras.Model` with a dictionary as output.

    Raises:
        UsageError: If the sizes make no detector.
    """
    classes = check_classes(classes)
    check_detector(config, head)
    inputs, x, config = image_inputs(config, input_tensor, include_preprocessing)
    maps = list(feature_maps(x, config, include_norms=True).items())
    maps = dict(maps[head.first_stage - 1 :])
    levels = feature_pyramid(maps, head.channels, head.extra_levels)
    strides = strides_of(config, head)
    many = many_branch(levels, strides, classes, head)
    outputs = {
        "many_scores": many.outputs["scores"],
        "boxes": many.outputs["boxes"],
        "centerness": many.outputs["centerness"],
        "one_scores": one_scores(many, levels, classes, head),
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

    Only the scores of one point for each object stay, with their boxes.

    Args:
        model: What `SwinDetector` returned; one that ends so already is returned as
            it is.
        max_detections: See `TopDetections`.
        score_threshold: See `TopDetections`.

    Returns:
        A functional `keras.Model` from the same images to `{"boxes", "classes",
        "scores", "count"}`, with the same weights.
    """
    if isinstance(model.layers[-1], TopDetections):
        return model
    # Of the images that the stages see: what a model takes may be resized first.
    images = model.get_layer(PATCH_EMBEDDING).input
    detections = TopDetections(
        tuple(images.shape[1:3]),
        model_strides(model),
        max_detections,
        score_threshold,
        dtype=exact_dtype(),
        name="head_detections",
    )((model.output["one_scores"], model.output["boxes"]))
    return keras.Model(model.input, detections, name=model.name)


def without_detections(model):
    """Return a detector that ends in logits: what `end_in_detections` began with.

    Args:
        model: What `end_in_detections` returned; another is returned as it is.

    Returns:
        A functional `keras.Model` to `{"one_scores", "boxes"}`.
    """
    last = model.layers[-1]
    if not isinstance(last, TopDetections):
        return model
    scores, boxes = last.input
    outputs = {"one_scores": scores, "boxes": boxes}
    return keras.Model(model.input, outputs, name=model.name)


def check_detector(config, head):
    """Refuse a head that does not go with a backbone.

    Raises:
        UsageError: That says why.
    """
    if head.first_stage > len(config.depths):
        raise UsageError(
            "The pyramid must begin at a stage that the backbone has. Received: "
            f"first_stage={head.first_stage} for {len(config.depths)} stages."
        )
