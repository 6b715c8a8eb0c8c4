"""What `predict` shows and writes of masks and boxes."""

import csv
import os
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from swin_keras.cli import main, use
from swin_keras.errors import ResourceError
from swin_keras.inference.annotate import Album
from swin_keras.scores.detection_result import FoundObjects
from swin_keras.tasks import prediction, task_named
from swin_keras.tasks.prediction import BoxPrediction, MaskPrediction, Prediction
from swin_keras.tasks.wanted import wanted_of

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


def test_paths_that_are_no_text_stay_apart_in_a_table(table):
    names = [os.fsdecode(name) for name in (b"\xe4.png", b"\xf6.png")]
    rows = table(*(boxes_of(name, 0.75) for name in names))
    assert [row["path"] for row in rows] == ["\\udce4.png", "\\udcf6.png"]


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


def labels_of(row, top=1, min_score=None):
    predictor = SimpleNamespace(class_names=("cat", "dog", "bird"), gives_logits=False)
    outputs = {"probabilities": np.array([row], np.float32)}
    seen = [("a.png", None)]
    task = task_named("multi-label")
    wanted = wanted_of(task, top, min_score)
    (found,) = task.predictions(outputs, seen, predictor, wanted)
    return found


def test_a_table_of_labels_has_all_that_are_there_and_no_others(table):
    rows = table(labels_of([0.5, 0.25, 0.75]), labels_of([0.125, 0.25, 0.125]))
    assert [(row["class"], row["probability"]) for row in rows] == [
        ("bird", "0.75"),
        ("cat", "0.5"),
        ("", ""),
    ]
    assert labels_of([0.5, 0.25, 0.75]).to_dict() == {
        "path": "a.png",
        "scores": (("bird", 0.75),),
        "labels": ["bird", "cat"],
        "error": None,
    }
    found = labels_of([0.5, 0.25, 0.75], min_score=0.25)
    assert [name for name, _ in found.labels] == ["bird", "cat", "dog"]


def test_pictures_of_labels_say_them_all(monkeypatch):
    said = []
    monkeypatch.setattr(
        prediction, "annotated", lambda _, text, **_2: said.append(text)
    )
    labels_of([0.5, 0.25, 0.75]).drawn(None)
    labels_of([0.125, 0.25, 0.125]).drawn(None)
    assert said == [[("bird", "75.0%"), ("cat", "50.0%")], [("(none)", "")]]


def test_rows_and_json_need_no_mask(table):
    whole, words = masks_of("a.png"), masks_of("a.png").in_words()
    assert words.mask is None
    assert words.to_dict() == whole.to_dict()
    assert words.to_dict()["height"] == 1
    assert table(words) == table(whole)


def test_masks_of_pictures_of_one_name_can_be_told_apart(table, tmp_path):
    album, found = Album(tmp_path / "album"), []
    for path in ("a/x.jpg", "b/x.png"):
        one = masks_of(path)
        saved = album.add(one, Image.new("RGB", (4, 1)))
        found.append(replace(one.in_words(), saved=str(saved)))
    rows = table(*found, Prediction("c.png", error="is damaged"))
    folder = tmp_path / "album"
    names = [str(folder / name) for name in ("x.jpg", "x.png", "x-2.jpg", "x-2.png")]
    seen = [(row["path"], row["saved"], row["mask"]) for row in rows]
    assert seen[::2] == [
        ("a/x.jpg", *names[:2]),
        ("b/x.png", *names[2:]),
        ("c.png", "", ""),
    ]
    said = found[1].to_dict()
    assert (said["saved"], said["mask"]) == tuple(names[2:])
    assert all((folder / name).is_file() for name in names)


def test_a_table_that_cannot_be_written_is_told_before_the_work(tmp_path, capsys):
    words = ["predict", "saved_models/digits", "saved_models/digits"]
    for option in ("--csv", "--coco"):
        path = str(tmp_path / "nowhere" / "a")
        assert main([*words[:2], str(tmp_path), option, path]) == 2
    assert "folder that exists" in capsys.readouterr().err


def test_a_table_replaces_no_file(tmp_path, capsys):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.csv").write_text("mine")
    words = ["predict", "saved_models/digits", str(tmp_path / "a.png")]
    assert main([*words, "--csv", str(tmp_path / "a.csv")]) == 2
    assert "a.csv exists already" in capsys.readouterr().err
    assert (tmp_path / "a.csv").read_text() == "mine"


def test_the_screen_shows_the_classes_that_are_there(capsys):
    use._show([labels_of([0.125, 0.25, 0.125]), labels_of([0.75, 0.5, 0.125])])
    said = capsys.readouterr().out
    assert "(none)" in said
    assert "25.0%" not in said
    assert "50.0%" in said


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt, 130), (ResourceError, 5), (OSError, 5)]
)
def test_what_was_found_before_it_stopped_is_shown(
    tmp_path, monkeypatch, capsys, error, code
):
    def interrupted(*_):
        yield Prediction("a.png", (("7", 0.75),)), None
        raise error

    monkeypatch.setattr(use, "_predictions", interrupted)
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    words = ["predict", "saved_models/digits", str(tmp_path / "a.png")]
    assert main([*words, "--csv", str(tmp_path / "a.csv")]) == code
    assert "75.0%" in capsys.readouterr().out
    assert "a.png,,7,0.75," in (tmp_path / "a.csv").read_text()


def test_a_table_that_finds_no_room_is_one_sentence(tmp_path, capsys):
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    words = ["predict", "saved_models/digits", str(tmp_path / "a.png")]
    assert main([*words, "--csv", "/dev/full"]) == 5
    error = capsys.readouterr().err
    assert "/dev/full cannot be written: No space left on device" in error


def test_a_class_has_its_colour_whatever_else_is_seen():
    """Frames of a video would flicker otherwise."""
    names, box = ("cat", "dog"), np.array([[40, 30, 90, 80]])
    alone = BoxPrediction("a", (("dog", 0.9),), boxes=box, class_names=names)
    both = BoxPrediction(
        "b",
        (("dog", 0.9), ("cat", 0.8)),
        boxes=np.concatenate([box, [[200, 200, 300, 300]]]),
        class_names=names,
    )
    empty = Image.new("RGB", (320, 320))
    first, second = (np.asarray(one.drawn(empty)) for one in (alone, both))
    assert first.any()
    np.testing.assert_array_equal(first[:150, :150], second[:150, :150])
