"""What a detector's outputs cost: sums and the counts to divide them by.

Sums and counts are apart, so that both can be added over replicas and parts of a
batch before one is divided by the other: then several devices equal one.
"""

from keras import ops

from swin_keras.detection.assignment import (
    BACKGROUND,
    RADIUS,
    REACH,
    assign_many,
    assign_one,
)
from swin_keras.detection.boxes import boxes_at, distances_to, generalized_overlaps


def detection_loss(outputs, boxes, points, strides, radius=RADIUS, reach=REACH) -> dict:
    """Return the parts of a detector's loss, each as a sum and a count.

    Args:
        outputs: What `SwinDetector` gives: a dictionary of `many_scores`, `boxes`,
            `centerness` and `one_scores`.
        boxes: `(B, M, 5)`, x1, y1, x2, y2 in pixels and the class; class -1 is
            padding, and -2 or less a crowd, whose points are not background either.
            M is at least 1.
        points: `(P, 2)`; see `points_of`.
        strides: `(P,)`.
        radius: See `assign_many`.
        reach: See `assign_many`.

    Returns:
        `{part: (sum, count)}`, scalars, for the same names as the outputs. The
        counts are those of points with an object; for `boxes`, whose points
        count as much as they are central, the sum of their centerness.
    """
    outputs = {name: ops.cast(part, "float32") for name, part in outputs.items()}
    boxes = ops.cast(boxes, "float32")

    many = assign_many(boxes, points, strides, radius, reach)
    own = _own_boxes(many, boxes, points)
    weights = ops.where(many >= 0, centerness_of(points, own), 0.0)
    distant = 1 - generalized_overlaps(boxes_at(points, outputs["boxes"]), own)
    centerness = binary_crossentropy(outputs["centerness"][..., 0], weights)

    one = assign_one(
        boxes, points, strides, outputs["one_scores"], outputs["boxes"], radius
    )
    scores = {
        name: _score_losses(outputs[name], matched, boxes)
        for name, matched in (("many_scores", many), ("one_scores", one))
    }
    return {
        "many_scores": (ops.sum(scores["many_scores"]), _count(many)),
        "boxes": (
            ops.sum(ops.where(many >= 0, distant * weights, 0.0)),
            ops.sum(weights),
        ),
        "centerness": (
            ops.sum(ops.where(many >= 0, centerness, 0.0)),
            _count(many),
        ),
        "one_scores": (ops.sum(scores["one_scores"]), _count(one)),
    }


def total_loss(parts, weights=None):
    """Add the parts of a loss, each divided by its count.

    A count below 1 is taken for 1: pictures without objects have a loss.

    Args:
        parts: What `detection_loss` returns, added over replicas.
        weights: How much each part counts, by name; 1 for those not named.
    """
    weights = weights or {}
    return sum(
        weights.get(name, 1.0) * loss / ops.maximum(count, 1.0)
        for name, (loss, count) in parts.items()
    )


def focal_loss(logits, targets, alpha=0.25, gamma=2.0):
    """Return the focal loss of each logit, `(...)`; targets are 0 or 1.

    Reference:
        Lin et al., 2017: https://arxiv.org/abs/1708.02002
    """
    chance = ops.sigmoid(logits)
    missing = targets * (1 - chance) + (1 - targets) * chance
    weight = targets * alpha + (1 - targets) * (1 - alpha)
    return weight * missing**gamma * binary_crossentropy(logits, targets)


def binary_crossentropy(logits, targets):
    """Return the cross-entropy of each logit with a probability, `(...)`."""
    return (
        ops.maximum(logits, 0.0)
        - logits * targets
        + ops.log1p(ops.exp(-ops.abs(logits)))
    )


def centerness_of(points, boxes):
    """Return how central points are in their boxes, from 0 to 1.

    Args:
        points: `(P, 2)`.
        boxes: `(B, P, 4)`, the box of each point.

    Returns:
        `(B, P)`: the geometric mean of how even left and right are, and top and
        bottom; 0 outside.
    """
    left, top, right, bottom = (
        ops.maximum(side[..., 0], 0.0)
        for side in ops.split(distances_to(points, boxes), 4, axis=-1)
    )
    across = ops.minimum(left, right) / ops.maximum(ops.maximum(left, right), 1e-6)
    down = ops.minimum(top, bottom) / ops.maximum(ops.maximum(top, bottom), 1e-6)
    return ops.sqrt(across * down)


def _score_losses(logits, matched, boxes):
    """Return the focal loss at each point, all classes together: `(B, P)`."""
    own = ops.take_along_axis(boxes, ops.maximum(matched, 0)[..., None], axis=1)
    numbers = ops.arange(logits.shape[-1], dtype="float32")
    is_class = (matched >= 0)[..., None] & (own[..., 4:] == numbers)
    losses = ops.sum(focal_loss(logits, ops.cast(is_class, "float32")), axis=-1)
    return ops.where(matched >= BACKGROUND, losses, 0.0)


def _own_boxes(matched, boxes, points):
    """Return the box of each point's object, `(B, P, 4)`.

    One around the point where there is none: no loss there is infinite.
    """
    own = ops.take_along_axis(boxes, ops.maximum(matched, 0)[..., None], axis=1)
    around = ops.concatenate([points - 1, points + 1], axis=-1)
    return ops.where((matched >= 0)[..., None], own[..., :4], around)


def _count(matched):
    return ops.sum(ops.cast(matched >= 0, "float32"))
