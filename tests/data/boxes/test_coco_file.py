"""COCO's json as we write it, against the file that was read and other readers."""

import json

import numpy as np
import pytest
from box_folders import coco_of, write_coco, write_labelme

from swin_keras.data.boxes import (
    coco_predictions,
    coco_set,
    coco_truth,
    predictions_of,
    read_boxes,
    save_coco,
)
from swin_keras.errors import ResourceError, UsageError


def test_what_was_read_is_written_again(tmp_path):
    write_coco(tmp_path)
    boxes = read_boxes(tmp_path)
    truth, given = coco_truth(boxes, boxes.records), coco_of()
    for image in truth["images"]:
        image["file_name"] = image["file_name"].removeprefix("images/")
    assert truth["images"] == given["images"]
    for category in given["categories"]:
        del category["supercategory"]
    assert truth["categories"] == given["categories"]
    for annotation in given["annotations"] + truth["annotations"]:
        del annotation["id"]
    assert truth["annotations"] == given["annotations"]


def test_pictures_without_numbers_are_numbered_and_ids_begin_at_one(tmp_path):
    write_labelme(tmp_path)
    boxes = read_boxes(tmp_path)
    truth = coco_truth(boxes, boxes.records)
    assert [image["id"] for image in truth["images"]] == [1, 2, 3, 4, 5, 6]
    ids = [annotation["id"] for annotation in truth["annotations"]]
    assert ids == list(range(1, 9))
    assert [category["id"] for category in truth["categories"]] == [1, 2, 3]


def test_predictions_name_pictures_and_categories_as_the_file_does(tmp_path):
    write_coco(tmp_path)
    boxes = read_boxes(tmp_path)
    nothing = np.zeros((0, 4)), np.zeros(0, int), np.zeros(0)
    found = [([[1, 2, 4, 8.5]], [2], [0.25])] + [nothing] * 5
    entries = coco_predictions(boxes, boxes.records, found)
    assert entries == [
        {"image_id": 100, "category_id": 90, "bbox": [1, 2, 3, 6.5], "score": 0.25}
    ]
    path = save_coco(entries, tmp_path / "found.json")
    assert json.loads(path.read_text()) == entries
    with pytest.raises(UsageError, match="Received: 1 for 6 pictures"):
        coco_predictions(boxes, boxes.records, found[:1])
    with pytest.raises(UsageError, match="must be finite"):
        predictions_of(1, (1,), [[0, 0, np.nan, 1]], [0], [0.5])
    with pytest.raises(ResourceError, match="cannot be written"):
        save_coco(entries, tmp_path / "no" / "found.json")


@pytest.mark.parametrize("reader", ["faster_coco_eval", "pycocotools"])
def test_coco_readers_find_the_truth_perfect(tmp_path, reader, capsys):
    if reader == "pycocotools":
        pytest.importorskip("pycocotools")
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Evaluation
    else:
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Evaluation
    content = write_coco(tmp_path)
    content["annotations"][1]["iscrowd"] = 1
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    found = [(r.boxes, r.classes, np.ones(r.count)) for r in boxes.records]
    truth = save_coco(coco_truth(boxes, boxes.records), tmp_path / "truth.json")
    predictions = save_coco(
        coco_predictions(boxes, boxes.records, found), tmp_path / "found.json"
    )
    truth = COCO(str(truth))
    evaluation = Evaluation(truth, truth.loadRes(str(predictions)), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    capsys.readouterr()
    assert evaluation.stats[0] == pytest.approx(1)  # AP
    assert evaluation.stats[3] == pytest.approx(1)  # of small objects


def test_what_was_found_is_a_set_of_its_own():
    nothing = "b.png", (30, 40), np.zeros((0, 4)), [], []
    found = "a.png", (60, 80), [[1, 2, 4, 8.5], [0, 0, 80, 60]], [1, 0], [0.5, 0.25]
    content = coco_set(("cat", "dog"), [nothing, found])
    assert content["images"] == [
        {"id": 1, "file_name": "b.png", "width": 40, "height": 30},
        {"id": 2, "file_name": "a.png", "width": 80, "height": 60},
    ]
    assert content["categories"] == [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    one, other = content["annotations"]
    assert one == {
        "id": 1,
        "image_id": 2,
        "category_id": 2,
        "bbox": [1, 2, 3, 6.5],
        "score": 0.5,
        "area": 19.5,
        "iscrowd": 0,
    }
    assert (other["id"], other["category_id"], other["area"]) == (2, 1, 4800)
