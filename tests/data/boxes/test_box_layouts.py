"""Folders as tools and people leave them: keypoints, years, links, names."""

import json
import unicodedata

import pytest
from box_folders import (
    SCENES,
    coco_of,
    expected,
    kinds,
    objects_of,
    write_coco,
    write_labelme,
    write_pictures,
    write_voc,
    write_yolo,
    yolo_lines,
)
from image_files import noise
from PIL import ExifTags, Image

from swin_keras.data.boxes import check_boxes, read_boxes, save_sheet
from swin_keras.data.boxes.coco import read_coco
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.errors import DataError, UsageError


def test_keypoints_after_a_box_of_yolo_are_left_out(tmp_path):
    write_yolo(tmp_path, kpt_shape=[2, 3])
    label = tmp_path / "labels/a.txt"
    points = " 0.45 0.45 2 0.55 0.55 1\n"
    label.write_text(yolo_lines("a.png").replace("\n", points))
    assert objects_of(read_boxes(tmp_path)) == expected()
    label.write_text("0 0.5 0.5 0.2 0.2 0.45 0.45\n")
    (finding,) = read_boxes(tmp_path).findings
    assert "must have a class, a box and 6 of keypoints" in finding.detail


@pytest.mark.parametrize("shape", [3, [17], [17, 0], [17, 2.5], "17 x 3"])
def test_a_shape_of_keypoints_that_is_none_is_refused(tmp_path, shape):
    write_yolo(tmp_path, kpt_shape=shape)
    with pytest.raises(DataError, match=r"kpt_shape must be \[points, numbers"):
        read_boxes(tmp_path)


def test_lists_of_classes_must_agree(tmp_path):
    write_yolo(tmp_path)
    (tmp_path / "data.yaml").unlink()
    for folder in ("images", "labels"):
        (tmp_path / folder / "classes.txt").write_text("cat\ndog\nowl\n")
    assert objects_of(read_boxes(tmp_path)) == expected()
    (tmp_path / "labels/classes.txt").write_text("dog\ncat\nowl\n")
    with pytest.raises(DataError, match=r"several lists of classes: images/classes"):
        read_boxes(tmp_path)


def test_years_of_voc_are_read_together(tmp_path):
    """Of 2012, only train and val; of 2007, trainval and test."""
    years = {
        "VOC2007": {
            "trainval": ["a.png", "b.png"],
            "val": ["b.png"],
            "test": ["c.png"],
        },
        "VOC2012": {"train": ["a.png", "d.png"], "val": ["b.png"]},
    }
    years["VOC2007"]["test"] = ["c.png"]
    for year, lists in years.items():
        write_voc(tmp_path / year, lists)
    boxes = read_boxes(tmp_path)
    assert not boxes.findings
    found = {t: [r.path for r in records] for t, records in boxes.splits.items()}
    assert found == {
        "train": [
            "VOC2007/JPEGImages/a.png",
            "VOC2007/JPEGImages/b.png",
            "VOC2012/JPEGImages/a.png",
            "VOC2012/JPEGImages/d.png",
        ],
        "val": ["VOC2012/JPEGImages/b.png"],
        "test": ["VOC2007/JPEGImages/c.png"],
    }
    assert any("or which are in no split: 6" in note for note in boxes.notes)


def test_names_in_lists_of_voc_may_have_spaces_and_folders(tmp_path):
    write_voc(tmp_path)
    for kind, ending in (("JPEGImages", "png"), ("Annotations", "xml")):
        folder = tmp_path / kind
        (folder / f"a.{ending}").rename(folder / f"my photo 1.{ending}")
        (folder / "sub").mkdir()
        (folder / f"b.{ending}").rename(folder / "sub" / f"b.{ending}")
    path = tmp_path / "ImageSets/Main/train.txt"
    path.parent.mkdir(parents=True)
    path.write_text("my photo 1\nsub/b\nd 1\n")
    boxes = read_boxes(tmp_path)
    assert not boxes.findings
    assert [r.path.split("/", 1)[1] for r in boxes.splits["train"]] == [
        "my photo 1.png",
        "sub/b.png",
        "d.png",
    ]


