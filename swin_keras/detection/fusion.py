"""Boxes of several views of one picture -> one box for each object."""

import numpy as np

OVERLAP = 0.55  # of two boxes, above which they are of one object, as published


def fuse_boxes(boxes, classes, scores, views: int, overlap_threshold=OVERLAP):
    """Return weighted means of the boxes that several views have of an object.

    From the most certain box on, each joins the object of its class whose mean so far
    it overlaps most, or begins another. Boxes count in the mean by their scores. The
    score of an object is the mean of theirs; one with fewer boxes than there are
    views has that share of it.

    Args:
        boxes: `(N, 4)`, x1, y1, x2, y2 in pixels of the picture, of all views.
        classes: `(N,)`.
        scores: `(N,)`, above 0.
        views: How many views there are.
        overlap_threshold: Intersection over union from which on two boxes are of
            one object.

    Returns:
        Boxes `(M, 4)` float32, classes `(M,)` and scores `(M,)` float32, the most
        certain first.

    Reference:
        Solovyev et al., 2021, section 3 (weighted boxes fusion):
        https://arxiv.org/abs/1910.13302

    Example:

    >>> boxes = np.array([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 12.0]])
    >>> fuse_boxes(boxes, np.array([0, 0]), np.array([0.75, 0.25]), views=2)[0]
    array([[ 0. ,  0. , 10. , 10.5]], dtype=float32)
    """
    boxes, scores = np.asarray(boxes, float), np.asarray(scores, float)
    order = np.argsort(-scores, kind="stable")
    weighted = boxes[order] * scores[order, None]
    boxes, classes, scores = boxes[order], np.asarray(classes)[order], scores[order]
    means, sums = np.empty_like(boxes), np.empty_like(boxes)
    totals, counts = np.zeros(len(boxes)), np.zeros(len(boxes), int)
    kinds, found = np.empty_like(classes), 0
    for box, kind, score, part in zip(boxes, classes, scores, weighted, strict=True):
        overlaps = _overlaps(box, means[:found])
        overlaps[kinds[:found] != kind] = 0
        place = int(overlaps.argmax()) if found else 0
        if not found or overlaps[place] <= overlap_threshold:
            place, found = found, found + 1
            sums[place], kinds[place] = 0, kind
        sums[place] += part
        totals[place] += score
        counts[place] += 1
        means[place] = sums[place] / totals[place]
    counts, totals = counts[:found], totals[:found]
    sure = totals / np.maximum(counts, views)
    order = np.argsort(-sure, kind="stable")
    return means[order].astype("float32"), kinds[order], sure[order].astype("float32")


def _overlaps(box, others):
    """Return the intersection over union of one box with others, `(N,)`."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = (high - low).clip(0).prod(1)
    union = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1)
    union -= shared
    return np.divide(shared, union, np.zeros_like(union), where=union > 0)
