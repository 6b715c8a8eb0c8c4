"""Boxes and distances: areas, overlaps, and from one to the other."""

from keras import ops

EPSILON = 1e-7  # of an area, in square pixels: what is divided by is never 0


def boxes_at(points, distances):
    """Return the boxes whose edges lie at distances of points.

    Args:
        points: `(P, 2)`, x and y.
        distances: `(..., P, 4)`, left, top, right, bottom.

    Returns:
        Boxes `(..., P, 4)`.
    """
    start = points - distances[..., :2]
    return ops.concatenate([start, points + distances[..., 2:]], axis=-1)


def distances_to(points, boxes):
    """Return left, top, right, bottom of each point in its box; see `boxes_at`."""
    start = points - boxes[..., :2]
    return ops.concatenate([start, boxes[..., 2:] - points], axis=-1)


def areas(boxes):
    """Return the areas of boxes: `(..., 4)` to `(...)`; 0 for those turned around."""
    width = ops.maximum(boxes[..., 2] - boxes[..., 0], 0.0)
    return width * ops.maximum(boxes[..., 3] - boxes[..., 1], 0.0)


def overlaps(boxes, others):
    """Return intersection over union of boxes: `(..., 4)`, `(..., 4)` to `(...)`."""
    shared = _shared_area(boxes, others)
    return shared / (areas(boxes) + areas(others) - shared + EPSILON)


def generalized_overlaps(boxes, others):
    """Return generalized intersection over union, from -1 to 1, in pairs.

    `(..., 4)`, `(..., 4)` to `(...)`. For boxes apart it tells how far.

    Reference:
        Rezatofighi et al., 2019: https://arxiv.org/abs/1902.09630
    """
    shared = _shared_area(boxes, others)
    union = areas(boxes) + areas(others) - shared
    start = ops.minimum(boxes[..., :2], others[..., :2])
    end = ops.maximum(boxes[..., 2:], others[..., 2:])
    around = areas(ops.concatenate([start, end], axis=-1))
    return shared / (union + EPSILON) - (around - union) / (around + EPSILON)


def _shared_area(boxes, others):
    """Return the area that two boxes share.

    Side by side, so that all pairs of many boxes need no fourth axis.
    """
    width = ops.minimum(boxes[..., 2], others[..., 2]) - ops.maximum(
        boxes[..., 0], others[..., 0]
    )
    height = ops.minimum(boxes[..., 3], others[..., 3]) - ops.maximum(
        boxes[..., 1], others[..., 1]
    )
    return ops.maximum(width, 0.0) * ops.maximum(height, 0.0)
