"""swin-keras data check on boxes, as it is seen on a terminal."""

import json

import pytest
from box_folders import write_coco, write_voc, write_yolo
from PIL import Image

from swin_keras.cli import main


def check(*words):
    return main(["data", "check", *map(str, words)])


def test_objects_are_counted_by_class_and_by_size(tmp_path, capsys):
    write_yolo(tmp_path)
    assert check(tmp_path, "--sheet", tmp_path / "sheet.png") == 0
    shown = capsys.readouterr().out
    assert "Boxes are read as YOLO txt." in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["dog", "3"] in rows
    assert ["dog", "all", "2", "1", "0"] in rows
    assert "ready to train" in shown
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"


def test_files_that_cannot_be_written_are_refused_before_the_work(tmp_path, capsys):
    write_yolo(tmp_path / "data")
    (tmp_path / "data/images/a.png").write_bytes(
        b""
    )  # which the work would complain of
    (tmp_path / "mine.png").write_bytes(b"mine")
    assert check(tmp_path / "data", "--sheet", tmp_path / "mine.png") == 2
    assert "mine.png exists already" in capsys.readouterr().err
    assert (tmp_path / "mine.png").read_bytes() == b"mine"
    assert check(tmp_path / "data", "--sheet", tmp_path / "none" / "a.png") == 2
    assert "a folder that exists" in capsys.readouterr().err
    both = tmp_path / "both.png"
    assert check(tmp_path / "data", "--sheet", both, "--json", both) == 2
    assert "--json and --sheet must differ" in capsys.readouterr().err
    assert not both.exists()


def test_errors_end_in_their_exit_code_with_every_finding_in_the_file(tmp_path, capsys):
    content = write_coco(tmp_path / "data")
    content["categories"][0]["name"] = "cat [red]"
    content["images"].append({"id": 9, "file_name": "\x1b[31mgone.png"})
    (tmp_path / "data/annotations.json").write_text(json.dumps(content))
    report = tmp_path / "report.json"
    assert check(tmp_path / "data", "--json", report) == 3
    shown = capsys.readouterr().out
    assert "cat [red]" in shown
    assert "\\x1b[31mgone.png" in shown
    assert "\x1b[31m" not in shown
    parsed = json.loads(report.read_text())
    assert parsed["findings"][0]["kind"] == "missing image"
    assert parsed["counts"] == {"all": {"cat [red]": 3, "dog": 3, "owl": 2}}


def test_two_formats_ask_for_one(tmp_path, capsys):
    write_coco(tmp_path)
    write_voc(tmp_path / "voc")
    assert check(tmp_path) == 3
    error = capsys.readouterr().err
    assert "only one of them can be meant" in error
    assert "with --box-format coco" in error
    assert check(tmp_path, "--box-format", "voc") == 0
    assert "Pascal VOC xml" in capsys.readouterr().out


def test_a_folder_without_a_box_to_train_on_is_not_ready(tmp_path, capsys):
    content = write_coco(tmp_path)
    content["annotations"].clear()
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert check(tmp_path) == 3
    shown = capsys.readouterr().out
    assert "there is no box to train on" in shown
    assert "has no box in any picture" in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sheet", "sheet.png"], "`sheet` is a picture of boxes"),
        (["--task", "classify", "--multi-label"], "The task must be named once"),
    ],
)
def test_options_that_would_do_nothing_are_refused(tmp_path, capsys, words, message):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
    assert main(["data", "check", str(tmp_path), *words]) == 2
    assert message in capsys.readouterr().err