def test_a_name_finds_its_frame_among_those_of_many_films_at_once(monkeypatch):
    """Without comparing the paths of all that have its last part."""
    films, frames, compared = 100, 50, []
    paths = [f"film{f}/images/{n:03}.jpg" for f in range(films) for n in range(frames)]
    monkeypatch.setattr("swin_keras.data.boxes.pictures.same_end", compared.append)
    names = PictureNames(paths)
    assert [names.find(path) for path in paths] == paths
    assert not compared
    monkeypatch.undo()
    assert names.find("images/003.jpg", "film7/a.json") == "film7/images/003.jpg"
    with pytest.raises(ValueError, match=r"may be film0/images/003.jpg or film1/"):
        names.find("003.jpg", "a.json")


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_that_nothing_says_which_side_was_up_is_said(tmp_path, orientation):
    """YOLO states no sizes, and outlines have the note, too."""
    tags = Image.Exif()
    tags[ExifTags.Base.Orientation] = orientation
    write_yolo(tmp_path / "boxes")
    write_pictures(tmp_path / "boxes/images", ["a.png"], exif=tags)
    is_said = any(
        "nothing says" in note for note in read_boxes(tmp_path / "boxes").notes
    )
    assert is_said == (orientation != 1)

    from swin_keras.data.segmentation.outline_folder import look_into_outlines

    outlines = tmp_path / "outlines"
    content = write_coco(outlines, ["a.png"])
    write_pictures(outlines / "images", ["a.png"], exif=tags)
    for one in content["annotations"]:
        one["segmentation"] = [[5, 5, 20, 5, 20, 20]]
    (outlines / "annotations.json").write_text(json.dumps(content))
    notes = look_into_outlines(outlines, decode=False).notes
    # Of a picture on its side, COCO's size tells.
    assert any("whether their outlines" in note for note in notes) == (orientation == 3)


def test_outlines_of_coco_need_no_boxes(tmp_path):
    content = write_coco(tmp_path, ["a.png"])
    for one in content["annotations"]:
        x, y, width, height = one.pop("bbox")
        one["segmentation"] = [
            [x, y, x + width, y, x + width, y + height, x, y + height]
        ]
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert objects_of(read_boxes(tmp_path)) == expected(["a.png"])


@pytest.mark.parametrize("linked", ["train", "images", "labels"])
def test_links_for_parts_of_a_set_are_followed(tmp_path, linked):
    """Pictures often lie on another disk."""
    root, disk = tmp_path / "root", tmp_path / "disk"
    if linked == "train":
        write_yolo(disk)
        root.mkdir()
        (root / "train").symlink_to(disk)
    else:
        write_yolo(root)
        (root / linked).rename(disk)
        (root / linked).symlink_to(disk)
    assert objects_of(read_boxes(root)) == expected()


def test_a_link_by_another_name_is_not_followed_unless_asked(tmp_path):
    write_yolo(tmp_path / "disk")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/elsewhere").symlink_to(tmp_path / "disk")
    with pytest.raises(DataError, match="holds no pictures"):
        read_boxes(tmp_path / "root")
    assert objects_of(read_boxes(tmp_path / "root", follow_links=True)) == expected()


@pytest.mark.parametrize("place", ["set/images/a.png", "disk/b.png", "other.png"])
def test_a_sheet_replaces_no_picture(tmp_path, place):
    write_yolo(tmp_path / "set")
    (tmp_path / "set/images").rename(tmp_path / "disk")
    (tmp_path / "set/images").symlink_to(tmp_path / "disk")
    picture = tmp_path / place
    noise(0).save(tmp_path / "other.png")
    before = picture.read_bytes()
    with pytest.raises(UsageError, match="exists already"):
        check_boxes(tmp_path / "set", sheet=picture)
    with pytest.raises(UsageError, match="exists already"):
        save_sheet(read_boxes(tmp_path / "set"), picture)
    assert picture.read_bytes() == before


def test_a_sheet_replaces_an_earlier_one(tmp_path):
    write_yolo(tmp_path / "set")
    check_boxes(tmp_path / "set", sheet=tmp_path / "sheet.png")
    check_boxes(tmp_path / "set", sheet=tmp_path / "sheet.png")  # again, too
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_a_name_may_begin_with_folders_above_and_have_accents_taken_apart(tmp_path):
    name = unicodedata.normalize("NFD", "é.png")
    content = coco_of(["a.png", "b.png"])
    content["images"][0]["file_name"] = "../images/é.png"
    write_pictures(tmp_path / "images", ["a.png", "b.png"])
    (tmp_path / "images/a.png").rename(tmp_path / "images" / name)
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    assert not kinds(boxes)
    assert boxes.splits["all"][0].path == f"images/{name}"
    content["images"][0]["file_name"] = "images/../../é.png"
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    assert "leads out of the folder" in read_boxes(tmp_path).findings[0].detail


