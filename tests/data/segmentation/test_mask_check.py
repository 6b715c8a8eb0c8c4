"""What `data check` says of pictures and masks."""

import json
import shutil

import numpy as np
import pytest
from mask_folders import blocks, make_pairs, write_pair
from test_outlines import cat_and_dog, write_coco

from swin_keras.cli import main
from swin_keras.data import load_dataset
from swin_keras.data.segmentation import check_masks
from swin_keras.errors import DataError


def rows_of(report, kind):
    return [row for row in report.rows() if row[1] == kind]


def test_a_good_folder_is_ready_and_its_pixels_are_counted(tmp_path):
    report = check_masks(make_pairs(tmp_path))
    assert report.ok
    assert report.findings == ()
    assert report.counts == {"all": {"0": 10, "1": 10, "2": 10}}
    masks = np.stack([blocks(index) for index in range(10)])
    for value in range(3):
        share = report.shares["all"][str(value)]
        assert share == pytest.approx((masks == value).mean())
    assert report.ignored == {"all": 0}
    assert json.loads(report.to_json())["shares"] == report.shares


def test_faults_are_errors_and_the_rest_is_counted(tmp_path):
    make_pairs(tmp_path)
    (tmp_path / "masks" / "001.png").unlink()
    (tmp_path / "images" / "002.jpg").write_bytes(b"")
    (tmp_path / "classes.txt").write_text("sky\nroad\ncar\nbus\n")
    report = check_masks(tmp_path)
    assert not report.ok
    assert [(row[2], row[3]) for row in rows_of(report, "unusable")] == [
        ("images/001.jpg", "has no mask in masks/"),
        ("images/002.jpg", "empty, 0 bytes"),
    ]
    assert report.counts["all"]["road"] == 8
    (missing,) = rows_of(report, "no pixels")
    assert missing[0] == "warning"
    assert "'bus' has no pixel in any mask" in missing[3]


def test_leaks_ignored_pixels_and_rare_classes_are_said(tmp_path):
    for title in ("train", "val", "test"):
        make_pairs(tmp_path / title, 3, seed=len(title))
    shutil.copy(tmp_path / "train/images/000.jpg", tmp_path / "val/images/000.jpg")
    for index in range(3):
        mask = np.full((36, 40), 255, np.uint8)
        mask[:10] = 0
        mask[0, 0] = 1
        write_pair(tmp_path / "test", f"{index:03d}", mask)
    report = check_masks(tmp_path)
    assert report.ok
    (leak,) = rows_of(report, "leak")
    assert leak[2] == "train/images/000.jpg"
    (ignored,) = rows_of(report, "ignored")
    assert "72% of the pixels in test are ignored" in ignored[3]
    (missing,) = rows_of(report, "no pixels")
    assert missing[0] == "info"
    assert "'2' has no pixel in test: cannot be judged" in missing[3]
    mask = np.zeros((36, 40), np.uint8)
    mask[0, 0], mask[1] = 1, 2
    for index in range(3):
        write_pair(tmp_path / "train", f"{index:03d}", mask)
    (rare,) = rows_of(check_masks(tmp_path), "rare classes")
    assert "'1' (0.00069)" in rare[3]


def test_the_command_shows_the_shares_of_the_pixels(tmp_path, capsys):
    make_pairs(tmp_path / "data")
    report = tmp_path / "report.json"
    assert main(["data", "check", str(tmp_path / "data"), "--json", str(report)]) == 0
    shown = capsys.readouterr().out
    assert "share of pixels" in shown
    assert "ready to train" in shown
    assert json.loads(report.read_text())["ok"]
    (tmp_path / "data" / "masks" / "001.png").unlink()
    assert main(["data", "check", str(tmp_path / "data")]) == 3
    assert "has no mask" in capsys.readouterr().out


def test_too_few_images_and_no_folder_are_said(tmp_path):
    report = check_masks(make_pairs(tmp_path / "few", 2))
    assert not report.ok
    assert "at least three images" in rows_of(report, "classes")[0][3]
    with pytest.raises(DataError, match="There is no folder"):
        check_masks(tmp_path / "none")


def test_classes_are_shown_in_their_order_and_few_of_those_without_pixels(
    tmp_path, capsys
):
    for index in range(10):
        write_pair(tmp_path, f"{index:03d}", blocks(index) * 50)
    assert main(["data", "check", str(tmp_path)]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [row[0] for row in shown if row[-1:] in (["10"], ["0"])]
    assert rows == ["0", "1", "2", "3", "4", "5", "50", "100", "(93"]


def test_without_a_usable_mask_nothing_is_said_of_classes_without_pixels(tmp_path):
    make_pairs(tmp_path)
    for path in (tmp_path / "masks").iterdir():
        path.write_bytes(b"")
    report = check_masks(tmp_path)
    assert not report.ok
    assert rows_of(report, "no pixels") == []


def test_outlines_are_checked_as_the_masks_that_they_become(tmp_path, capsys):
    root, report = write_coco(tmp_path / "data"), tmp_path / "report.json"
    words = ["data", "check", str(root), "--task", "segment", "--json", str(report)]
    assert main(words) == 0
    found = json.loads(report.read_text())
    assert found["counts"]["all"] == {"background": 10, "cat": 10, "dog": 10}
    shares = found["shares"]["all"]
    mask = cat_and_dog()
    for value, name in enumerate(("background", "cat", "dog")):
        assert shares[name] == pytest.approx((mask == value).mean())
    assert "share of pixels" in capsys.readouterr().out
    path = root / "images" / "004.jpg"
    path.write_bytes(path.read_bytes()[:500])
    assert main(words) == 3
    assert "004.jpg" in capsys.readouterr().out
    assert len(load_dataset(root, targets="masks", on_bad="skip").split("all")) == 9


def test_value_zero_is_ignored_if_asked(tmp_path, capsys):
    make_pairs(tmp_path)
    assert main(["data", "check", str(tmp_path), "--reduce-zero-label", "true"]) == 0
    rows = [line.split()[:1] for line in capsys.readouterr().out.splitlines()]
    assert ["1"] in rows
    assert ["0"] not in rows
