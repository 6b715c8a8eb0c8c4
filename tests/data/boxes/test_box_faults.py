"""Boxes that are wrong, and files that want to do harm."""

import contextlib
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from box_folders import (
    SCENES,
    expected,
    kinds,
    labelme_of,
    objects_of,
    paint,
    voc_xml,
    write_coco,
    write_labelme,
    write_pictures,
    write_voc,
    write_yolo,
)
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from swin_keras.data.boxes import as_dataset, read_boxes
from swin_keras.data.boxes.coco import read_coco
from swin_keras.data.boxes.files import DEEPEST, read_json, read_xml, read_yaml
from swin_keras.data.boxes.looking import header
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.data.boxes.records import RawBoxes
from swin_keras.data.boxes.tidy import tidy
from swin_keras.data.image_io import decode_image
from swin_keras.errors import DataError


def tidied(boxes, classes=None, size=(100, 80), orientation=1, **more):
    """What becomes of some boxes of a picture of `size`."""
    classes = [0] * len(boxes) if classes is None else classes
    raw = RawBoxes("a.png", np.array(boxes, float), np.array(classes), **more)
    return tidy(raw, size, orientation, ("cat", "dog"))


@pytest.mark.parametrize(
    ("box", "kind", "kept"),
    [
        ((-20, 10, 50, 90), "leaves the picture", [0, 10, 50, 80]),
        ((50, 40, 20, 10), "swapped corners", [20, 10, 50, 40]),
        ((10, 10, 10, 40), "no area", None),
        ((10, 10, 40, 10.001), "no area", None),
        ((200, 10, 300, 40), "outside", None),
        ((math.nan, 10, 30, 40), "not finite", None),
        ((0, 10, math.inf, 40), "not finite", None),
        ((0, 10, 1e300, 40), "not finite", None),
        ((-0.4, 10, 100.6, 40), None, [0, 10, 100, 40]),  # rounding, not worth a word
        ((0, 0, 100, 80), None, [0, 0, 100, 80]),
    ],
)
def test_a_wrong_box_is_bent_right_or_left_out_and_named(box, kind, kept):
    record, findings, _ = tidied([box, (1, 2, 3, 4)])
    assert [f.kind for f in findings] == [kind] * (kind is not None)
    assert record.boxes.tolist() == [kept] * (kept is not None) + [[1, 2, 3, 4]]
    if kept is None:
        assert "is left out" in findings[0].detail


def test_the_same_box_counts_once_but_not_that_of_another_class():
    box = (1, 2, 30, 40)
    record, findings, _ = tidied([box, box, box], [0, 1, 0])
    assert record.classes.tolist() == [0, 1]
    assert [f.kind for f in findings] == ["doubled"]
    assert findings[0].detail == "cat at 1, 2, 30, 40 is there more than once"


def test_an_id_of_no_category_is_an_error():
    record, findings, _ = tidied([(1, 2, 3, 4)] * 3, [5, -1, 1])
    assert record.classes.tolist() == [1]
    assert {(f.level, f.kind) for f in findings} == {("error", "unknown class")}
    assert "no category has its id" in findings[0].detail


def stated(size, box=(20, 40, 100, 80), **picture):
    raw = RawBoxes("a.png", np.array([box], float), np.array([0]), size)
    return tidy(raw, picture.get("size", (100, 80)), picture.get("turn", 1), ("cat",))


def test_boxes_for_a_larger_copy_of_a_picture_are_scaled():
    record, findings, _ = stated((200, 160))
    assert record.boxes.tolist() == [[10, 20, 50, 40]]
    assert record.areas.tolist() == [800]
    assert [(f.level, f.kind) for f in findings] == [("warning", "another size")]


def test_boxes_for_a_picture_of_another_shape_are_an_error():
    record, findings, _ = stated((80, 100))
    assert record is None
    assert [(f.level, f.kind) for f in findings] == [("error", "another picture")]


