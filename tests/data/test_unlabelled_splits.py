"""Splits in which nothing is labelled: they judge no model, and others stand for them.

Makers of benchmarks publish such test splits: the pictures, but not their answers.
"""

import json
from functools import partial

import numpy as np
import pytest
from image_files import make_folder, noise
from PIL import Image

from swin_keras.data import IGNORED, check_folder, load_dataset
from swin_keras.data.boxes import check_boxes
from swin_keras.data.segmentation import check_masks
from swin_keras.errors import DataError

LEFT_OUT = "Nothing is labelled in the 3 images of test, which judge no model"


def write_masks(root):
    """Write `{train,val,test}/{images,masks}/`; all of test's masks are ignored."""
    for title, count in (("train", 6), ("val", 2), ("test", 3)):
        for name in ("images", "masks"):
            (root / title / name).mkdir(parents=True)
        for index in range(count):
            stem = f"{title}{index}"
            noise(index, (16, 12)).save(root / title / f"images/{stem}.jpg")
            mask = np.full((12, 16), IGNORED, np.uint8)
            if title != "test":
                mask[:, 8:] = 1
                mask[:, :8] = 0
            Image.fromarray(mask).save(root / title / f"masks/{stem}.png")


def write_coco(root):
    """Write COCO's json of each split; test's has no annotations."""
    square = [2, 2, 8, 2, 8, 8, 2, 8]
    for title, count in (("train", 6), ("val", 2), ("test", 3)):
        (root / title).mkdir(parents=True)
        images = []
        for index in range(count):
            name = f"{title}{index}.jpg"
            noise(index, (16, 12)).save(root / title / name)
            images.append(
                {"id": index + 1, "file_name": name, "width": 16, "height": 12}
            )
        content = {
            "images": images,
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [
                {
                    "id": image["id"],
                    "image_id": image["id"],
                    "category_id": 1,
                    "bbox": [2, 2, 6, 6],
                    "area": 36,
                    "iscrowd": 0,
                    "segmentation": [square],
                }
                for image in images
                if title != "test"
            ],
        }
        (root / f"instances_{title}.json").write_text(json.dumps(content))


def write_table(root):
    make_folder(root, {"photos": 11})
    lines = ["file,label,split"]
    for index in range(11):
        title = "train" if index < 6 else "val" if index < 8 else "test"
        label = "" if title == "test" else ("cat", "dog")[index % 2]
        lines.append(f"photos/{index:03d}.png,{label},{title}")
    (root / "labels.csv").write_text("\n".join(lines))


CASES = {
    "masks": (write_masks, "", {"targets": "masks"}),
    "outlines": (write_coco, "", {"targets": "masks"}),
    "boxes": (write_coco, "", {"targets": "boxes"}),
    "several classes": (write_table, "labels.csv", {"multi_label": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_test_split_without_labels_counts_as_missing(tmp_path, case):
    write, file, options = CASES[case]
    write(tmp_path)
    dataset = load_dataset(tmp_path / file, **options)
    counts = {title: len(split) for title, split in dataset.splits.items()}
    assert counts == {"train": 6, "val": 2, "test": 2}
    notes = "\n".join(dataset.notes)
    assert LEFT_OUT in notes
    assert "serve as test too" in notes
    as_it_lies = load_dataset(tmp_path / file, hold_out=False, **options)
    assert len(as_it_lies.splits["test"]) == 3


def test_a_split_whose_folders_are_empty_is_refused_at_once(tmp_path):
    for title, count in (("train", 4), ("test", 0)):
        make_folder(tmp_path / title, {"cat": count, "dog": count})
    with pytest.raises(DataError, match="There are no images in test"):
        load_dataset(tmp_path, multi_label=True)


def test_a_split_all_of_whose_outlines_are_skipped_is_refused_at_once(tmp_path):
    write_coco(tmp_path)
    for path in (tmp_path / "val").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no image with a mask in val"):
        load_dataset(tmp_path, targets="masks", on_bad="skip")


CHECKS = {
    "masks": check_masks,
    "outlines": check_masks,
    "boxes": check_boxes,
    "several classes": partial(check_folder, multi_label=True),
}


@pytest.mark.parametrize("case", CASES)
def test_the_check_says_that_a_split_is_left_out(tmp_path, case):
    write, file, _ = CASES[case]
    write(tmp_path)
    rows = CHECKS[case](tmp_path / file).rows()
    (row,) = [row for row in rows if row[1] == "no labels"]
    assert LEFT_OUT in row[3]
