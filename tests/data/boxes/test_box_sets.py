"""Splits, what is said of a set, the check with its sheet, and batches."""

import json

import numpy as np
import pytest
from box_folders import (
    NAMES,
    expected,
    objects_of,
    write_coco,
    write_labelme,
    write_voc,
    write_yolo,
)
from PIL import Image

from swin_keras.data import BatchLoader
from swin_keras.data.boxes import as_dataset, check_boxes, load_boxes
from swin_keras.data.boxes.splitting import deal
from swin_keras.data.splitting import HeldOut
from swin_keras.drawing import colour_of
from swin_keras.errors import DataError, ResourceError, UsageError


def many(root, count=40, title="", seed=0):
    """LabelMe files of `count` pictures: every fourth has a dog, all have a cat."""
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        pixels = rng.integers(0, 255, (20, 24, 3), np.uint8)
        Image.fromarray(pixels).save(root / f"{title}{index:02d}.png")
        shapes = [("cat", 1)] + [("dog", 8)] * (index % 4 == 0)
        content = {
            "imagePath": f"{title}{index:02d}.png",
            "shapes": [
                {
                    "label": label,
                    "points": [[place, place], [place + 6, place + 6]],
                    "shape_type": "rectangle",
                }
                for label, place in shapes
            ],
        }
        (root / f"{title}{index:02d}.json").write_text(json.dumps(content))
    return root


def test_missing_splits_are_held_out_by_picture_and_the_same_every_time(tmp_path):
    many(tmp_path)
    boxes = load_boxes(tmp_path, HeldOut(0.2, 0.1, seed=3))
    sizes = {title: len(records) for title, records in boxes.splits.items()}
    assert sizes == {"train": 28, "val": 8, "test": 4}
    paths = [record.path for record in boxes.records]
    assert len(set(paths)) == 40
    for title, share in (("val", 2), ("test", 1)):  # a quarter has a dog
        assert abs(boxes.counts(title)[1] - share) <= 1
    again = load_boxes(tmp_path, HeldOut(0.2, 0.1, seed=3))
    assert paths == [record.path for record in again.records]
    other = load_boxes(tmp_path, HeldOut(0.2, 0.1, seed=4))
    assert paths != [record.path for record in other.records]
    assert any("seed 3 chose them" in note for note in boxes.notes)


def test_splits_that_are_there_are_kept(tmp_path):
    many(tmp_path / "train", 8, "a")
    many(tmp_path / "val", 4, "b", seed=1)
    boxes = load_boxes(tmp_path)
    assert len(boxes.splits["train"]) == 8
    assert boxes.splits["test"] is boxes.splits["val"]
    dataset = as_dataset(boxes)
    assert len(dataset.split("all")) == 12


def test_nothing_is_held_out_when_that_is_not_asked_for(tmp_path):
    write_voc(tmp_path)
    assert list(load_boxes(tmp_path, None).splits) == ["all"]


def test_too_few_pictures_to_hold_out_are_refused(tmp_path):
    many(tmp_path, 2)
    with pytest.raises(DataError, match=r"at least 3 pictures\. Received: 2"):
        load_boxes(tmp_path)


@pytest.mark.parametrize("count", [3, 10, 57])
def test_parts_are_as_large_as_they_are_to_be_and_hold_each_picture_once(count):
    labels = np.arange(count) % 5
    parts = deal(labels, [0.1, 0.2], seed=0)
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))
    assert len(parts[1]) == max(1, round(0.1 * count))
    assert len(parts[2]) == max(1, round(0.2 * count))


def test_errors_stop_unless_they_are_to_be_skipped(tmp_path):
    content = write_coco(tmp_path)
    content["images"].append({"id": 900, "file_name": "gone.png"})
    content["annotations"].append(
        {"image_id": 100, "category_id": 4, "bbox": [1, 1, 2, 2]}
    )
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        load_boxes(tmp_path)
    assert "missing image (1): gone.png" in str(caught.value)
    assert "unknown class (1): images/a.png" in str(caught.value)
    assert "on_bad='skip'" in str(caught.value)
    boxes = load_boxes(tmp_path, None, on_bad="skip")
    assert objects_of(boxes) == expected()
    assert any(note.startswith("missing image: gone.png") for note in boxes.notes)
    with pytest.raises(UsageError, match="`on_bad` must be"):
        load_boxes(tmp_path, on_bad="never")