def exif(orientation):
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    return tags


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("tool_turns", [True, False])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_boxes_are_turned_with_their_picture(tmp_path, orientation, tool_turns, name):
    box, size = (6, 9, 20, 30), (64, 48)
    picture = paint(size, [(0, *box)])
    picture.save(tmp_path / name, exif=exif(orientation))
    upright = np.asarray(decode_image(tmp_path / name))
    rows, columns = np.nonzero(upright[..., 0] == 255)
    seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    drawn_on = upright.shape[1::-1] if tool_turns else size
    x1, y1, x2, y2 = seen if tool_turns else box
    content = {
        "imagePath": name,
        "imageWidth": int(drawn_on[0]),
        "imageHeight": int(drawn_on[1]),
        "shapes": [
            {
                "label": "cat",
                "points": [[int(x1), int(y1)], [int(x2), int(y2)]],
                "shape_type": "rectangle",
            }
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    (record,) = boxes.records
    assert (record.width, record.height) == upright.shape[1::-1]
    says_nothing = orientation in (2, 3, 4)  # the size is the same before and after
    assert any("nothing says" in note for note in boxes.notes) == says_nothing
    if tool_turns or not says_nothing:
        assert record.boxes.tolist() == [seen]
    (split,) = as_dataset(boxes).splits.values()
    assert split.size(0) == upright.shape[1::-1]


def test_exif_behind_the_pixels_of_a_png_is_found(tmp_path):
    write_pictures(tmp_path, ["a.png"], exif=exif(6))
    content = (tmp_path / "a.png").read_bytes()
    start = content.index(b"eXIf") - 4
    length = int.from_bytes(content[start : start + 4], "big") + 12
    chunk, rest = content[start : start + length], content[:start]
    rest += content[start + length :]
    end = rest.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(rest[:end] + chunk + rest[end:])
    (tmp_path / "a.json").write_text(json.dumps(labelme_of("a.png")))
    (record,) = read_boxes(tmp_path).records
    assert decode_image(tmp_path / "a.png").size == (record.width, record.height)
    assert (record.width, record.height) == (48, 64)


def in_text(tags) -> PngInfo:
    """EXIF as ImageMagick writes it into a PNG."""
    content = tags.tobytes()
    said, text = PngInfo(), f"\nexif\n{len(content):8d}\n{content.hex()}\n"
    said.add_text("Raw profile type exif", text, zip=True)
    return said


def in_xmp(tags) -> PngInfo:
    said, turn = PngInfo(), tags[ExifTags.Base.Orientation]
    said.add_itxt("XML:com.adobe.xmp", f'<x tiff:Orientation="{turn}"/>')
    return said


@pytest.mark.parametrize("written", [in_text, in_xmp])
@pytest.mark.parametrize("decode", [False, True])
def test_a_turn_in_the_text_of_a_png_is_found(tmp_path, written, decode):
    write_pictures(tmp_path, ["a.png"], pnginfo=written(exif(6)))
    (tmp_path / "a.json").write_text(json.dumps(labelme_of("a.png")))
    (record,) = read_boxes(tmp_path, decode=decode).records
    assert decode_image(tmp_path / "a.png").size == (record.width, record.height)
    assert (record.width, record.height) == (48, 64)
    assert header((tmp_path / "a.png").read_bytes()).orientation == 6


def change_coco(root, change):
    content = write_coco(root)
    change(content)
    (root / "annotations.json").write_text(json.dumps(content))
    return read_boxes(root)


def test_what_is_wrong_in_coco_is_counted_by_kind(tmp_path):
    def change(content):
        images, annotations = content["images"], content["annotations"]
        images.append({"id": 900, "file_name": "gone.png", "width": 9, "height": 9})
        images.append({"id": 901, "file_name": "../../etc/passwd"})
        images.append({"id": [1], "file_name": "f.png"})
        images.append("what?")
        annotations.append({"image_id": 900, "category_id": 3, "bbox": [1, 1, 2, 2]})
        annotations.append({"image_id": 100, "category_id": 4, "bbox": [1, 1, 2, 2]})
        annotations.append({"image_id": 100, "category_id": 3, "bbox": [1, 1, "x", 2]})
        annotations.append({"image_id": 100, "category_id": 3, "bbox": [1, 1, 2]})
        annotations.append({"image_id": 100, "category_id": 3, "bbox": [9, 9, -4, 4]})
        annotations.append({"image_id": 555, "category_id": 3, "bbox": [1, 1, 2, 2]})
        annotations.append({"image_id": {}, "category_id": 3})
        annotations.append(17)

    boxes = change_coco(tmp_path, change)
    assert kinds(boxes) == {
        "missing image": 2,
        "image without id": 2,
        "unknown class": 1,
        "not finite": 2,
        "swapped corners": 1,
        "box of no image": 3,
    }
    details = " ".join(f"{f.path} {f.detail}" for f in boxes.findings)
    assert "gone.png annotations.json names it, but it is not in the folder" in details
    assert (
        "etc/passwd annotations.json names it, but it is not in the folder" in details
    )
    good = {name: objects for name, objects in objects_of(boxes).items()}
    assert good["a.png"] == sorted([*expected()["a.png"], (0, 5, 9, 9, 13)])
    assert good["b.png"] == expected()["b.png"]


@pytest.mark.parametrize(
    ("categories", "words"),
    [
        ([{"id": 3, "name": "cat"}, {"id": 3, "name": "dog"}], r"share the id 3\."),
        ([{"id": 3, "name": "cat"}, {"id": 4, "name": "cat"}], "share the name 'cat'"),
        ([{"id": "x", "name": "cat"}], "no whole number as its id"),
        ([{"id": 3, "name": "a\x1b[31m"}], "control character"),
        ([{"id": 3}], "of the type NoneType"),
        ([3], "no whole number"),
        ([], "no categories"),
    ],
)
def test_categories_that_cannot_be_told_apart_are_refused(tmp_path, categories, words):
    with pytest.raises(DataError, match=words) as caught:
        change_coco(tmp_path, lambda content: content.update(categories=categories))
    assert "\x1b" not in str(caught.value)


def test_a_picture_that_is_listed_twice_counts_once(tmp_path):
    def change(content):
        content["images"].append(dict(content["images"][0], id=999))

    boxes = change_coco(tmp_path, change)
    assert kinds(boxes) == {"picture twice": 1}
    assert objects_of(boxes) == expected()


def test_a_picture_that_is_in_two_places_is_not_guessed(tmp_path):
    write_coco(tmp_path, ["a.png"])
    write_pictures(tmp_path / "other", ["a.png"])
    (finding,) = read_boxes(tmp_path).findings
    assert finding.kind == "missing image"
    assert "may be images/a.png or other/a.png" in finding.detail


def test_damaged_and_missing_pictures_are_left_out_with_the_reason(tmp_path):
    write_coco(tmp_path)
    path = tmp_path / "images/a.png"
    path.write_bytes(path.read_bytes()[:60])
    (tmp_path / "images/b.png").unlink()
    boxes = read_boxes(tmp_path)
    assert kinds(boxes) == {"unreadable": 1, "missing image": 1}
    assert "a.png" not in objects_of(boxes)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("cat 0.5 0.5 0.2 0.2", "must begin with the number of a class"),
        ("0 0.5 0.5 0.2", "four numbers"),
        ("0 0.5 0.5 0.2 0.2 0.9", "four numbers"),
        ("0 20 30 40 50", "between 0 and 1"),
        ("1e40 0.5 0.5 0.2 0.2", "number of a class"),
        ("0", "four numbers"),
    ],
)
def test_lines_of_yolo_that_are_none_are_named(tmp_path, line, words):
    write_yolo(tmp_path)
    (tmp_path / "labels/a.txt").write_text(f"{line}\n0 0.5 0.5 0.5 0.5\n")
    boxes = read_boxes(tmp_path)
    (finding,) = boxes.findings
    assert finding.path == "labels/a.txt"
    assert finding.detail.startswith("line 1, ")
    assert words in finding.detail
    assert boxes.records[0].boxes.tolist() == [[16, 12, 48, 36]]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_no_numbers_in_yolo_are_left_out(tmp_path, value):
    write_yolo(tmp_path)
    (tmp_path / "labels/a.txt").write_text(f"0 {value} 0.5 0.2 0.2\n")
    (finding,) = read_boxes(tmp_path).findings
    assert finding.kind in ("not finite", "no such line")
    assert finding.level == "error"


