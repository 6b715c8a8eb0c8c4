"""All formats say the same of the same pictures, and which one it is, is seen."""

import json

import numpy as np
import pytest
from box_folders import (
    NAMES,
    SCENES,
    coco_of,
    expected,
    kinds,
    objects_of,
    voc_xml,
    write_coco,
    write_labelme,
    write_pictures,
    write_voc,
    write_yolo,
)

from swin_keras.data import load_dataset
from swin_keras.data.boxes import as_dataset, check_boxes, holds_boxes, read_boxes
from swin_keras.errors import DataError, UsageError

WRITERS = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "labelme": write_labelme,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_says_the_same(tmp_path, name):
    WRITERS[name](tmp_path)
    boxes = read_boxes(tmp_path)
    assert objects_of(boxes) == expected()
    assert sorted(boxes.class_names) == list(NAMES)
    assert not boxes.findings
    sizes = {r.path.split("/")[-1]: (r.width, r.height) for r in boxes.records}
    assert sizes == {name: size for name, (size, _) in SCENES.items()}
    for record in boxes.records:
        assert record.boxes.dtype == np.float32
        assert record.boxes.shape == (record.count, 4)
        assert record.classes.dtype == np.int32
        assert not record.ignored.any()


@pytest.mark.parametrize("name", WRITERS)
def test_which_format_it_is_is_said(tmp_path, name):
    WRITERS[name](tmp_path)
    boxes = read_boxes(tmp_path)
    assert boxes.format in boxes.notes[0]
    assert name in boxes.format.lower().replace("pascal ", "")


@pytest.mark.parametrize("second", ["yolo", "voc", "labelme"])
def test_two_formats_in_a_folder_are_refused_in_words(tmp_path, second):
    write_coco(tmp_path / "one")
    WRITERS[second](tmp_path / "two")
    with pytest.raises(DataError, match=r"COCO json .* and .*only one of them"):
        read_boxes(tmp_path)


def test_the_format_can_be_named_where_there_are_two(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "annotations.json").write_text(json.dumps(coco_of()))
    assert read_boxes(tmp_path, box_format="voc").format == "Pascal VOC xml"
    assert read_boxes(tmp_path, box_format="coco").format == "COCO json"
    with pytest.raises(DataError, match="holds no YOLO txt"):
        read_boxes(tmp_path, box_format="yolo")
    with pytest.raises(UsageError, match="Did you mean 'coco'"):
        read_boxes(tmp_path, box_format="cocoo")


def test_a_folder_without_boxes_is_refused_in_words(tmp_path):
    write_pictures(tmp_path)
    with pytest.raises(DataError, match=r"holds no boxes\. Boxes are read from COCO"):
        read_boxes(tmp_path)
    with pytest.raises(DataError, match="must be in a folder"):
        read_boxes(tmp_path / "nowhere")


def test_other_json_and_text_files_do_not_count(tmp_path):
    write_voc(tmp_path)
    (tmp_path / "package.json").write_text('{"name": "x", "images": 3}')
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "pom.xml").write_text("<project/>")
    assert read_boxes(tmp_path).format == "Pascal VOC xml"


def test_pictures_of_no_annotation_are_counted(tmp_path):
    write_coco(tmp_path, ["a.png", "b.png"])
    write_pictures(tmp_path / "more", ["e.png", "f.png"])
    notes = " ".join(read_boxes(tmp_path).notes)
    assert "which no annotations speak of or which are in no split: 2" in notes


# COCO


def test_coco_ids_with_gaps_become_classes_and_are_kept(tmp_path):
    write_coco(tmp_path)
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == NAMES
    assert boxes.category_ids == (3, 7, 90)
    assert [record.image_id for record in boxes.records] == list(range(100, 106))


def test_coco_files_named_for_splits_are_these_splits(tmp_path):
    write_coco(
        tmp_path, ["a.png", "b.png", "c.png"], "annotations/instances_train.json"
    )
    write_coco(tmp_path, ["d.png"], "annotations/instances_val2017.json")
    (tmp_path / "annotations/captions_train.json").write_text(
        json.dumps({"images": [], "annotations": [{"caption": "x"}], "categories": []})
    )
    boxes = read_boxes(tmp_path)
    assert {title: len(split) for title, split in boxes.splits.items()} == {
        "train": 3,
        "val": 1,
    }


