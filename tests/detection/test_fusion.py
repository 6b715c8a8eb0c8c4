"""Boxes of several views become one."""

import numpy as np

from swin_keras.detection.fusion import fuse_boxes


def fused(*rows, views):
    """Fuse rows of x1, y1, x2, y2, class, score."""
    columns = np.array(rows, float)
    return fuse_boxes(
        columns[:, :4], columns[:, 4].astype(int), columns[:, 5], views=views
    )


def test_a_box_is_the_mean_weighted_by_scores():
    boxes, classes, scores = fused(
        (0, 0, 10, 10, 1, 0.9), (1, 0, 11, 12, 1, 0.3), views=2
    )
    np.testing.assert_allclose(boxes, [[0.25, 0, 10.25, 10.5]], rtol=1e-6)
    assert classes.tolist() == [1]
    np.testing.assert_allclose(scores, [0.6], rtol=1e-6)


def test_what_few_views_show_is_less_certain():
    _, _, scores = fused((0, 0, 10, 10, 0, 0.8), (0, 0, 10, 10, 0, 0.6), views=8)
    np.testing.assert_allclose(scores, [0.7 * 2 / 8], rtol=1e-6)


def test_more_boxes_than_views_make_nothing_more_certain():
    _, _, scores = fused((0, 0, 10, 10, 0, 0.8), (0, 0, 10, 10, 0, 0.6), views=1)
    np.testing.assert_allclose(scores, [0.7], rtol=1e-6)


def test_classes_and_distant_boxes_stay_apart_and_the_best_come_first():
    boxes, classes, scores = fused(
        (0, 0, 10, 10, 0, 0.3),
        (0, 0, 10, 10, 1, 0.5),
        (4, 0, 14, 10, 0, 0.7),  # which shares 6 of 14 columns with the first
        views=1,
    )
    assert boxes[:, 0].tolist() == [4, 0, 0]
    assert classes.tolist() == [0, 1, 0]
    np.testing.assert_allclose(scores, [0.7, 0.5, 0.3], rtol=1e-6)


def test_boxes_join_the_mean_as_it_is_by_then():
    first, second, third = (
        (0, 0, 100, 100, 0, 0.9),
        (0, 0, 70, 100, 0, 0.8),
        (0, 0, 47, 100, 0, 0.7),  # 0.47 of the first, 47 / 85.9 of the mean of both
    )
    boxes, _, _ = fused(first, second, third, views=3)
    assert len(boxes) == 2
    boxes, _, _ = fused(first, second, (0, 0, 48, 100, 0, 0.7), views=3)
    assert len(boxes) == 1


def test_no_boxes_are_no_boxes():
    nothing = np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
    boxes, classes, scores = fuse_boxes(*nothing, views=8)
    assert boxes.shape == (0, 4)
    assert len(classes) == len(scores) == 0


def test_boxes_of_many_views_equal_the_published_algorithm():
    """The values are those of the package `ensemble-boxes` 1.0.9 for these boxes."""
    rng = np.random.default_rng(7)
    corners, sides = rng.uniform(0, 0.8, (6, 2)), rng.uniform(0.05, 0.2, (6, 2))
    rows = []
    for _ in range(3):
        seen = np.flatnonzero(rng.random(6) < 0.7)
        boxes = np.concatenate([corners[seen], corners[seen] + sides[seen]], axis=1)
        boxes += rng.normal(0, 0.012, boxes.shape)
        scores = rng.uniform(0.1, 0.9, len(seen))
        rows += [
            (*box, number % 2, score)
            for box, number, score in zip(boxes.clip(0, 1), seen, scores, strict=True)
        ]
    boxes, classes, scores = fused(*rows, views=3)
    assert (len(rows), len(boxes)) == (14, 9)
    expected = [
        (0.62294, 0.17797, 0.74502, 0.31128),
        (0.48692, 0.71991, 0.58438, 0.82858),
        (0.00903, 0.64761, 0.15393, 0.83609),
        (0.24126, 0.23782, 0.39258, 0.27541),
        (0.61323, 0.37069, 0.70915, 0.45035),
        (0.26106, 0.21846, 0.37671, 0.29255),
        (0.23313, 0.6975, 0.44078, 0.86851),
        (0.62295, 0.37526, 0.73626, 0.42981),
        (0.62812, 0.38211, 0.69604, 0.44282),
    ]
    np.testing.assert_allclose(boxes, expected, atol=1e-5)
    certain = (
        *(0.40615, 0.32096, 0.30952, 0.28077, 0.27578, 0.147, 0.1367, 0.11948),
        0.08466,
    )
    np.testing.assert_allclose(scores, certain, atol=1e-5)
    assert classes.tolist() == [1, 0, 1, 1, 0, 1, 0, 0, 0]