def test_a_picture_whose_labels_cannot_be_read_is_left_out(tmp_path):
    """Not taken for one without objects."""
    write_yolo(tmp_path)
    (tmp_path / "labels/a.txt").write_bytes(b"\xff\xfe0\x00")
    boxes = read_boxes(tmp_path)
    assert [(f.level, f.path) for f in boxes.findings] == [("error", "labels/a.txt")]
    assert len(boxes.records) == len(SCENES) - 1
    assert all(not record.path.endswith("a.png") for record in boxes.records)


def test_a_place_of_a_split_that_is_not_there_is_said(tmp_path):
    places = ["images/train", "images/mising"]
    write_yolo(tmp_path, {"train": ["a.png", "b.png"]}, train=places)
    boxes = read_boxes(tmp_path)
    assert len(boxes.splits["train"]) == 2
    note = "data.yaml: train, 'images/mising', is not in the folder."
    assert note in boxes.notes


def test_labels_of_no_picture_are_counted(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "labels/zebra.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    assert any(
        "1 labels of no picture: labels/zebra" in n for n in read_boxes(tmp_path).notes
    )


def test_a_yaml_that_leads_out_of_the_folder_reads_nothing_there(tmp_path):
    write_yolo(tmp_path / "other")
    inner = tmp_path / "inner"
    write_yolo(inner, {"train": ["a.png"]}, val="../other/images", test="/etc")
    boxes = read_boxes(inner)
    assert list(boxes.splits) == ["train"]
    assert sum("is not in the folder" in note for note in boxes.notes) == 2


