"""From outputs to boxes: by the best points, and by suppression."""

import numpy as np
import pytest

from swin_keras.detection.decoding import best_points, keep_apart, suppress_overlaps
from swin_keras.layers import TopDetections, points_of

SIZE, STRIDES = (32, 48), (8, 16)
POINTS, _ = points_of(SIZE, STRIDES)


def random_branch(classes=3):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, len(POINTS), classes)).astype("float32")
    distances = rng.uniform(0, 20, (2, len(POINTS), 4)).astype("float32")
    return scores, distances


def test_top_detections_are_those_of_a_loop():
    scores, distances = random_branch()
    layer = TopDetections(SIZE, STRIDES, max_detections=7, score_threshold=0.8)
    found = {name: np.asarray(x) for name, x in layer((scores, distances)).items()}
    for picture in range(2):
        pairs = np.argsort(-scores[picture].ravel())[:7]
        order, classes = pairs // 3, pairs % 3
        x, y = POINTS[order].T
        left, top, right, bottom = distances[picture, order].T
        boxes = np.stack([y - top, x - left, y + bottom, x + right], axis=1)
        boxes = np.clip(boxes / [32, 48, 32, 48], 0, 1)
        np.testing.assert_allclose(found["boxes"][picture], boxes, atol=1e-6)
        np.testing.assert_array_equal(found["classes"][picture], classes)
        chance = 1 / (1 + np.exp(-scores[picture, order, classes]))
        np.testing.assert_allclose(found["scores"][picture], chance, rtol=1e-6)
        assert found["count"][picture] == (chance > 0.8).sum() > 0


def test_classes_that_are_close_share_a_box():
    """Pants or shorts: a look at the best class alone costs points of mAP."""
    scores, distances = random_branch()
    scores[0] = -9
    scores[0, 4] = 1.0, -9, 0.9
    scores[0, 7] = -9, 0.8, -9
    layer = TopDetections(SIZE, STRIDES, max_detections=3)
    found = {name: np.asarray(x[0]) for name, x in layer((scores, distances)).items()}
    assert found["classes"].tolist() == [0, 2, 1]
    assert (found["boxes"][0] == found["boxes"][1]).all()
    best = best_points(scores[0], distances[0], SIZE, STRIDES)
    assert best.points.tolist() == [4, 4, 7]
    assert best.classes.tolist() == [0, 2, 1]
    np.testing.assert_allclose(best.scores, found["scores"], rtol=1e-6)
    boxes = best.boxes[:, [1, 0, 3, 2]] / [32, 48, 32, 48]
    np.testing.assert_allclose(boxes, found["boxes"], atol=1e-6)


def test_fewer_points_than_detections_are_all_returned():
    layer = TopDetections(SIZE, STRIDES, max_detections=1000)
    found = layer(random_branch())
    assert found["boxes"].shape == (2, 3 * len(POINTS), 4)
    expected = layer.compute_output_shape([(2, 30, 3), (2, 30, 4)])
    assert {name: tuple(x.shape) for name, x in found.items()} == expected


def test_points_that_are_not_the_pyramids_are_refused():
    scores, distances = random_branch()
    with pytest.raises(ValueError, match="29 for 30 points of image_shape"):
        TopDetections(SIZE, STRIDES)((scores[:, 1:], distances[:, 1:]))


def test_its_configuration_comes_back():
    layer = TopDetections(SIZE, STRIDES, 5, 0.5, name="end")
    config = layer.get_config()
    assert config["image_shape"] == SIZE
    assert config["strides"] == STRIDES
    assert (config["max_detections"], config["score_threshold"]) == (5, 0.5)
    assert TopDetections.from_config(config).get_config() == config


def test_only_boxes_of_another_class_may_overlap_more():
    boxes = np.array(
        [[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8], [50, 50, 60, 60]], "float32"
    )
    classes = np.array([0, 0, 1, 0])
    assert keep_apart(boxes, classes, 0.6, 10).tolist() == [0, 2, 3]
    assert keep_apart(boxes, classes, 0.9, 10).tolist() == [0, 1, 2, 3]  # not above
    assert keep_apart(boxes, classes, 0.6, 2).tolist() == [0, 2]
    assert keep_apart(boxes[:0], classes[:0], 0.6, 2).tolist() == []


def test_boxes_without_area_do_not_disturb():
    boxes = np.zeros((3, 4), "float32")
    assert keep_apart(boxes, np.zeros(3), 0.6, 10).tolist() == [0, 1, 2]


def test_where_nothing_is_sure_nothing_is_found():
    scores, distances = random_branch()
    found = suppress_overlaps(
        scores[0] - 100, distances[0], scores[0, :, :1], SIZE, STRIDES
    )
    assert found.boxes.shape == (0, 4)
    assert found.classes.dtype == "int32"
    assert found.scores.dtype == "float32"