def test_a_picture_of_the_same_name_is_taken_from_the_folder_of_its_split(tmp_path):
    for title in ("train", "valid"):
        content = coco_of(["a.png"])
        write_pictures(tmp_path / title, ["a.png"])
        (tmp_path / title / "_annotations.coco.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert [r.path for r in boxes.splits["train"]] == ["train/a.png"]
    assert [r.path for r in boxes.splits["val"]] == ["valid/a.png"]
    assert not boxes.findings


def test_categories_of_a_second_file_go_by_their_names(tmp_path):
    write_coco(tmp_path, ["a.png"], "train.json")
    content = coco_of(["d.png"])
    new_ids = {3: 1, 7: 0, 90: 2}
    for part in content["categories"]:
        part["id"] = new_ids[part["id"]]
    for part in content["annotations"]:
        part["category_id"] = new_ids[part["category_id"]]
    write_pictures(tmp_path / "images", ["d.png"])
    (tmp_path / "val.json").write_text(json.dumps(content))
    assert objects_of(read_boxes(tmp_path)) == expected(["a.png", "d.png"])


@pytest.mark.parametrize(
    ("name", "above"), [("background", "animal"), ("animal", "none")]
)
def test_a_category_that_stands_for_no_object_is_no_class(tmp_path, name, above):
    content = write_coco(tmp_path)
    content["categories"].insert(0, {"id": 0, "name": name, "supercategory": above})
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == NAMES
    assert any(
        f"The category '{name}' has no boxes: no class" in n for n in boxes.notes
    )


@pytest.mark.parametrize("names", [("cat",), ("cat", "dog", "owl")])
def test_a_category_above_all_may_have_the_name_of_a_class(tmp_path, names):
    """As some exports have it: the folder's name, then the classes."""
    content = write_coco(tmp_path)
    for part in content["annotations"]:
        part["category_id"] %= len(names)
    content["categories"] = [{"id": 7, "name": "cat", "supercategory": "none"}] + [
        {"id": place, "name": name, "supercategory": "cat"}
        for place, name in enumerate(names)
    ]
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == names
    assert boxes.category_ids == tuple(range(len(names)))
    assert not boxes.findings
    assert not any("no class" in note for note in boxes.notes)
    content["annotations"][0]["category_id"] = 7
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match="two categories share the name 'cat'"):
        read_boxes(tmp_path)


def test_crowds_and_areas_of_coco_are_kept(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][1] |= {"iscrowd": 1, "area": 77}
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    record = read_boxes(tmp_path).records[0]
    assert record.crowd.tolist() == [False, True]
    assert record.ignored.tolist() == [False, True]
    assert record.areas.tolist() == [16 * 24, 77]
    targets = as_dataset(read_boxes(tmp_path)).splits["all"].targets
    assert targets.load(0).areas.tolist() == [16 * 24, 77]


def test_an_outline_stands_in_for_a_box(tmp_path):
    content = write_coco(tmp_path, ["e.png"])
    content["annotations"][0]["segmentation"] = [[10, 25, 30, 15, 20, 5]]
    del content["annotations"][0]["bbox"]
    content["annotations"].append(
        dict(content["annotations"][0], id=9, bbox=[1, 2, 3, 4])
    )
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    record = read_boxes(tmp_path).records[0]
    assert record.boxes.tolist() == [[10, 5, 30, 25], [1, 2, 4, 6]]


# YOLO


def test_yolo_splits_are_those_of_its_yaml(tmp_path):
    write_yolo(tmp_path, {"train": ["a.png", "b.png", "c.png"], "val": ["d.png"]})
    boxes = read_boxes(tmp_path)
    assert {title: len(split) for title, split in boxes.splits.items()} == {
        "train": 3,
        "val": 1,
    }
    assert objects_of(boxes) == expected(["a.png", "b.png", "c.png", "d.png"])


@pytest.mark.parametrize("train", ["../train/images", "./train/images", "train/images"])
def test_a_yaml_that_was_right_elsewhere_is_understood(tmp_path, train):
    write_pictures(tmp_path / "train" / "images", ["a.png"])
    (tmp_path / "train" / "labels").mkdir()
    (tmp_path / "train/labels/a.txt").write_text("2 0.5 0.5 0.5 0.5\n")
    (tmp_path / "data.yaml").write_text(f"train: {train}\nnames: [cat, dog, owl]\n")
    boxes = read_boxes(tmp_path)
    assert boxes.splits["train"][0].boxes.tolist() == [[16, 12, 48, 36]]


def test_yolo_lists_of_files_are_splits(tmp_path):
    write_yolo(tmp_path, path="/home/somebody/data", train="train.txt", val="val.txt")
    (tmp_path / "train.txt").write_text("./images/a.png\n./images/b.png\n")
    (tmp_path / "val.txt").write_text("/home/somebody/data/images/d.png\n")
    boxes = read_boxes(tmp_path)
    names = {t: [r.path for r in split] for t, split in boxes.splits.items()}
    assert names == {
        "train": ["images/a.png", "images/b.png"],
        "val": ["images/d.png"],
    }


