"""A class whose accent is written in two ways, "é" and "e" with one, is one class."""

import json
import unicodedata

import numpy as np
import pytest
from image_files import noise
from PIL import Image

from swin_keras.data import load_dataset
from swin_keras.data.boxes import read_boxes
from swin_keras.data.boxes.coco import read_coco
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.errors import DataError

ONE = "caf\u00e9"  # a letter with its accent
TWO = unicodedata.normalize("NFD", ONE)  # a letter, then an accent
OTHER = "owl"
SIZE = (40, 36)
WAYS = pytest.mark.parametrize("way", ["NFC", "NFD"])


def labelme(path, *labels):
    shapes = [
        {"label": label, "points": [[4, 4 + i], [20, 20]], "shape_type": "rectangle"}
        for i, label in enumerate(labels)
    ]
    width, height = SIZE
    content = {"imagePath": f"{path.stem}.png", "shapes": shapes}
    content |= {"imageWidth": width, "imageHeight": height}
    noise(0, SIZE).save(path.with_suffix(".png"))
    path.with_suffix(".json").write_text(json.dumps(content))


def coco(*names, image=0):
    square = [4, 4, 20, 4, 20, 20, 4, 20]
    categories = [{"id": i, "name": name} for i, name in enumerate(names, start=1)]
    return {
        "images": [{"id": image, "file_name": f"{image}.png"}],
        "annotations": [
            {"image_id": image, "category_id": i, "segmentation": [square]}
            for i, _ in enumerate(names, start=1)
        ],
        "categories": categories,
    }


def test_labels_of_labelme_are_one_class(tmp_path):
    for place, label in enumerate([ONE, TWO] * 5):
        labelme(tmp_path / f"{place}.png", label, OTHER)
    boxes = load_dataset(tmp_path, targets="boxes", hold_out=False)
    assert boxes.class_names == (ONE, OTHER)
    truth = boxes.split("all").targets
    assert [truth.load(place).classes.tolist() for place in range(10)] == [[0, 1]] * 10
    masks = load_dataset(tmp_path, targets="masks", hold_out=False)
    assert masks.class_names == ("background", ONE, OTHER)
    targets = masks.split("all").targets
    shown = [np.unique(targets.load(place)).tolist() for place in range(10)]
    assert shown == [[0, 1, 2]] * 10


def test_parts_of_one_object_in_labelme_may_be_named_in_both(tmp_path):
    labelme(tmp_path / "0.png", ONE, TWO)
    content = json.loads((tmp_path / "0.json").read_text())
    for shape in content["shapes"]:
        shape["group_id"] = 1
    (tmp_path / "0.json").write_text(json.dumps(content))
    (record,) = read_boxes(tmp_path).records
    assert record.count == 1


def test_names_of_voc_are_one_class(tmp_path):
    for place, name in enumerate([ONE, TWO]):
        noise(place, SIZE).save(tmp_path / f"{place}.png")
        corners = "<xmin>4</xmin><ymin>4</ymin><xmax>20</xmax><ymax>20</ymax>"
        text = f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>"
        text = f"<annotation><filename>{place}.png</filename>{text}</annotation>"
        (tmp_path / f"{place}.xml").write_text(text, "utf-8")
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == (ONE,)
    assert [record.classes.tolist() for record in boxes.records] == [[0], [0]]


def test_categories_of_coco_that_look_alike_are_refused():
    with pytest.raises(DataError, match=f"two categories share the name '{ONE}'"):
        read_coco({"a.json": coco(ONE, TWO)}, PictureNames(["0.png"]))


def test_categories_of_two_files_of_coco_are_one_class(tmp_path):
    for place, (title, name) in enumerate({"train": ONE, "val": TWO}.items()):
        noise(place, SIZE).save(tmp_path / f"{place}.png")
        content = coco(name, OTHER, image=place)
        (tmp_path / f"{title}.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == (ONE, OTHER)
    assert [record.classes.tolist() for record in boxes.records] == [[0, 1], [0, 1]]


@WAYS
def test_a_category_of_coco_is_composed(tmp_path, way):
    name = unicodedata.normalize(way, ONE)
    noise(0, SIZE).save(tmp_path / "0.png")
    content = coco(name, image=0)
    content["categories"][0]["supercategory"] = "for\u00eat"
    above = {"id": 9, "name": "fore\u0302t"}  # stands above all, and is no class
    content["categories"].append(above)
    (tmp_path / "boxes.json").write_text(json.dumps(content))
    assert read_boxes(tmp_path).class_names == (ONE,)
    masks = load_dataset(tmp_path, targets="masks", hold_out=False)
    assert masks.class_names == ("background", ONE)
    mask = masks.split("all").targets.load(0)
    assert np.unique(mask).tolist() == [0, 1]


@pytest.mark.parametrize("file", ["data.yaml", "classes.txt"])
def test_names_of_yolo_are_composed_and_differ(tmp_path, file):
    def write(*names):
        text = "\n".join(names)
        if file == "data.yaml":
            text = json.dumps({"names": names}, ensure_ascii=False)
        (tmp_path / file).write_text(text, "utf-8")

    noise(0, SIZE).save(tmp_path / "0.png")
    (tmp_path / "0.txt").write_text("1 0.5 0.5 0.2 0.2\n")
    write(OTHER, TWO)
    assert read_boxes(tmp_path).class_names == (OTHER, ONE)
    write(ONE, TWO)
    with pytest.raises(DataError, match="Two classes have the same name"):
        read_boxes(tmp_path)


@pytest.mark.parametrize("file", ["classes.txt", "classes.csv", "labelmap.txt"])
def test_classes_of_masks_are_composed_and_differ(tmp_path, file):
    def write(*names):
        rows = {
            "classes.txt": names,
            "classes.csv": [f"{name},{i},0,0" for i, name in enumerate(names)],
            "labelmap.txt": [f"{name}:{i},0,0::" for i, name in enumerate(names)],
        }
        (tmp_path / file).write_text("\n".join(rows[file]), "utf-8")

    for place in range(3):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
        noise(place, SIZE).save(tmp_path / f"images/{place}.png")
        mask = np.zeros((*SIZE[::-1], 3), np.uint8)
        mask[:9, :, 0] = 1
        mask = mask[..., 0] if file == "classes.txt" else mask
        Image.fromarray(mask).save(tmp_path / f"masks/{place}.png")
    write(OTHER, TWO)
    dataset = load_dataset(tmp_path, targets="masks", hold_out=False)
    assert dataset.class_names == (OTHER, ONE)
    write(ONE, TWO)
    with pytest.raises(DataError, match=f"two classes have the name {ONE}"):
        load_dataset(tmp_path, targets="masks", hold_out=False)
