"""A detector's report: what is called found, missed and false, as COCO would."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from swin_keras.data import ImageBoxes
from swin_keras.report import boxes
from swin_keras.report.gallery import table_of_classes
from swin_keras.scores.detection_result import FoundObjects

TWO = [[0, 0, 20, 20], [40, 40, 80, 80]]


def report_of(truth, found, classes, names=("cat", "dog")):
    split = SimpleNamespace(
        targets=SimpleNamespace(load=lambda index: truth),
        image=lambda index, channels: Image.new("RGB", (96, 96)),
        name=lambda index: "a.png",
    )
    said = FoundObjects(
        np.array(found, float), np.array(classes), np.full(3, 0.9)[: len(found)]
    )
    return SimpleNamespace(
        split="test",
        dataset=SimpleNamespace(class_names=("cat", "dog"), split=lambda title: split),
        evaluation=SimpleNamespace(
            class_names=names,
            found=[said],
            images=1,
            one=SimpleNamespace(by_class={}),
            table=lambda: [("class", "mAP")],
        ),
    )


def marks_of(report):
    """Return the colour of each found box and the numbers of the missed ones."""
    (shown,) = boxes.values(report)["galleries"][0][2]
    _, marks, missed = boxes._marked(report, 0)
    return list(marks.values()), missed, shown["caption"]


def test_boxes_are_found_missed_or_false():
    report = report_of(
        ImageBoxes.of(TWO, [0, 1]), [[0, 0, 20, 19], [40, 40, 80, 80]], [0, 0]
    )
    colours, missed, caption = marks_of(report)
    assert (colours, missed) == ([boxes.FOUND, boxes.FALSE], [1])
    assert caption == "a.png: 1 of 2 found"
    assert boxes._right_share(report, 0) == pytest.approx(2 / 4)


def test_an_object_is_found_once():
    report = report_of(ImageBoxes.of(TWO[:1], [0]), [TWO[0], TWO[0]], [0, 0])
    assert marks_of(report)[0] == [boxes.FOUND, boxes.FALSE]


def test_a_crowd_is_not_missed_and_nothing_in_it_is_false():
    truth = ImageBoxes.of(TWO, [0, 1], [False, True])
    report = report_of(truth, [[45, 45, 50, 50], [60, 60, 70, 70]], [1, 0])
    colours, missed, caption = marks_of(report)
    assert colours == [boxes.NEITHER, boxes.FALSE]  # of another class it is false
    assert missed == [0]
    assert caption == "a.png: 0 of 1 found"
    only_crowd = report_of(ImageBoxes.of(TWO, [0, 1], [True, True]), [], [])
    assert np.isnan(boxes._right_share(only_crowd, 0))


def test_classes_are_compared_by_name():
    report = report_of(ImageBoxes.of(TWO[:1], [0]), [TWO[0]], [1], ("dog", "cat"))
    assert marks_of(report)[0] == [boxes.FOUND]


def test_of_many_classes_the_worst_are_in_the_table_and_all_other_rows():
    names = [f"class {number}" for number in range(40)]
    by_class = dict.fromkeys(names, 0.5) | {"class 39": 0.1, "class 3": None}
    rows = [(name, "x") for name in names] + [("of any class, AP50", "90.00%")]
    evaluation = SimpleNamespace(table=lambda: [("class", "mAP"), *rows])
    figures = [np.nan if figure is None else figure for figure in by_class.values()]
    table = table_of_classes(evaluation, figures)
    shown = [name for name, _ in table["rows"]]
    assert shown[0] == "class 39"
    assert "class 3" not in shown
    assert shown[-1] == "of any class, AP50"
    assert (table["classes_shown"], table["left_out"]) == (30, 10)
    assert len(shown) == 31
    few = table_of_classes(evaluation, figures[:30])
    assert [name for name, _ in few["rows"]] == [name for name, _ in rows]
    assert few["left_out"] == 0