def test_labels_beside_the_pictures_with_a_text_file_of_names(tmp_path):
    write_pictures(tmp_path, ["a.png", "e.png"])
    (tmp_path / "a.txt").write_text("1 0.5 0.5 1 1")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    boxes = read_boxes(tmp_path)
    assert boxes.class_names == ("cat", "dog")
    assert [record.count for record in boxes.records] == [1, 0]


def test_an_outline_of_yolo_becomes_the_box_around_it(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "labels/e.txt").write_text("2 0.25 0.5 0.5 0.25 0.75 1.0\n")
    record = next(r for r in read_boxes(tmp_path).records if r.path.endswith("e.png"))
    assert record.boxes.tolist() == [[12, 8, 36, 32]]


def test_ids_that_count_from_one_are_an_error_that_says_so(tmp_path):
    write_yolo(tmp_path)
    for path in (tmp_path / "labels").iterdir():
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{int(x[0]) + 1}{x[1:]}\n" for x in lines))
    boxes = read_boxes(tmp_path)
    assert any(f.kind == "unknown class" and f.level == "error" for f in boxes.findings)
    assert any("seem to count from 1" in note for note in boxes.notes)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("[cat, cat]", "same name"),
        ("{0: cat, 2: dog}", "count from 0 without gaps"),
        ("[no, cat]", "of the type bool"),
        ("[]", "must be a list"),
        ('["a\\nb", cat]', "control character"),
    ],
)
def test_names_of_yolo_that_cannot_be_are_refused(tmp_path, names, words):
    write_yolo(tmp_path)
    (tmp_path / "data.yaml").write_text(f"names: {names}\n")
    with pytest.raises(DataError, match=words):
        read_boxes(tmp_path)


def test_yolo_without_any_labels_or_names_is_refused_in_words(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    with pytest.raises(DataError, match="need the names of their classes"):
        read_boxes(tmp_path)
    other = tmp_path / "other"
    write_pictures(other, ["a.png"])
    (other / "data.yaml").write_text("names: [cat]\n")
    with pytest.raises(DataError, match="none of 1 pictures has a file of labels"):
        read_boxes(other)


def test_a_split_of_pictures_that_are_in_another_one_is_left_out_once(tmp_path):
    """As in coco128, whose val is its train."""
    write_yolo(tmp_path, {"train": list(SCENES)}, val="images/train")
    boxes = read_boxes(tmp_path)
    assert list(boxes.splits) == ["train"]
    assert not boxes.findings
    assert [n for n in boxes.notes if "val" in n] == [
        "data.yaml: val, left out: its 6 pictures are in train, too."
    ]
    assert check_boxes(tmp_path).ok
    assert len(load_dataset(tmp_path, targets="boxes").splits["val"]) == 1


def test_the_test_split_of_yolo_may_not_be_val_again(tmp_path):
    splits = {"train": ["a.png", "b.png"], "val": ["d.png", "e.png"]}
    write_yolo(tmp_path, splits, test=["images/val"])
    boxes = read_boxes(tmp_path)
    assert list(boxes.splits) == ["train", "val"]
    assert not boxes.findings


# VOC


def test_voc_lists_are_splits(tmp_path):
    lists = {"train": ["a.png", "b.png"], "val": ["c.png", "d.png"], "trainval": SCENES}
    write_voc(tmp_path, lists)
    (tmp_path / "ImageSets/Main/cat_train.txt").write_text("a 1\nb -1\n")
    boxes = read_boxes(tmp_path)
    assert {title: len(split) for title, split in boxes.splits.items()} == {
        "train": 2,
        "val": 2,
    }


def test_voc_pixels_from_zero_are_seen(tmp_path):
    write_voc(tmp_path)
    for name in SCENES:
        text = voc_xml(name, origin=0)
        if name == "a.png":
            text = text.replace("<xmin>4<", "<xmin>0<")
        (tmp_path / "Annotations" / name).with_suffix(".xml").write_text(text)
    boxes = read_boxes(tmp_path)
    assert objects_of(boxes)["b.png"] == expected()["b.png"]
    assert any("counted from 0" in note for note in boxes.notes)


def test_from_where_pixels_of_voc_are_counted_is_said_and_kept(tmp_path):
    write_voc(tmp_path)
    boxes = read_boxes(tmp_path)
    assert any("counted from 1" in note for note in boxes.notes)
    assert any("counted from 1" in note for note in check_boxes(tmp_path).notes)
    assert as_dataset(boxes).voc_from_zero is False
    asked = load_dataset(tmp_path, targets="boxes", voc_from_zero=True)
    assert any("counted from 0" in note for note in asked.notes)
    assert asked.voc_from_zero is True
    (first,) = read_boxes(tmp_path, voc_from_zero=True).splits["all"][1].boxes.tolist()
    assert first == [2, 2, 49, 59]
    write_coco(tmp_path / "coco")
    assert as_dataset(read_boxes(tmp_path / "coco")).voc_from_zero is None


def test_swapped_corners_of_voc_keep_their_pixels(tmp_path):
    """1-based pixels 5..20 of "a.png" are the edges 4 and 20, however written."""
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    text = path.read_text().replace("<xmin>5<", "<xmin>20<", 1)
    path.write_text(text.replace("<xmax>20<", "<xmax>5<", 1))
    boxes = read_boxes(tmp_path)
    assert objects_of(boxes) == expected()
    assert kinds(boxes) == {"swapped corners": 1}


def test_difficult_objects_of_voc_are_ignored(tmp_path):
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<difficult>0", "<difficult>1", 1))
    record = read_boxes(tmp_path).records[0]
    assert record.difficult.tolist() == record.ignored.tolist() == [True, False]


def test_a_list_that_names_no_annotation_is_an_error(tmp_path):
    write_voc(tmp_path, {"train": ["a.png", "zebra.png"], "val": ["a.png"]})
    findings = read_boxes(tmp_path).findings
    assert [f.detail for f in findings if f.kind == "list"] == [
        "line 2: there are no annotations of zebra",
        "line 1: a stands in ImageSets/Main/train.txt, too",
    ]


def test_files_in_folders_of_splits_are_these_splits(tmp_path):
    for folder, name in (("train", "a.png"), ("valid", "d.png"), ("test", "e.png")):
        write_pictures(tmp_path / folder, [name])
        (tmp_path / folder / name).with_suffix(".xml").write_text(voc_xml(name))
    boxes = read_boxes(tmp_path)
    assert list(boxes.splits) == ["train", "val", "test"]


# LabelMe


def test_shapes_of_labelme_become_boxes(tmp_path):
    write_pictures(tmp_path, ["d.png"])
    shapes = [
        ("polygon", [[10, 10], [30, 20], [20, 40]], None),
        ("circle", [[30, 30], [30, 40]], None),
        ("point", [[1, 1]], None),
        ("polygon", [[1, 1], [5, 5], [1, 5]], 7),
        ("polygon", [[50, 50], [60, 50], [60, 60]], 7),
        (None, [[2, 2], [4, 2], [4, 6]], None),
    ]
    content = {
        "imagePath": "..\\d.png",
        "shapes": [
            {"label": "cat", "points": points, "group_id": group, "shape_type": kind}
            for kind, points, group in shapes
        ],
    }
    (tmp_path / "d.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert boxes.records[0].boxes.tolist() == [
        [10, 10, 30, 40],
        [20, 20, 40, 40],
        [1, 1, 60, 60],
        [2, 2, 4, 6],
    ]
    assert any("no area, left out: 1" in note for note in boxes.notes)


def test_the_picture_within_a_labelme_file_is_not_kept(tmp_path):
    write_labelme(tmp_path)
    content = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps(content | {"imageData": "x" * 10**6}))
    assert objects_of(read_boxes(tmp_path)) == expected()


