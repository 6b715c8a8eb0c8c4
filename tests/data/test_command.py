"""swin-keras data check, as it is seen on a terminal."""

import json
import os
import re
import shutil

import numpy as np
import pytest
from image_files import make_folder, noise
from PIL import Image

from swin_keras.cli import main


@pytest.fixture
def root(tmp_path):
    return make_folder(tmp_path / "photos", {"cat": 4, "dog": 4})


def check(*words):
    return main(["data", "check", *map(str, words)])


def test_a_line_a_kind_is_shown_and_every_finding_is_in_the_file(root, capsys):
    for index in range(60):
        (root / "cat" / f"{index}.jpg").touch()
    report = root.parent / "report.json"
    assert check(root, "--json", report) == 3
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 20
    assert "... and 57 more" in shown
    assert len(json.loads(report.read_text())["findings"]) == 60


def test_names_of_files_and_classes_are_shown_as_they_are(root, capsys):
    make_folder(root, {"owl [red]": 3})
    for name in ("photo [copy].png", "x[bold].png", "esc\x1b[31m.png"):
        (root / "cat" / name).touch()
    assert check(root) == 3
    shown = capsys.readouterr().out
    assert "photo [copy].png" in shown
    assert "x[bold].png" in shown
    assert "owl [red]" in shown
    assert "esc\\x1b[31m.png" in shown
    assert "\x1b[31m" not in shown


@pytest.mark.parametrize("target", ["nowhere/report.json", "photos"])
def test_a_report_that_cannot_be_written_is_one_sentence(root, target, capsys):
    """Before any image is looked at."""
    assert check(root, "--json", root.parent / target) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("swin-keras: A file must be written to a folder that")
    assert len(said.err.splitlines()) == 1


def test_the_options_of_the_data_are_those_of_training(tmp_path, capsys):
    for index in range(4):
        noise(index).save(tmp_path / f"a_{index}.png")
        deep = np.full((40, 40), 1000 * index, np.uint16)
        Image.fromarray(deep).save(tmp_path / f"b_{index}.png")
    pattern = ["--label-pattern", r"(?P<label>[a-z])_\d"]
    assert check(tmp_path, *pattern) == 0
    assert '--grey-range "[0, 4095]"' in capsys.readouterr().out
    assert check(tmp_path, *pattern, "--grey-range", "[0, 4095]") == 0
    assert "grey range" not in capsys.readouterr().out
    rows = [f"{name},{name[0]}" for name in sorted(os.listdir(tmp_path))]
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    assert check(tmp_path / "labels.csv") == 0


@pytest.mark.parametrize("what", ["/dev/zero", "notes.txt"])
def test_what_is_neither_a_folder_nor_a_table_is_refused(tmp_path, what, capsys):
    (tmp_path / "notes.txt").write_text("hello")
    assert check(tmp_path / what) == 3
    assert "must be a folder of images, or a .csv" in capsys.readouterr().err


def test_several_labels_a_file_are_asked_for(root, capsys):
    files = sorted(f"{path.parent.name}/{path.name}" for path in root.rglob("*.png"))
    rows = ["file,labels", *(f"{file},cat;dog" for file in files[:4])]
    rows += [f"{file},dog" for file in files[4:]]
    (root / "labels.csv").write_text("\n".join(rows))
    assert check(root / "labels.csv") == 3
    assert "with --multi-label" in capsys.readouterr().err
    for words in (["--multi-label"], ["--task", "multi-label"]):
        assert check(root / "labels.csv", *words) == 0
        shown = [line.split() for line in capsys.readouterr().out.splitlines()]
        assert ["cat", "4"] in shown
        assert ["dog", "8"] in shown


def test_a_folder_can_be_checked_for_another_task_than_it_looks_like(root, capsys):
    assert check(root, "--task", "detect") == 3
    assert "holds no boxes" in capsys.readouterr().err
    assert check(root, "--task", "segment") == 3
    assert "must hold images/ and masks/" in capsys.readouterr().err


def test_images_without_labels_are_checked_beside_the_others(root, tmp_path, capsys):
    loose = make_folder(tmp_path / "loose", {"a/b": 3})
    shutil.copy(root / "cat" / "000.png", loose / "again.png")
    assert check(root, "--unlabelled", loose) == 0
    shown = capsys.readouterr().out
    assert re.search(r"\(none\) .* 4\b", shown)
    assert re.search(r"has a label .* 1 .*again\.png", shown)
    (loose / "broken.png").write_bytes(b"no picture")
    report = tmp_path / "report.json"
    assert check(root, "--unlabelled", loose, "--json", report) == 3
    findings = json.loads(report.read_text())["findings"]
    assert [f["path"] for f in findings if f["level"] == "error"] == [
        str(loose / "broken.png")
    ]


def test_a_folder_without_an_image_is_not_ready(root, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert check(root, "--unlabelled", tmp_path / "empty") == 3
    assert "no image in" in capsys.readouterr().out


def test_images_without_labels_are_in_a_folder(root, capsys):
    assert check(root, "--unlabelled", "nowhere") == 3
    said = "`unlabelled` must be a folder of images. Received: 'nowhere'."
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("task", ["detect", "multi-label"])
def test_images_without_labels_are_for_classes_alone(root, task, capsys):
    assert check(root, "--task", task, "--unlabelled", root) == 2
    assert "`unlabelled` is for images of one class each" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("--task", "detect", "--label-pattern", "(?P<label>a)"), "boxes"),
        (("--task", "segment", "--box-format", "coco"), "masks"),
        (("--reduce-zero-label", "true"), "classes"),
    ],
)
def test_options_of_another_layout_are_refused(root, words, kind, capsys):
    assert check(root, *words) == 2
    assert f"means nothing to {kind}" in capsys.readouterr().err


def test_a_report_replaces_no_file_but_an_earlier_one(root, capsys):
    report = root.parent / "report.json"
    for _ in range(2):
        assert check(root, "--json", report) == 0
    report.write_text('{"images": [], "annotations": []}')
    assert check(root, "--json", report) == 2
    assert report.read_text().startswith('{"images"')
    picture = root / "cat" / "000.png"
    before = picture.read_bytes()
    assert check(root, "--json", picture) == 2
    assert "no file is overwritten" in capsys.readouterr().err
    assert picture.read_bytes() == before