def test_a_set_without_any_box_cannot_be_trained_on(tmp_path):
    write_yolo(tmp_path)
    for path in (tmp_path / "labels").iterdir():
        path.write_text("")
    with pytest.raises(DataError, match="there is no box to train on"):
        load_boxes(tmp_path)
    assert not check_boxes(tmp_path).ok


def test_a_class_without_a_box_in_training_is_said(tmp_path):
    write_yolo(tmp_path, {"train": ["a.png", "c.png"], "val": ["b.png"]})
    boxes = load_boxes(tmp_path)
    said = [f.detail for f in boxes.findings if f.kind == "no boxes"]
    assert "class 'owl' has no box in train: it cannot be learned" in said
    assert "class 'cat' has no box in val: it cannot be judged" in said
    assert boxes.counts("train").tolist() == [1, 1, 0]


def test_more_objects_than_a_model_returns_are_said(tmp_path):
    write_voc(tmp_path)
    boxes = load_boxes(tmp_path, None, max_objects=2)
    (finding,) = [f for f in boxes.findings if f.kind == "crowded"]
    assert finding.path == "JPEGImages/d.png"
    assert finding.detail == "3 objects; a model returns 2 at most"
    assert not [f for f in load_boxes(tmp_path, None).findings if f.kind == "crowded"]


def test_the_same_picture_in_two_splits_is_a_leak(tmp_path):
    write_yolo(tmp_path, {"train": ["a.png", "b.png"], "val": ["d.png"]})
    content = (tmp_path / "images/train/a.png").read_bytes()
    (tmp_path / "images/val/d.png").write_bytes(content)
    report = check_boxes(tmp_path)
    (leak,) = [finding for finding in report.findings if finding.kind == "leak"]
    assert "images/val/d.png, in another split" in leak.detail


# The check


def test_the_check_counts_by_class_and_by_size(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][0]["area"] = 96.0**2
    content["annotations"][1]["area"] = 32.0**2
    content["annotations"][2]["iscrowd"] = 1
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    report = check_boxes(tmp_path)
    assert report.ok
    assert report.format == "COCO json"
    assert report.counts == {"all": {"cat": 3, "dog": 3, "owl": 1}}
    assert report.sizes["all"]["cat"] == {"small": 2, "medium": 0, "large": 1}
    assert report.sizes["all"]["dog"] == {"small": 1, "medium": 2, "large": 0}
    assert report.pictures["all"] == {
        "pictures": 6,
        "empty": 1,
        "objects": 8,
        "ignored": 1,
    }
    parsed = json.loads(report.to_json())
    assert parsed["ok"]
    assert parsed["sizes"]["all"]["owl"] == {"small": 1, "medium": 0, "large": 0}


def test_the_check_gives_each_kind_its_count_and_three_examples(tmp_path):
    content = write_coco(tmp_path)
    for annotation in content["annotations"][:5]:
        annotation["bbox"][0] = 500
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    report = check_boxes(tmp_path)
    (line,) = [line for line in report.summary() if line.kind == "outside"]
    assert line.count == 5
    assert line.text.count("\n") == 3
    assert "... and 2 more" in line.text


def test_the_check_finds_pixels_that_are_damaged(tmp_path):
    write_labelme(tmp_path)
    path = tmp_path / "b.png"
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 255
    path.write_bytes(content)
    assert check_boxes(tmp_path, quick=True).ok
    (error,) = check_boxes(tmp_path).rows("error")
    assert error[1:3] == ("unreadable", "b.png")


def test_the_sheet_shows_the_pictures_with_their_boxes(tmp_path):
    write_coco(tmp_path / "data")
    check_boxes(tmp_path / "data", sheet=tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).reshape(-1, 3)
    for class_id in range(len(NAMES)):
        drawn = (pixels == colour_of(class_id)).all(1).sum()
        assert drawn > 300, NAMES[class_id]
    with pytest.raises(UsageError, match=r"must be a \.png file"):
        check_boxes(tmp_path / "data", sheet=tmp_path / "sheet.exe")
    with pytest.raises(UsageError, match="a folder that exists"):
        check_boxes(tmp_path / "data", sheet=tmp_path / "no" / "sheet.png")
    (tmp_path / "full.png").symlink_to("/dev/full")
    with pytest.raises(ResourceError, match="cannot be written"):
        check_boxes(tmp_path / "data", sheet=tmp_path / "full.png")


