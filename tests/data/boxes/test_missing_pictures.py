"""A picture that is gone is an error, also where another one has its name."""

import json

import pytest
from box_folders import SCENES, coco_of, labelme_of, voc_xml, write_pictures, yolo_lines

from swin_keras.data import load_dataset
from swin_keras.data.boxes import read_boxes
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.errors import DataError

NAMES = sorted(SCENES)
DAY = [f"day/{name}" for name in NAMES]
NIGHT = [f"night/{name}" for name in NAMES]
GONE = NIGHT[-1]  # beside day/f.png, of which no annotations speak
LISTED = [*DAY[:-1], *NIGHT]


def found_of(pictures, names, *beside):
    """What each name means; the words of an error where it means nothing."""
    return [str(found) for found in PictureNames(pictures).find_all(names, *beside)]


def write_days(root):
    """Pictures of day and night, of which the last of the night is gone."""
    write_pictures(root / "day")
    write_pictures(root / "night", NAMES[:-1])


def coco_of_days(names=LISTED):
    content = {"images": [], "annotations": []}
    for place, name in enumerate(names):
        one = coco_of([name.split("/")[-1]])
        content["images"] += [{**one["images"][0], "id": place, "file_name": name}]
        content["annotations"] += [
            {**box, "id": 1000 * place + box["id"], "image_id": place}
            for box in one["annotations"]
        ]
        content["categories"] = one["categories"]
    return content


def assert_only_missing(boxes, path, words):
    """One picture is missing, and the boxes of all others are read."""
    (finding,) = boxes.findings
    assert (finding.level, finding.kind) == ("error", "missing image")
    assert finding.path == path
    assert words in finding.detail
    assert len(boxes.records) == len(LISTED) - 1
    assert "day/f.png" not in "".join(record.path for record in boxes.records)


@pytest.mark.parametrize("prefix", ["", "./", "/home/else/photos/", "C:\\photos\\"])
def test_coco_boxes_of_a_missing_picture_go_to_no_other(tmp_path, prefix):
    write_days(tmp_path)
    names = [prefix + name for name in LISTED]
    (tmp_path / "boxes.json").write_text(json.dumps(coco_of_days(names)))
    words = "names it, but it is not in the folder"
    assert_only_missing(read_boxes(tmp_path), prefix + GONE, words)
    with pytest.raises(DataError, match=r"missing image \(1\): .*night.f\.png"):
        load_dataset(tmp_path, targets="boxes", hold_out=False)


