"""Mean average precision is that of pycocotools, crowds included."""

from pathlib import Path

import numpy as np
import pytest

from swin_keras.data import ImageBoxes
from swin_keras.errors import UsageError
from swin_keras.scores.detection import DetectionScore
from swin_keras.scores.detection_result import DetectionResult, FoundObjects

PERFECT = {
    "boxes": [[0, 0, 10, 10], [20, 20, 120, 150]],
    "scores": [0.9, 0.8],
    "classes": [0, 1],
    "true_boxes": [[20, 20, 120, 150], [0, 0, 10, 10]],
    "true_classes": [1, 0],
}
NOTHING = {"boxes": [], "scores": [], "classes": []}
NO_OBJECTS = {"true_boxes": [], "true_classes": []}


def test_figures_are_those_of_pycocotools():
    with np.load(Path(__file__).parent / "golden" / "coco.npz") as file:
        golden = dict(file)
    assert golden["truth"][:, 6].sum() > 10  # crowds
    score = DetectionScore(["a", "b", "c"])
    for image in range(50):
        truth, found = (
            rows[rows[:, 0] == image] for rows in (golden["truth"], golden["found"])
        )
        score.add(
            boxes=found[:, 1:5],
            classes=found[:, 5].astype(int),
            scores=found[:, 6],
            true_boxes=truth[:, 1:5],
            true_classes=truth[:, 5].astype(int),
            crowd=truth[:, 6] > 0,
        )
    figures = score.figures()
    ours = [
        figures.mean_average_precision,
        figures.at_50,
        figures.at_75,
        figures.small,
        figures.medium,
        figures.large,
    ]
    np.testing.assert_allclose(ours, golden["stats"][:6], atol=1e-6)
    assert figures.recall == pytest.approx(golden["stats"][8], abs=1e-6)
    np.testing.assert_allclose(
        list(figures.by_class.values()), golden["by_class"], atol=1e-6
    )
    np.testing.assert_allclose(
        list(figures.curves.values()), golden["curves"], atol=1e-6
    )
    assert figures.images == 50
    assert figures.objects == (golden["truth"][:, 6] == 0).sum()
    assert score.figures() == figures  # asking changes nothing


def test_all_found_is_one():
    score = DetectionScore(["a", "b", "never seen"])
    score.add(**PERFECT)
    figures = score.figures()
    assert figures.mean_average_precision == pytest.approx(1)
    assert figures.small == pytest.approx(1)
    assert figures.medium is None
    assert figures.by_class["never seen"] is None
    assert set(figures.curves) == {"a", "b"}


def test_nothing_found_is_zero_and_nothing_there_is_none():
    score = DetectionScore(["a", "b"])
    score.add(**NOTHING, **NO_OBJECTS)
    assert score.figures().mean_average_precision is None
    assert score.figures().images == 1
    score.add(**{**PERFECT, **NOTHING})
    figures = score.figures()
    assert figures.mean_average_precision == 0
    assert (figures.small, figures.medium, figures.large) == (0, None, 0)
    assert figures.by_class == {"a": 0, "b": 0}
    found_elsewhere = DetectionScore(["a", "b"])
    found_elsewhere.add(**{**PERFECT, **NOTHING})
    found_elsewhere.add(**{**PERFECT, **NO_OBJECTS})
    assert found_elsewhere.figures() == score.figures()


def test_areas_decide_the_size():
    score = DetectionScore(["a", "b"])
    score.add(**PERFECT, areas=[2000, 100])
    assert score.figures().medium == pytest.approx(1)
    assert score.figures().large is None


def test_without_classes_a_wrong_name_is_no_mistake():
    score = DetectionScore(["a", "b"])
    boxes = PERFECT["true_boxes"]
    score.add([boxes[0], *boxes], [0.9, 0.8, 0.7], [0, 1, 1], boxes, [1, 0])
    assert score.figures().at_50 < 0.8
    assert score.at_50_without_classes() == pytest.approx(1)
    assert DetectionScore(["a"]).at_50_without_classes() is None
    other = DetectionScore(["a"])
    other.add(boxes[:1], [0.9], [0], boxes, [0, 0])
    assert other.at_50_without_classes() == pytest.approx(51 / 101)


def test_a_result_takes_the_areas_of_the_outlines():
    truth = ImageBoxes.of([[0, 0, 40, 40]], [0], areas=[900])
    result = DetectionResult(("a",))
    result.add(truth, FoundObjects(truth.boxes, truth.classes, np.ones(1)))
    assert (result.one.small, result.one.medium) == (pytest.approx(1), None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scores": [0.9]}, r"for each box. Received: 2 boxes with \[1, 2\]"),
        ({"classes": [0, 2]}, r"numbers from 0 to 1. Received: \[0, 2\]"),
        ({"true_classes": [-1, 0]}, r"numbers from 0 to 1. Received: \[-1, 0\]"),
        ({"areas": [1]}, "an area for each true box. Received: 1 for 2"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    with pytest.raises(UsageError, match=words):
        DetectionScore(["a", "b"]).add(**{**PERFECT, **change})


def test_with_fewer_than_ten_boxes_no_more_than_these_count():
    score = DetectionScore(["a"], max_detections=5)
    wrong = [[50 + 20 * n, 50, 60 + 20 * n, 60] for n in range(7)]
    score.add(
        boxes=[*wrong, [0, 0, 10, 10]],
        scores=np.linspace(0.9, 0.2, 8),
        classes=[0] * 8,
        true_boxes=[[0, 0, 10, 10]],
        true_classes=[0],
    )
    assert score.figures().recall == 0
    assert score.figures().mean_average_precision == 0


def test_boxes_that_count_are_counted_for_each_class():
    score = DetectionScore(["a", "b"], max_detections=1)
    boxes, classes = [[0, 0, 10, 10], [0, 0, 10, 10], [20, 0, 30, 10]], [0, 1, 1]
    score.add(boxes, [0.9, 0.8, 0.7], classes, boxes, classes)
    assert score.figures().recall == pytest.approx((1 + 0.5) / 2)