def test_a_check_changes_nothing_in_the_folder(tmp_path):
    write_yolo(tmp_path)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    check_boxes(tmp_path)
    assert before == {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}


# Batches


def test_batches_have_the_boxes_in_pixels_of_the_input(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][1]["iscrowd"] = 1
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    dataset = as_dataset(load_boxes(tmp_path, None))
    split = dataset.split("all")
    images, boxes = BatchLoader(split, 6, (96, 128), 3)(0)
    assert images.shape == (6, 96, 128, 3)
    assert boxes.shape == (6, 3, 5)
    cat, dog, padding = boxes[0].tolist()
    assert cat == [8, 12, 40, 60, 0]
    assert dog == [60, 20, 120, 80, -3]  # a crowd of class 1
    assert padding == [-1] * 5
    assert (boxes[2] == -1).all()
    red = (images[0] == (255, 0, 0)).all(-1)
    assert red[14:58, 10:38].all()
    assert split.name(0).endswith("images/a.png")


def test_a_fingerprint_changes_with_a_box(tmp_path):
    content = write_coco(tmp_path)
    before = as_dataset(load_boxes(tmp_path, None)).fingerprint()
    assert before == as_dataset(load_boxes(tmp_path, None)).fingerprint()
    content["annotations"][0]["bbox"][0] += 1
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert before != as_dataset(load_boxes(tmp_path, None)).fingerprint()


def test_a_damaged_picture_does_not_end_the_sheet(tmp_path):
    write_coco(tmp_path)
    path = tmp_path / "images/b.png"
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 255
    path.write_bytes(content)
    check_boxes(tmp_path, quick=True, sheet=tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").exists()
    assert len(load_boxes(tmp_path, None).records) == 6
    boxes = load_boxes(tmp_path, None, on_bad="skip")  # decodes them all
    assert len(boxes.records) == 5
    ((skipped, reason),) = as_dataset(boxes).skipped
    assert skipped == "images/b.png"
    assert "truncated or damaged" in reason


def test_deep_grey_pictures_are_read_with_their_range(tmp_path):
    many(tmp_path, 3)
    for path in tmp_path.glob("*.png"):
        deep = np.full((20, 24), 100.0, np.float32)
        Image.fromarray(deep).save(path.with_suffix(".tif"))
        content = json.loads(path.with_suffix(".json").read_text())
        content["imagePath"] = path.with_suffix(".tif").name
        path.with_suffix(".json").write_text(json.dumps(content))
        path.unlink()
    assert {f.kind for f in check_boxes(tmp_path).findings} >= {"unreadable"}
    assert check_boxes(tmp_path, grey_range=(0, 200)).ok
    boxes = load_boxes(tmp_path, None, grey_range=(0, 200))
    split = as_dataset(boxes, grey_range=(0, 200)).split("all")
    images, _ = BatchLoader(split, 3, (20, 24), 3)(0)
    assert set(np.unique(images)) <= {127, 128}


def test_a_split_without_usable_pictures_is_refused(tmp_path):
    many(tmp_path / "train", 4, "a")
    many(tmp_path / "val", 1, "b", seed=1)
    (tmp_path / "val/b00.png").write_bytes(b"")
    with pytest.raises(DataError, match="unreadable"):
        load_boxes(tmp_path)
    with pytest.raises(DataError, match="there are no pictures in val and in test"):
        load_boxes(tmp_path, on_bad="skip")


def test_the_check_says_what_is_unusual_about_pictures(tmp_path):
    many(tmp_path, 3)
    Image.new("RGB", (24, 20)).save(tmp_path / "00.png")
    Image.fromarray(np.full((20, 24), 235, np.uint16)).save(tmp_path / "01.png")
    Image.new("RGB", (24, 20), "red").save(tmp_path / "02.png", "BMP")
    found = {(f.kind, f.path) for f in check_boxes(tmp_path).findings}
    assert found >= {
        ("nearly black", "00.png"),
        ("grey range", "01.png"),
        ("wrong extension", "02.png"),
    }
    kinds = {f.kind for f in check_boxes(tmp_path, grey_range=(0, 255)).findings}
    assert "grey range" not in kinds


def test_json_of_neither_format_is_counted(tmp_path):
    write_coco(tmp_path)
    (tmp_path / "instances_val.json").write_text("[]")
    notes = "\n".join(load_boxes(tmp_path).notes)
    assert "JSON that is not read: 1 (instances_val.json)" in notes