def test_outlines_of_a_missing_picture_go_to_no_other(tmp_path):
    write_days(tmp_path)
    content = coco_of_days()
    for box in content["annotations"]:
        x, y, width, height = box["bbox"]
        corners = [x, y, x + width, y, x + width, y + height, x, y + height]
        box["segmentation"] = [corners]
    (tmp_path / "outlines.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"night/f\.png: .*it is not in the folder"):
        load_dataset(tmp_path, targets="masks", hold_out=False)
    options = {"hold_out": False, "on_bad": "skip"}
    split = load_dataset(tmp_path, targets="masks", **options).split("all")
    assert str(tmp_path / "day/f.png") not in map(split.name, range(len(split)))


def test_a_line_of_yolo_whose_picture_is_gone_names_no_other(tmp_path):
    write_days(tmp_path / "images")
    for name in [*DAY, *NIGHT[:-1]]:
        label = (tmp_path / "labels" / name).with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text(yolo_lines(name.split("/")[-1]))
    (tmp_path / "data.yaml").write_text(
        "{names: [cat, dog, owl], train: train.txt, val: val.txt}"
    )
    (tmp_path / "train.txt").write_text("".join(f"./images/{n}\n" for n in DAY))
    lines = [f"/abs/set/images/{n}\n" for n in NIGHT[:-1]] + ["/abs/images/night/f.png"]
    (tmp_path / "val.txt").write_text("".join(lines))
    boxes = read_boxes(tmp_path)
    (finding,) = boxes.findings
    assert (finding.kind, finding.path) == ("missing image", "val.txt")
    assert finding.detail == "line 6: '/abs/images/night/f.png' is not in the folder"
    assert [len(boxes.splits[title]) for title in ("train", "val")] == [6, 5]


@pytest.mark.parametrize("layout", ["beside", "in the name", "in a folder of each"])
@pytest.mark.parametrize("kind", ["voc", "labelme"])
def test_a_file_whose_picture_is_gone_takes_no_other(tmp_path, kind, layout):
    """Wherever the files of annotations lie."""
    inner = "photos/" if layout == "in a folder of each" else ""
    write_pictures(tmp_path / "day" / inner)
    write_pictures(tmp_path / "night" / inner, NAMES[:-1])
    for name in LISTED:
        folder, picture = name.split("/")
        named, file = picture, tmp_path / folder / picture
        if layout == "in the name":
            named, file = f"../{name}", tmp_path / "marks" / name.replace("/", "-")
        elif inner:
            file = tmp_path / folder / "marks" / picture
        file.parent.mkdir(parents=True, exist_ok=True)
        if kind == "voc":
            text = voc_xml(picture).replace(
                f"<filename>{picture}", f"<filename>{named}"
            )
            file.with_suffix(".xml").write_text(text)
        else:
            content = labelme_of(picture) | {"imagePath": named}
            file.with_suffix(".json").write_text(json.dumps(content))
    ending = "xml" if kind == "voc" else "json"
    files = {
        "beside": f"night/f.{ending}",
        "in the name": f"marks/night-f.{ending}",
        "in a folder of each": f"night/marks/f.{ending}",
    }
    words = "is not in the folder" if layout == "in the name" else "day/"
    assert_only_missing(read_boxes(tmp_path), files[layout], words)


def test_masks_of_labelme_whose_picture_is_gone_are_an_error(tmp_path):
    write_days(tmp_path)
    for name in LISTED:
        content = labelme_of(name.split("/")[-1])
        (tmp_path / name).with_suffix(".json").write_text(json.dumps(content))
    words = r"night/f\.json: .*is only in another folder, as day/f\.png"
    with pytest.raises(DataError, match=words):
        load_dataset(tmp_path, targets="masks", hold_out=False)


def test_a_folder_that_others_fit_must_fit():
    gone = "is not in the folder"
    here = ["a/x/0.jpg", "a/x/1.jpg", "b/x/0.jpg", "b/x/1.jpg", "b/x/2.jpg"]
    assert found_of(here, ["a/x/0.jpg", "a/x/2.jpg"]) == ["a/x/0.jpg", gone]
    # Also where the whole of a folder is gone, which shows by pictures named twice.
    assert found_of(
        ["day/0.jpg", "day/1.jpg"], ["day/0.jpg", "n/0.jpg", "n/1.jpg"]
    ) == [
        "day/0.jpg",
        gone,
        gone,
    ]


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        # Paths of another computer, of whose folders none is here.
        (["a/0.jpg", "b/1.jpg"], ["/home/x/set/0.jpg", "/home/x/set/1.jpg"]),
        # Names without any folder, and some with one.
        (["a/0.jpg", "b/1.jpg"], ["0.jpg", "1.jpg"]),
        (["a/0.jpg", "b/1.jpg"], ["a/0.jpg", "1.jpg"]),
        # A folder that has another name here.
        (["a/0.jpg", "b/1.jpg"], ["a/0.jpg", "old/1.jpg"]),
        (["a/x/0.jpg", "b/x/1.jpg"], ["a/x/0.jpg", "old/x/1.jpg"]),
        # One folder, whose path is written in two ways.
        (["x/0.jpg", "x/1.jpg"], ["x/0.jpg", "/home/x/1.jpg"]),
    ],
)
def test_names_with_other_folders_find_their_pictures(pictures, names):
    assert found_of(pictures, names) == pictures


def test_files_of_one_picture_each_find_those_in_any_folder():
    pictures = PictureNames(["photos/a/0.jpg", "photos/b/1.jpg", "c/2.jpg"])
    files = {"marks/0.xml": "0.jpg", "marks/1.xml": "1.jpg", "marks/2.xml": "c/2.jpg"}
    assert list(pictures.find_each(files).values()) == pictures.paths
    renamed = {"marks/0.xml": "IMG_1.png", "marks/1.xml": "", "c/2.xml": "C:\\2.bmp"}
    assert list(pictures.find_each(renamed).values()) == pictures.paths