def test_damaged_xml_among_others_is_an_error_of_its_own(tmp_path):
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    path.write_text(path.read_text()[:80])
    (tmp_path / "Annotations/b.xml").write_text(
        voc_xml("b.png").replace("b.png", "q.png")
    )
    boxes = read_boxes(tmp_path)
    assert kinds(boxes) == {"damaged": 1}
    assert objects_of(boxes)["b.png"] == expected()["b.png"]  # found by the file's name


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("utf-16", "utf-16"),
        ("iso-8859-1", "latin-1"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-8"),  # as tools write that put text together before
    ],
)
def test_xml_is_read_in_the_letters_that_it_declares(tmp_path, declared, written):
    write_voc(tmp_path)
    for path in sorted((tmp_path / "Annotations").iterdir()):
        text = path.read_text().replace(">cat<", ">Bär<")
        text = f'<?xml version="1.0" encoding="{declared}"?>{text}'
        path.write_bytes(text.encode(written))
    boxes = read_boxes(tmp_path)
    assert kinds(boxes) == {}
    assert boxes.class_names == ("Bär", "dog", "owl")


def test_xml_in_letters_that_nothing_reads_is_damaged(tmp_path):
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    text = path.read_text().replace(">cat<", ">灰猫<")
    for name in ("gbk", "klingon"):
        path.write_bytes(f'<?xml version="1.0" encoding="{name}"?>{text}'.encode("gbk"))
        assert kinds(read_boxes(tmp_path)) == {"damaged": 1}


def test_a_name_that_is_none_takes_its_boxes_with_it(tmp_path):
    write_voc(tmp_path)
    path = tmp_path / "Annotations/a.xml"
    path.write_text(path.read_text().replace("<name>cat<", "<name>&#10;c\u202eat<", 1))
    boxes = read_boxes(tmp_path)
    assert kinds(boxes) == {"unknown class": 1}
    assert boxes.class_names == ("cat", "dog", "owl")
    assert any("cannot name a class" in note for note in boxes.notes)


def test_links_lead_out_of_the_folder_only_when_asked(tmp_path):
    write_yolo(tmp_path / "real")
    folder = tmp_path / "folder"
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("names: [cat, dog, owl]\n")
    (folder / "labels/a.txt").symlink_to(tmp_path / "real/labels/a.txt")
    (folder / "images/a.png").symlink_to(tmp_path / "real/images/a.png")
    with pytest.raises(DataError, match="holds no pictures"):
        read_boxes(folder)
    assert objects_of(read_boxes(folder, follow_links=True)) == expected(["a.png"])


# Files that want to do harm


