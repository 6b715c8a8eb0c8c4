"""What `predict` shows and writes of masks and boxes."""

import csv

import numpy as np
import pytest

from swin_keras.cli import use
from swin_keras.scores.detection_result import FoundObjects
from swin_keras.tasks.prediction import BoxPrediction, MaskPrediction, Prediction

NAMES = ("sky", "road")


def boxes_of(path, *scores):
    boxes = np.arange(4 * len(scores), dtype=np.float32).reshape(-1, 4)
    classes = np.arange(len(scores)) % 2
    found = FoundObjects(boxes, classes, np.array(scores, np.float32))
    return BoxPrediction.of(path, (20, 30), found, NAMES, threshold=0.25)


def masks_of(path):
    mask = np.array([[0, 0, 0, 1]], np.uint8)
    return MaskPrediction.of(path, mask, NAMES, top=3)


@pytest.fixture
def table(tmp_path):
    def write(*predictions):
        use._write_csv(tmp_path / "a.csv", predictions)
        return list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))

    return write


def test_a_table_of_boxes_has_a_row_each_with_its_place(table):
    rows = table(boxes_of("a.png", 0.75, 0.5), boxes_of("b.png", 0.125))
    assert [(row["path"], row["class"], row["score"]) for row in rows] == [
        ("a.png", "sky", "0.75"),
        ("a.png", "road", "0.5"),
        ("b.png", "", ""),
    ]
    assert [rows[1][side] for side in ("x1", "y1", "x2", "y2")] == [
        "4.0",
        "5.0",
        "6.0",
        "7.0",
    ]


def test_a_table_of_masks_has_the_share_of_each_class(table):
    unread = Prediction("b.png", error="is damaged")
    rows = table(unread, masks_of("a.png"))
    assert [(row["class"], row["share"]) for row in rows] == [
        ("", ""),
        ("sky", "0.75"),
        ("road", "0.25"),
    ]
    assert rows[0]["error"] == "is damaged"


def test_the_screen_says_what_the_numbers_are_and_where_nothing_is(capsys):
    use._show([masks_of("a.png")])
    shown = capsys.readouterr().out
    assert "share" in shown
    assert "probability" not in shown
    use._show([boxes_of("b.png", 0.125)])
    shown = capsys.readouterr().out
    assert "score" in shown
    assert "(none)" in shown
    assert "0.0%" not in shown
