"""From a detector's outputs to boxes, where each object is found many times."""

from dataclasses import dataclass

import numpy as np

from swin_keras.layers.points import level_sizes, points_of


@dataclass(frozen=True, eq=False)
class Detections:
    """Objects found in a picture, the most certain first.

    Args:
        boxes: `(N, 4)` float32, x1, y1, x2, y2 in pixels.
        classes: `(N,)` int32.
        scores: `(N,)` float32, 0 to 1.
        points: `(N,)`, which of the model's points found each.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    points: np.ndarray


def suppress_overlaps(
    scores,
    distances,
    centerness,
    input_shape,
    strides,
    *,
    score_threshold=0.05,
    overlap_threshold=0.6,
    candidates=1000,
    max_detections=100,
) -> Detections:
    """Read the one-to-many branch for one picture.

    The score is the geometric mean of the class's probability and the centerness.
    Of each level the best candidates are kept, and of each class no two boxes
    that overlap more than `overlap_threshold`.

    Args:
        scores: `many_scores` of one picture: logits `(P, K)`.
        distances: `boxes` of one picture: `(P, 4)`.
        centerness: `centerness` of one picture: logits `(P, 1)`.
        input_shape: `(height, width, ...)` of the model's input.
        strides: Of each level; see `strides_of`.
        score_threshold: Score above which a box is a candidate.
        overlap_threshold: Intersection over union above which the less certain
            of two boxes goes.
        candidates: Boxes of a level, at most, before.
        max_detections: Boxes, at most, after.

    Returns:
        Boxes inside the picture, in pixels of the model's input.
    """
    height, width = input_shape[:2]
    points, _ = points_of(input_shape, strides)
    boxes = np.concatenate(
        [points - distances[:, :2], points + distances[:, 2:]], axis=-1
    )
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype("float32")
    sure = np.sqrt(_sigmoid(scores) * _sigmoid(centerness))  # (P, K)

    found, end = [], 0
    for rows, columns in level_sizes(input_shape, strides):
        start, end = end, end + rows * columns
        places, classes = np.nonzero(sure[start:end] > score_threshold)
        best = _descending(sure[start + places, classes])[:candidates]
        found.append((start + places[best], classes[best]))
    places, classes = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = _descending(sure[places, classes])
    places, classes = places[order], classes[order]
    kept = keep_apart(boxes[places], classes, overlap_threshold, max_detections)
    places, classes = places[kept], classes[kept]
    return Detections(
        boxes[places], classes.astype("int32"), sure[places, classes], places
    )


def best_points(
    scores,
    distances,
    input_shape,
    strides,
    *,
    score_threshold=0.05,
    max_detections=100,
) -> Detections:
    """Read the one-to-one branch for one picture.

    What `TopDetections` does in an exported model.

    Args:
        scores: `one_scores` of one picture: logits `(P, K)`.
        distances: `boxes` of one picture: `(P, 4)`.
        input_shape: `(height, width, ...)` of the model's input.
        strides: Of each level; see `strides_of`.
        score_threshold: Score above which a box counts.
        max_detections: Boxes, at most.

    Returns:
        Boxes inside the picture, in pixels of the model's input.
    """
    height, width = input_shape[:2]
    points, _ = points_of(input_shape, strides)
    sure = _sigmoid(scores)
    places, classes = np.nonzero(sure > score_threshold)
    order = _descending(sure[places, classes])[:max_detections]
    places, classes = places[order], classes[order]
    boxes = np.concatenate(
        [points - distances[:, :2], points + distances[:, 2:]], axis=-1
    )[places]
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype("float32")
    return Detections(boxes, classes.astype("int32"), sure[places, classes], places)


def keep_apart(boxes, classes, overlap_threshold, most) -> np.ndarray:
    """Return the numbers of boxes that overlap no better one of their class.

    Args:
        boxes: `(N, 4)`, the best first.
        classes: `(N,)`.
        overlap_threshold: Intersection over union that two boxes may have.
        most: How many to return, at most.
    """
    x1, y1, x2, y2 = boxes.T
    areas = (x2 - x1) * (y2 - y1)
    left, kept = np.arange(len(boxes)), []
    while len(left) and len(kept) < most:
        first, rest = left[0], left[1:]
        kept.append(first)
        across = np.minimum(x2[first], x2[rest]) - np.maximum(x1[first], x1[rest])
        down = np.minimum(y2[first], y2[rest]) - np.maximum(y1[first], y1[rest])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        union = areas[first] + areas[rest] - shared
        is_double = (classes[rest] == classes[first]) & (
            shared > overlap_threshold * union
        )
        left = rest[~is_double]
    return np.array(kept, int)


def _descending(values):
    return np.argsort(-values, kind="stable")


def _sigmoid(logits):
    logits = np.asarray(logits, "float32")
    return np.exp(-np.logaddexp(0, -logits))
