"""Points and objects are paired as a loop over them would."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.optimize import linear_sum_assignment

from swin_keras.detection.assignment import (
    BACKGROUND,
    CROWD,
    IGNORED,
    PADDING,
    assign_many,
    assign_one,
    match_greedily,
)
from swin_keras.layers import points_of

SIZE, STRIDES = (64, 96), (4, 8, 16)
POINTS, STEPS = points_of(SIZE, STRIDES)


def random_boxes(seed, count=8, classes=3):
    """Return objects, paddings and crowds in any order: `(2, count, 5)`."""
    rng = np.random.default_rng(seed)
    start = rng.uniform(-4, 60, (2, count, 2))
    size = rng.uniform(1, 50, (2, count, 2))
    kinds = rng.choice([PADDING, CROWD, CROWD - 1, *range(classes)], (2, count, 1))
    return np.concatenate([start, start + size, kinds], -1).astype("float32")


def many_by_loop(boxes):
    """Return the object of each point of one picture, one point after the other."""
    answer = []
    for (x, y), stride in zip(POINTS, STEPS, strict=True):
        best, smallest, in_crowd = BACKGROUND, np.inf, False
        for number, (x1, y1, x2, y2, kind) in enumerate(boxes):
            if not (x1 < x < x2 and y1 < y < y2):
                continue
            in_crowd |= kind <= CROWD
            away = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2))
            longest = max(x - x1, y - y1, x2 - x, y2 - y)
            low = 0 if stride == STRIDES[0] else 4 * stride
            high = np.inf if stride == STRIDES[-1] else 8 * stride
            area = (x2 - x1) * (y2 - y1)
            belongs = kind >= 0 and away < 1.5 * stride and low <= longest < high
            if belongs and area < smallest:
                best, smallest = number, area
        answer.append(IGNORED if best == BACKGROUND and in_crowd else best)
    return answer


@pytest.mark.parametrize("seed", range(4))
def test_many_points_are_those_of_a_loop(seed):
    boxes = random_boxes(seed)
    matched = np.asarray(assign_many(boxes, POINTS, STEPS))
    np.testing.assert_array_equal(matched, [many_by_loop(picture) for picture in boxes])
    assert {BACKGROUND, IGNORED} <= set(matched.flat)
    assert (matched >= 0).any()


def test_every_size_has_its_level():
    """Side of a box around a point -> the stride of the level that is asked."""
    x, y = 48, 32
    for side, stride in [(8, 4), (40, 4), (70, 8), (110, 8), (140, 16), (400, 16)]:
        box = [x - side / 2, y - side / 2, x + side / 2, y + side / 2, 0]
        matched = np.asarray(assign_many(np.array([[box]], "f4"), POINTS, STEPS))[0]
        assert set(STEPS[matched == 0]) == {stride}, side


def greedily(quality):
    """Return the object of each point, pair by pair, for one picture."""
    points, objects = quality.shape
    quality, answer = quality.copy(), np.full(points, BACKGROUND)
    while (quality > 0).any():
        best = quality.max()
        number, point = min(
            (m, p)
            for p, m in itertools.product(range(points), range(objects))
            if quality[p, m] == best
        )
        answer[point] = number
        quality[point], quality[:, number] = 0, 0
    return answer


@pytest.mark.parametrize("seed", range(6))
def test_pairs_are_those_of_a_loop(seed):
    rng = np.random.default_rng(seed)
    quality = rng.random((3, 12, 7)) * (rng.random((3, 12, 7)) < 0.4)
    if seed % 2:  # many that are equal
        quality = np.round(quality * 3) / 3
    matched = np.asarray(match_greedily(quality.astype("float32")))
    expected = [greedily(picture) for picture in quality.astype("float32")]
    np.testing.assert_array_equal(matched, expected)


def sums(quality, matched):
    """Return the sum of the pairs' quality, and the highest possible."""
    points = np.nonzero(matched >= 0)[0]
    best = quality[linear_sum_assignment(quality, maximize=True)].sum()
    return quality[points, matched[points]].sum(), best


