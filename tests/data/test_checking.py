"""`check_folder` of classes, masks and boxes."""

import pytest
from image_files import make_folder, noise
from PIL import Image

from swin_keras.cli import main
from swin_keras.data import check_folder, load_dataset
from swin_keras.data.boxes import BoxReport
from swin_keras.data.segmentation import MaskReport
from swin_keras.errors import DataError, UsageError


def make_masks(root):
    for index in range(10):
        for part, picture in (
            ("images", noise(index, (32, 32))),
            (
                "masks",
                Image.linear_gradient("L").resize((32, 32)).point(lambda v: v > 99),
            ),
        ):
            (root / part).mkdir(parents=True, exist_ok=True)
            picture.save(root / part / f"{index}.png")


def make_boxes(root):
    for part in ("images", "labels"):
        (root / part).mkdir(parents=True)
    (root / "data.yaml").write_text("names: [cat, dog]")
    for index in range(10):
        noise(index, (32, 32)).save(root / "images" / f"{index}.png")
        label = root / "labels" / f"{index}.txt"
        label.write_text(f"{index % 2} 0.5 0.5 0.4 0.6")


MAKERS = {"masks": make_masks, "boxes": make_boxes}


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("targets", MAKERS)
def test_what_load_dataset_refuses_is_not_ready(tmp_path, targets, multi_label):
    MAKERS[targets](tmp_path)
    said = []
    for call in (check_folder, load_dataset):
        with pytest.raises(DataError, match=f"Read it with targets='{targets}'") as e:
            call(tmp_path, multi_label=multi_label)
        said.append(str(e.value))
    assert said[0] == said[1]
    assert check_folder(tmp_path, targets=targets).ok


def test_the_command_names_the_task_of_a_folder_that_is_checked_for_another(
    tmp_path, capsys
):
    make_masks(tmp_path)
    for task in ("classify", "multi-label"):
        assert main(["data", "check", str(tmp_path), "--task", task]) == 3
        assert "Read it with --task segment." in capsys.readouterr().err


def test_each_kind_of_targets_has_its_report(tmp_path):
    make_masks(tmp_path / "masks")
    masks = check_folder(tmp_path / "masks", targets="masks", quick=True)
    assert isinstance(masks, MaskReport)
    make_boxes(tmp_path / "boxes")
    sheet = tmp_path / "sheet.png"
    boxes = check_folder(
        tmp_path / "boxes", targets="boxes", box_format="yolo", sheet=sheet
    )
    assert isinstance(boxes, BoxReport)
    assert sheet.is_file()


@pytest.mark.parametrize(
    "arguments",
    [
        {"targets": "mask"},
        {"targets": "masks", "multi_label": True},
        {"targets": "masks", "label_pattern": "(?P<label>.)"},
        {"box_format": "coco"},
        {"reduce_zero_label": True},
        {"sheet": "sheet.png"},
        {"multi_label": True, "unlabelled": "more"},
    ],
)
def test_arguments_of_other_targets_are_refused(tmp_path, arguments):
    make_folder(tmp_path, {"a": 4, "b": 4})
    with pytest.raises(UsageError, match="Received"):
        check_folder(tmp_path, **arguments)
