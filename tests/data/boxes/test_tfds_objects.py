"""Sets of TensorFlow Datasets with objects, of the structure of `voc` and `coco`."""

import pickle

import numpy as np
import pytest
import tensorflow_datasets as tfds
from box_folders import NAMES, SCENES, paint

from swin_keras.data import BatchLoader
from swin_keras.data.boxes import as_dataset, load_boxes
from swin_keras.data.boxes.tfds_objects import StoredImages
from swin_keras.errors import DataError


def example(name, kind):
    (width, height), objects = SCENES[name]
    relative = [
        tfds.features.BBox(y1 / height, x1 / width, y2 / height, x2 / width)
        for _, x1, y1, x2, y2 in objects
    ]
    found = {"bbox": relative, "label": [NAMES[class_id] for class_id, *_ in objects]}
    if kind == "voc":
        found |= {
            "pose": [0] * len(objects),
            "is_truncated": [False] * len(objects),
            "is_difficult": [place == 1 for place in range(len(objects))],
        }
    else:
        found |= {
            "id": list(range(len(objects))),
            "area": [77] * len(objects),
            "is_crowd": [place == 1 for place in range(len(objects))],
        }
    values = {"image": np.asarray(paint(*SCENES[name])), "image/filename": name}
    if kind == "coco":
        values["image/id"] = 500 + ord(name[0])
    rows = zip(*found.values(), strict=True)
    return values | {"objects": [dict(zip(found, row, strict=True)) for row in rows]}


def features(kind):
    parts = {
        "bbox": tfds.features.BBoxFeature(),
        "label": tfds.features.ClassLabel(names=[*NAMES, "cafe\u0301"]),
    }
    if kind == "voc":
        parts |= {
            "pose": tfds.features.ClassLabel(num_classes=5),
            "is_truncated": np.bool_,
            "is_difficult": np.bool_,
        }
    else:
        parts |= {"id": np.int64, "area": np.int64, "is_crowd": np.bool_}
    whole = {
        "image": tfds.features.Image(encoding_format="png"),
        "image/filename": tfds.features.Text(),
        "objects": tfds.features.Sequence(parts),
    }
    if kind == "coco":
        whole["image/id"] = np.int64
    return tfds.features.FeaturesDict(whole)


def write_set(root, kind, name, splits, **options):
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        features=features(kind),
        split_datasets={
            title: [(picture, example(picture, kind)) for picture in pictures]
            for title, pictures in splits.items()
        },
        data_dir=root,
        **options,
    )
    return root


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    splits = {"train": ["a.png", "b.png", "c.png"], "validation": ["d.png"]}
    write_set(root, "voc", "my_voc", splits)
    write_set(
        root,
        "coco",
        "my_coco",
        {"train": ["d.png"]},
        file_format=tfds.core.file_adapters.FileFormat.ARRAY_RECORD,
    )
    return root


def objects_by_picture(boxes):
    """Sorted objects of each picture, by its size, which is its own."""
    return {
        (record.width, record.height): sorted(
            (int(c), *np.round(box, 3).tolist())
            for c, box in zip(record.classes, record.boxes, strict=True)
        )
        for record in boxes.records
    }


def expected_by_picture(names):
    return {SCENES[name][0]: sorted(map(tuple, SCENES[name][1])) for name in names}


def test_a_set_of_the_structure_of_voc_is_read(data_dir):
    boxes = load_boxes("my_voc", None, data_dir=data_dir)
    assert boxes.class_names == (*NAMES, "caf\u00e9")
    assert [len(records) for records in boxes.splits.values()] == [3, 1]
    names = ["a.png", "b.png", "c.png", "d.png"]
    assert objects_by_picture(boxes) == expected_by_picture(names)
    (record,) = boxes.splits["val"]
    assert record.difficult.tolist() == [False, True, False]
    assert "my_voc of TensorFlow Datasets" in boxes.notes[0]


def test_a_set_of_the_structure_of_coco_is_read_by_index(data_dir, monkeypatch):
    monkeypatch.setattr("swin_keras.data.tfds_source.free_memory", lambda: 2)
    boxes = load_boxes("my_coco", None, data_dir=data_dir)
    (record,) = boxes.splits["train"]
    assert record.crowd.tolist() == [False, True, False]
    assert record.areas.tolist() == [77, 77, 77]
    assert record.image_id == 500 + ord("d")
    assert objects_by_picture(boxes) == expected_by_picture(["d.png"])
    assert isinstance(boxes.images.sources["train"], StoredImages)
    assert list(boxes.images) == ["train/0"]
    images, targets = BatchLoader(as_dataset(boxes).splits["train"], 1, (64, 64), 3)(0)
    np.testing.assert_array_equal(images[0], np.asarray(paint(*SCENES["d.png"])))
    assert targets[0, :, 4].tolist() == [1, -3, 0]


def test_pictures_in_memory_are_not_copied_by_pickle(data_dir):
    boxes = load_boxes("my_voc", None, data_dir=data_dir)
    files = list(boxes.images.values())
    buffers = []
    copied = pickle.dumps(boxes.images, 5, buffer_callback=buffers.append)
    assert not any(file in copied for file in files)
    left = b"".join(buffer.raw() for buffer in buffers)
    assert len(files) == 4
    assert all(file in left for file in files)


def test_missing_splits_of_a_set_are_held_out(data_dir):
    boxes = load_boxes("my_voc", data_dir=data_dir)
    assert boxes.splits["test"] is boxes.splits["val"]
    dataset = as_dataset(boxes)
    assert dataset.name == "my_voc"
    assert dataset.split("train").name(2) == "train/2"
    assert len(dataset.split("all")) == 4


def test_a_set_without_objects_is_refused_in_words(tmp_path):
    with pytest.raises(DataError, match=r"must be for detection: .*image, label"):
        load_boxes("digits", data_dir=tmp_path)
    with pytest.raises(
        DataError, match="Data must be a folder that exists or the name"
    ):
        load_boxes("no_such_set", data_dir=tmp_path)