def test_pairs_have_at_least_half_of_the_best_sum():
    rng = np.random.default_rng(0)
    shares = []
    for _ in range(50):
        quality = rng.random((1, 6, 6)).astype("float32")
        reached, best = sums(quality[0], np.asarray(match_greedily(quality))[0])
        shares.append(reached / best)
    assert min(shares) >= 0.5
    assert np.mean(shares) > 0.9  # where all want what all want
    # The worst: one takes what the other cannot do without.
    quality = np.array([[[1.0, 0.99], [0.99, 0.0]]], "float32")
    reached, best = sums(quality[0], np.asarray(match_greedily(quality))[0])
    assert (reached, best) == (1.0, pytest.approx(1.98))


def test_pairs_have_the_best_sum_where_objects_want_different_points():
    rng = np.random.default_rng(0)
    for _ in range(20):
        quality = rng.random((1, 30, 4)).astype("float32")
        quality[0, [3, 9, 17, 25], np.arange(4)] += 1  # each its own favourite
        reached, best = sums(quality[0], np.asarray(match_greedily(quality))[0])
        assert reached == pytest.approx(best)


def test_no_number_among_the_qualities_is_no_pair_and_no_endless_loop():
    quality = np.full((1, 5, 3), np.nan, "float32")
    quality[0, 2, 1] = 0.5
    assert np.asarray(match_greedily(quality)).tolist() == [[-1, -1, 1, -1, -1]]


def predictions(seed, classes=3):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(2, len(POINTS), classes)).astype("float32")
    distances = rng.uniform(0, 30, (2, len(POINTS), 4)).astype("float32")
    return scores, distances


@pytest.mark.parametrize("seed", range(3))
def test_each_object_has_the_one_point_that_finds_it_best(seed):
    boxes, (scores, distances) = random_boxes(seed), predictions(seed)
    matched = np.asarray(assign_one(boxes, POINTS, STEPS, scores, distances))
    for picture in range(2):
        quality = np.zeros((len(POINTS), boxes.shape[1]))
        for p, (x, y) in enumerate(POINTS):
            left, top, right, bottom = distances[picture, p]
            for m, (x1, y1, x2, y2, kind) in enumerate(boxes[picture]):
                away = max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2))
                if kind < 0 or away >= 1.5 * STEPS[p]:
                    continue
                if not (x1 < x < x2 and y1 < y < y2):
                    continue
                wide = min(x + right, x2) - max(x - left, x1)
                high = min(y + bottom, y2) - max(y - top, y1)
                union = (left + right) * (top + bottom) + (x2 - x1) * (y2 - y1)
                overlap = wide * high / (union - wide * high)
                chance = 1 / (1 + np.exp(-scores[picture, p, int(kind)]))
                quality[p, m] = chance**0.2 * overlap**0.8
        objects = np.where(matched[picture] >= 0, matched[picture], BACKGROUND)
        np.testing.assert_array_equal(objects, greedily(quality))
        reached, best = sums(quality, objects)
        assert reached >= 0.98 * best


def test_an_object_that_is_missed_altogether_still_has_a_point():
    boxes = np.array([[[10, 10, 30, 30, 1]]], "float32")
    scores, distances = predictions(0)
    matched = assign_one(boxes, POINTS, STEPS, scores[:1], distances[:1] * 0)
    assert np.sum(np.asarray(matched) == 0) == 1


def test_assignments_are_the_same_when_xla_compiles_them():
    boxes, (scores, distances) = random_boxes(1), predictions(1)

    def both(boxes, scores, distances):
        return (
            assign_many(boxes, POINTS, STEPS),
            assign_one(boxes, POINTS, STEPS, scores, distances),
        )

    compiled = tf.function(both, jit_compile=True)
    for ours, theirs in zip(
        both(boxes, scores, distances),
        compiled(boxes, scores, distances),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