LAUGHS = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]><annotation><filename>&b;</filename></annotation>
"""
EXTERNAL = """<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<annotation><filename>&x;</filename></annotation>"""


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        EXTERNAL,
        "<a>" * (DEEPEST + 1) + "</a>" * (DEEPEST + 1),
        "<annotation>&x;</annotation>",
        "<annotation>",
        "",
        "<annotation/><annotation/>",
    ],
)
def test_xml_has_no_document_type_no_depth_and_one_root(tmp_path, text):
    path = tmp_path / "a.xml"
    path.write_text(text)
    with pytest.raises(DataError, match="is no such XML"):
        read_xml(path)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1, 1]\nb: [*x, *x]\n",
        "names: &n [*n]\n",
        "names: [" + "1," * 25_000 + "]",
        "[" * 200_000,
        "names: !!python/object/apply:os.system ['true']",
        "names: [\x00]",
    ],
)
def test_yaml_has_neither_aliases_nor_objects_nor_depth(tmp_path, text):
    path = tmp_path / "data.yaml"
    path.write_text(text)
    with pytest.raises(DataError, match="is no such YAML"):
        read_yaml(path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 10_000, "{", "", '{"a": \xff}', "[1] 2"]
)
def test_json_that_cannot_be_read_is_refused_in_words(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError, match=r"is not JSON|is not text"):
        read_json(path)


def test_files_that_are_too_large_are_not_read(tmp_path):
    path = tmp_path / "a.xml"
    with path.open("wb") as file:
        file.truncate(2**25)
    with pytest.raises(DataError, match="is larger than 16,777,216 bytes"):
        read_xml(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    write_labelme(tmp_path)
    os.mkfifo(tmp_path / "z.json")
    boxes = read_boxes(tmp_path)
    assert kinds(boxes) == {"damaged": 1}
    assert objects_of(boxes) == expected()


@pytest.mark.parametrize("width", [1e308, -5, "NaN", [], True, 0])
def test_sizes_that_cannot_be_are_not_believed(tmp_path, width):
    def change(content):
        for image in content["images"]:
            image["width"] = width

    boxes = change_coco(tmp_path, change)
    assert kinds(boxes).keys() <= {"another picture"}
    if width != 1e308:
        assert objects_of(boxes) == expected()


def test_any_value_in_any_place_gives_boxes_or_words(tmp_path):
    values = [None, True, -1, 1e400, "x", "", [], {}, [[[]]], {"a": 1}, math.nan]
    write_pictures(tmp_path, SCENES)
    rng = np.random.default_rng(0)
    read = 0
    for _ in range(60):
        content = labelme_of("d.png")
        holders = [
            content,
            *content["shapes"],
            *[s["points"] for s in content["shapes"]],
        ]
        holder = holders[rng.integers(len(holders))]
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        holder[keys[rng.integers(len(keys))]] = values[rng.integers(len(values))]
        (tmp_path / "d.json").write_text(json.dumps(content))
        try:
            (record,) = read_boxes(tmp_path).records or [None]
        except DataError:
            continue
        if record is not None:
            read += 1
            assert (record.boxes >= 0).all()
            assert (record.boxes <= 64).all()
    assert read > 25


def test_any_value_in_any_place_of_coco_gives_boxes_or_words(tmp_path):
    values = [None, True, -1, 10**30, "x", "", [], {}, [[[]]], {"a": 1}, math.nan]
    write_coco(tmp_path)
    rng = np.random.default_rng(1)
    read = 0
    for _ in range(150):
        content = json.loads(Path(tmp_path / "annotations.json").read_text())
        part = content[("images", "annotations", "categories")[rng.integers(3)]]
        place = int(rng.integers(len(part)))
        value = values[rng.integers(len(values))]
        if rng.random() < 0.2:
            part[place] = value
        else:
            keys = list(part[place])
            part[place][keys[rng.integers(len(keys))]] = value
        with contextlib.suppress(DataError):  # any other error fails
            read_coco({"a.json": content}, PictureNames(SCENES))
            read += 1
    assert 25 < read < 125


def test_a_list_of_pictures_that_are_not_there_is_an_error(tmp_path):
    write_yolo(tmp_path, train="train.txt")
    (tmp_path / "train.txt").write_text("images/a.png\nimages/zebra.png\n")
    boxes = read_boxes(tmp_path)
    (finding,) = boxes.findings
    assert (finding.level, finding.path) == ("error", "train.txt")
    assert finding.detail == "line 2: 'images/zebra.png' is not in the folder"
    assert objects_of(boxes) == expected(["a.png"])


def test_a_picture_of_another_split_is_not_taken_for_a_missing_one():
    pictures = PictureNames(["train/a.jpg", "val/a.jpg", "val/b.jpg"])
    beside = "annotations/instances_train.json"
    assert pictures.find("a.jpg", beside, "train") == "train/a.jpg"
    with pytest.raises(ValueError, match="only in a folder of another split, as val/b"):
        pictures.find("b.jpg", beside, "train")
    with pytest.raises(ValueError, match="only in a folder of another split"):
        pictures.find_stem("b", "labels/train/b.txt", "train")
    assert pictures.find("val/b.jpg", beside, "train") == "val/b.jpg"
    assert pictures.find("b.jpg", "labels.json", "all") == "val/b.jpg"
    shared = PictureNames(["train/a.jpg", "train/b.jpg"])
    assert shared.find("b.jpg", "val.json", "val") == "train/b.jpg"


def test_an_unknown_category_is_named_as_in_its_file(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][0]["category_id"] = 77
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    (finding,) = read_boxes(tmp_path).findings
    assert finding.detail.startswith("class 77 at ")


def test_a_damaged_json_of_one_split_does_not_make_the_other_the_whole(tmp_path):
    write_coco(tmp_path, file="annotations/val.json", folder="val")
    write_coco(tmp_path, file="annotations/train.json", folder="train")
    (tmp_path / "annotations/train.json").write_text("{")
    with pytest.raises(DataError, match="it is not JSON"):
        read_boxes(tmp_path)
