"""What a detector's outputs say of a picture, in its own pixels."""

import dataclasses

import numpy as np

from swin_keras.data.boxes import boxes_in_picture, whole_picture
from swin_keras.errors import UsageError
from swin_keras.scores.detection_result import FoundObjects

MAX_DETECTIONS = 100  # boxes of an input
FINAL = {"boxes", "classes", "scores", "count"}


def head_of(name, sizes):
    """Return a named `DetectionHead`, with some sizes changed.

    Raises:
        UsageError: If there is none of this name.
    """
    from swin_keras.models import DETECTION_HEADS

    name = name or "light"
    if name not in DETECTION_HEADS:
        raise UsageError(
            f"A detector's head must be one of {', '.join(DETECTION_HEADS)}. "
            f"Received: {name!r}."
        )
    return dataclasses.replace(DETECTION_HEADS[name], **sizes or {})


def found_in(outputs, predictor, size):
    """Return what both branches found in a picture, in its own pixels.

    Args:
        outputs: The model's for one picture, raw or final, by name.
        predictor: The `Predictor` of the model.
        size: `(height, width)` of the picture.

    Returns:
        `FoundObjects` of the branch that is exported, and of the other one, or `None`
        where the model has only the first.
    """
    whole = whole_picture(
        size[::-1], predictor.input_shape[:2], letter_box=predictor.letter_box
    )
    return found_through(outputs, predictor, whole)


def found_through(outputs, predictor, geometry):
    """Return what `found_in` does, where a geometry made the input of the picture."""
    height, width = predictor.input_shape[:2]
    if outputs.keys() == FINAL:
        count = round(float(outputs["count"]))
        top, left, bottom, right = outputs["boxes"][:count].T
        boxes = np.stack([left, top, right, bottom], axis=1)
        boxes = boxes_in_picture(boxes * np.tile((width, height), 2), geometry)
        classes = outputs["classes"][:count].round().astype(int)
        return _in_picture(boxes, classes, outputs["scores"][:count]), None
    # A run's model, which only Keras runs: exported files have no raw outputs.
    from swin_keras.detection.decoding import best_points, suppress_overlaps
    from swin_keras.models import strides_of
    from swin_keras.models.config import config_from_dict

    card = predictor.card
    head = head_of(card.train.get("head"), card.train.get("head_sizes"))
    strides = strides_of(config_from_dict(card.model), head)
    many = suppress_overlaps(
        outputs["many_scores"],
        outputs["boxes"],
        outputs["centerness"],
        predictor.input_shape,
        strides,
        max_detections=MAX_DETECTIONS,
    )
    one = best_points(
        outputs["one_scores"], outputs["boxes"], predictor.input_shape, strides
    )
    return tuple(
        _in_picture(
            boxes_in_picture(found.boxes, geometry), found.classes, found.scores
        )
        for found in (one, many)
    )


def _in_picture(boxes, classes, scores):
    """Leave out what lies wholly in the black beyond a picture: it has no area."""
    is_in = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    return FoundObjects(boxes[is_in], classes[is_in], scores[is_in])