@pytest.mark.parametrize("kind", ["labelme", "yolo", "voc"])
def test_pictures_of_a_folder_for_the_test_are_not_trained_on(tmp_path, kind):
    """Even where the others are in no folder of a split."""
    folder = tmp_path
    if kind == "labelme":
        write_labelme(tmp_path)
    elif kind == "voc":
        write_voc(tmp_path)
        folder = tmp_path / "JPEGImages"
    else:
        write_yolo(tmp_path)
        folder = tmp_path / "images"
        (tmp_path / "labels/test").mkdir()
        (tmp_path / "labels/f.txt").rename(tmp_path / "labels/test/f.txt")
    (folder / "test").mkdir()
    (folder / "f.png").rename(folder / "test/f.png")
    boxes = read_boxes(tmp_path)
    test, train = boxes.splits["test"], boxes.splits["train"]
    assert [record.path.split("/")[-1] for record in test] == ["f.png"]
    assert len(train) == len(SCENES) - 1
    assert objects_of(boxes) == expected()
    assert "Pictures in no split folder are for training: 5." in boxes.notes


def test_a_picture_of_another_folder_is_not_taken_for_one_of_the_same_name(tmp_path):
    content = coco_of(["a.png", "b.png"])
    for image, name in zip(
        content["images"], ["cam1/1.png", "cam2/1.png"], strict=True
    ):
        image["file_name"] = name
    write_pictures(tmp_path / "cam2", ["b.png"])
    (tmp_path / "cam2/b.png").rename(tmp_path / "cam2/1.png")
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    boxes = read_boxes(tmp_path)
    (finding,) = boxes.findings
    assert (finding.kind, finding.path) == ("missing image", "cam1/1.png")
    assert finding.detail.endswith("it is not in the folder")
    assert objects_of(boxes) == {"1.png": expected()["b.png"]}


def test_labels_are_found_however_their_names_are_written(tmp_path):
    write_yolo(tmp_path)
    for folder, name, new in [
        ("images", "a.png", unicodedata.normalize("NFD", "é.png")),
        ("labels", "a.txt", unicodedata.normalize("NFC", "é.txt")),
        ("labels", "b.txt", "b.TXT"),
    ]:
        (tmp_path / folder / name).rename(tmp_path / folder / new)
    found = objects_of(read_boxes(tmp_path))
    assert sorted(found.values()) == sorted(expected().values())


def test_labels_that_lie_elsewhere_are_said(tmp_path):
    write_yolo(tmp_path / "root")
    label = tmp_path / "root/labels/a.txt"
    label.rename(tmp_path / "a.txt")
    label.symlink_to(tmp_path / "a.txt")
    notes = "\n".join(read_boxes(tmp_path / "root").notes)
    assert "links that lead out of the folder, unless --follow-links" in notes
    assert "1 (labels/a.txt)" in notes
    followed = read_boxes(tmp_path / "root", follow_links=True)
    assert objects_of(followed) == expected()


def test_a_split_that_is_gone_is_not_named_where_training_is_not_stated(tmp_path):
    write_yolo(tmp_path, {"val": list(SCENES)}, test="images/test")
    with pytest.raises(DataError, match=r"cannot be used: it has no train\."):
        read_boxes(tmp_path)
    write_yolo(tmp_path, {"val": list(SCENES)}, train="images/train")
    with pytest.raises(DataError, match="train, 'images/train', is not in the folder"):
        read_boxes(tmp_path)


def test_a_crowd_may_be_true(tmp_path):
    content = write_coco(tmp_path)
    content["annotations"][0]["iscrowd"] = True
    (tmp_path / "annotations.json").write_text(json.dumps(content))
    record = next(r for r in read_boxes(tmp_path).records if r.path == "images/a.png")
    assert record.ignored.tolist() == [True, False]


def test_files_that_number_their_classes_otherwise_are_numbered_anew():
    nothing = {"images": [], "annotations": []}
    train = nothing | {"categories": [{"id": 1, "name": "cat"}]}
    more = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    val = nothing | {"categories": more}
    found = read_coco({"train.json": train, "val.json": val}, PictureNames([]))
    assert found.class_names == ("cat", "dog")
    assert found.category_ids == (1, 2)
