"""Which point of the pyramid answers for which object.

Both branches get the same answer: for each point the number of its box, or
`BACKGROUND`, or `IGNORED` for a point inside a crowd, which teaches nothing.
"""

from keras import ops

from swin_keras.detection.boxes import areas, boxes_at, overlaps

PADDING, CROWD = -1, -2  # instead of a class: no object; a crowd, and less
BACKGROUND, IGNORED = -1, -2  # instead of the number of a box

RADIUS = 1.5  # of the centre of an object, in strides
REACH = 8.0  # the longest distance that a level is asked for, in strides


def assign_many(boxes, points, strides, radius=RADIUS, reach=REACH):
    """Give each object the points near its centre, on the level of its size.

    A point belongs to an object if it lies inside its box, less than `radius`
    strides from its centre in x and y, and its longest distance to an edge is one
    that its level is asked for: at least half of `reach` strides and below `reach`;
    the first level takes all below and the last all above. Among several objects
    the smallest has it, then the first.

    Args:
        boxes: `(B, M, 5)`, x1, y1, x2, y2, class; M is at least 1.
        points: `(P, 2)`; see `points_of`.
        strides: `(P,)`.
        radius: Half of a centre's side, in strides.
        reach: Where a level ends, in its strides.

    Returns:
        `(B, P)` integers: numbers of boxes, `BACKGROUND` or `IGNORED`.

    Reference:
        Tian et al., 2022, section 3.2: https://arxiv.org/abs/2006.09214
    """
    left, top, right, bottom = _edges(boxes, points)
    longest = ops.maximum(ops.maximum(left, right), ops.maximum(top, bottom))
    low = ops.where(strides == strides.min(), 0.0, strides * (reach / 2))
    high = ops.where(strides == strides.max(), float("inf"), strides * reach)
    belongs = (
        _is_central(boxes, points, strides, radius)
        & (longest >= low[:, None])
        & (longest < high[:, None])
    )
    sizes = ops.where(belongs, areas(boxes)[:, None], float("inf"))  # (B, P, M)
    smallest = ops.cast(ops.argmin(sizes, axis=-1), "int32")
    return _with_rest(
        ops.where(ops.any(belongs, axis=-1), smallest, BACKGROUND), boxes, points
    )


def assign_one(
    boxes,
    points,
    strides,
    scores,
    distances,
    radius=RADIUS,
    score_power=0.2,
    overlap_power=0.8,
):
    """Give each object one point: the one that already finds it best.

    How well is `score**score_power * overlap**overlap_power`, of the probability of
    the object's class and the intersection of the predicted box with its own over
    their union. Only points inside the box and near its centre count, on any level.

    Points go to objects by `match_greedily`; the paper takes the assignment of the
    highest sum. The two differ only where several objects want the same point.

    Args:
        boxes: `(B, M, 5)`, x1, y1, x2, y2, class; M is at least 1.
        points: `(P, 2)`; see `points_of`.
        strides: `(P,)`.
        scores: Predicted logits `(B, P, K)`.
        distances: Predicted distances `(B, P, 4)`.
        radius: Half of a centre's side, in strides.
        score_power: How much the probability counts.
        overlap_power: How much the overlap counts.

    Returns:
        `(B, P)` integers: numbers of boxes, `BACKGROUND` or `IGNORED`.

    Reference:
        Wang et al., 2021, section 4.1: https://arxiv.org/abs/2012.03544
    """
    classes = ops.cast(ops.maximum(boxes[..., 4], 0.0), "int32")  # (B, M)
    chances = ops.sigmoid(ops.take_along_axis(scores, classes[:, None], axis=-1))
    found = overlaps(boxes_at(points, distances)[:, :, None], boxes[:, None, :, :4])
    # A box that is missed altogether still has a best point.
    found = ops.maximum(found, 1e-6)
    quality = chances**score_power * found**overlap_power  # (B, P, M)
    central = _is_central(boxes, points, strides, radius)
    quality = ops.stop_gradient(ops.where(central, quality, 0.0))
    return _with_rest(match_greedily(quality), boxes, points)


def match_greedily(quality):
    """Pair points and objects: always the best pair of those that are left.

    No point and no object is in two pairs. Nothing is drawn: of equal pairs the one
    of the first object comes first, then that of the first point. The sum is at
    least half of the highest possible, and it is the highest where no two
    objects have the same best point.

    All pairs that are the best of both sides are made at once, which comes to the
    same and takes a few rounds instead of one for each object.

    Args:
        quality: `(B, P, M)`; only what is above 0 can be a pair.

    Returns:
        `(B, P)` integers: the number of each point's object, or `BACKGROUND`.
    """
    _, points, objects = ops.shape(quality)

    def is_left(quality, matched):
        return ops.any(quality > 0)

    def match(quality, matched):
        best_points = ops.argmax(quality, axis=1)[:, None]  # (B, 1, M)
        best_objects = ops.argmax(quality, axis=2)[..., None]  # (B, P, 1)
        is_pair = (
            (best_points == ops.arange(points, dtype=best_points.dtype)[:, None])
            & (best_objects == ops.arange(objects, dtype=best_objects.dtype))
            & (quality > 0)
        )
        taken = ops.any(is_pair, axis=2, keepdims=True)
        done = taken | ops.any(is_pair, axis=1, keepdims=True)
        found = ops.cast(best_objects[..., 0], "int32")
        matched = ops.where(taken[..., 0], found, matched)
        return ops.where(done, 0.0, quality), matched

    quality = ops.where(quality > 0, quality, 0.0)  # NaN becomes 0, too
    nobody = ops.cast(quality[..., 0] * 0, "int32") + BACKGROUND
    _, matched = ops.while_loop(
        is_left, match, (quality, nobody), maximum_iterations=points
    )
    return matched


def _edges(boxes, points):
    """Return the distances of every point to the edges of every box: `(B, P, M)`."""
    x, y = points[:, :1], points[:, 1:]
    x1, y1, x2, y2 = (boxes[:, None, :, side] for side in range(4))
    return x - x1, y - y1, x2 - x, y2 - y


def _is_inside(boxes, points):
    left, top, right, bottom = _edges(boxes, points)
    return ops.minimum(ops.minimum(left, right), ops.minimum(top, bottom)) > 0


def _is_central(boxes, points, strides, radius):
    """Return which points are inside an object and near its centre: `(B, P, M)`."""
    centres = (boxes[..., :2] + boxes[..., 2:4]) / 2
    away = ops.maximum(
        ops.abs(points[:, :1] - centres[:, None, :, 0]),
        ops.abs(points[:, 1:] - centres[:, None, :, 1]),
    )
    is_object = boxes[:, None, :, 4] >= 0
    return is_object & _is_inside(boxes, points) & (away < radius * strides[:, None])


def _with_rest(matched, boxes, points):
    """Ignore the points inside a crowd that belong to no object."""
    in_crowd = ops.any(
        _is_inside(boxes, points) & (boxes[:, None, :, 4] <= CROWD), axis=-1
    )
    return ops.where((matched == BACKGROUND) & in_crowd, IGNORED, matched)