# Is it boxes at all?


@pytest.mark.parametrize("name", WRITERS)
def test_a_folder_of_boxes_is_known_as_one(tmp_path, name):
    WRITERS[name](tmp_path)
    assert holds_boxes(tmp_path) == read_boxes(tmp_path).format
    with pytest.raises(DataError, match=r"holds boxes .* targets='boxes'"):
        load_dataset(tmp_path)
    dataset = load_dataset(tmp_path, targets="boxes", seed=1)
    assert dataset.classes == 3
    assert [len(split) for split in dataset.splits.values()] == [4, 1, 1]
    assert load_dataset(tmp_path, targets="boxes", hold_out=False).split("all")


def test_other_folders_are_not_taken_for_boxes(tmp_path):
    write_pictures(tmp_path / "cats", ["a.png"])
    write_pictures(tmp_path / "dogs", ["b.png"])
    (tmp_path / "classes.txt").write_text("1 cats\n2 dogs\n")  # as some sets have
    (tmp_path / "cats/a.txt.bak").write_text("")
    (tmp_path / "meta.json").write_text('{"images": [], "annotations": 3}')
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "aliases.yaml").write_text("a: &a [1]\nb: *a\n")
    assert holds_boxes(tmp_path) is None
    write_pictures(tmp_path / "masks/images", ["a.png"])
    write_pictures(tmp_path / "masks/annotations", ["a.png"])
    assert holds_boxes(tmp_path / "masks") is None


def test_what_is_wrong_with_the_only_yaml_is_said(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "data.yaml").write_text("names: &n [cat, dog, owl]\nothers: *n\n")
    with pytest.raises(DataError, match="aliases are not taken"):
        read_boxes(tmp_path)
