"""The data set `garments`: scenes that are drawn by index."""

import numpy as np
import pytest
from idx_files import write_garments

from swin_keras.data import BatchLoader, DenseAugmentation, garments, load_dataset
from swin_keras.data.boxes.augmentation import BoxAugmentation
from swin_keras.errors import DataError, UsageError

SIZES = {"train": 90, "val": 10, "test": 20}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_garments(tmp_path_factory.mktemp("fashion_mnist"))


@pytest.fixture(scope="module")
def masks(folder):
    return load_dataset("garments", targets="masks", data_dir=folder)


@pytest.fixture(scope="module")
def boxes(folder):
    return load_dataset("garments", targets="boxes", data_dir=folder)


def test_every_garment_is_in_one_scene_of_one_split(masks):
    for title, size in SIZES.items():
        members = masks.splits[title].scenes.members
        together = np.concatenate(members)
        np.testing.assert_array_equal(np.sort(together), np.arange(size))
        assert {len(scene) for scene in members} <= set(range(1, 7))
    pixels = {
        title: {garment.tobytes() for garment in masks.splits[title].scenes.garments}
        for title in SIZES
    }
    assert sum(map(len, pixels.values())) == len(set().union(*pixels.values())) == 120


def test_a_mask_is_exactly_what_is_not_black(masks):
    split = masks.splits["train"]
    for index in range(len(split)):
        pixels = np.asarray(split.image(index, 3))
        mask = split.targets.load(index)
        assert pixels.shape == (96, 96, 3)
        np.testing.assert_array_equal(pixels.max(-1) > 0, mask > 0)
        labels = split.scenes.labels[split.scenes.members[index]] + 1
        assert set(np.unique(mask)) <= {0, *labels}
    assert masks.class_names[:2] == ("background", "T-shirt/top")
    assert masks.classes == 11


def test_a_box_is_the_extent_of_what_is_seen(masks, boxes):
    for index in range(len(masks.splits["test"])):
        mask = masks.splits["test"].targets.load(index)
        found = boxes.splits["test"].targets.load(index)
        assert not found.crowd.any()
        inside = np.zeros(mask.shape, bool)
        for (x1, y1, x2, y2), label in zip(
            found.boxes.astype(int), found.classes, strict=True
        ):
            part = mask[y1:y2, x1:x2] == label + 1
            inside[y1:y2, x1:x2] = True
            assert all(part[side].any() for side in (0, -1))
            assert all(part[:, side].any() for side in (0, -1))
        assert not mask[~inside].any()


def test_scenes_are_always_the_same_and_differ_from_each_other(masks, folder):
    again = load_dataset("garments", targets="masks", data_dir=folder)
    assert again.fingerprint() == masks.fingerprint()
    seen = set()
    for index in range(len(masks.splits["val"])):
        pixels = masks.splits["val"].image(index, 3).tobytes()
        assert again.splits["val"].image(index, 3).tobytes() == pixels
        seen.add(pixels)
    assert len(seen) == len(masks.splits["val"])
    larger = load_dataset("garments/128", targets="masks", data_dir=folder)
    assert larger.splits["val"].image(0, 3).size == (128, 128)
    assert larger.fingerprint() != masks.fingerprint()


def test_the_test_scenes_are_the_same_whether_others_are_held_out(masks, folder):
    whole = load_dataset("garments", targets="masks", data_dir=folder, hold_out=False)
    assert list(whole.splits) == ["train", "test"]
    assert whole.split_fingerprint("test") == masks.split_fingerprint("test")
    assert whole.splits["test"].image(3, 3).tobytes() == (
        masks.splits["test"].image(3, 3).tobytes()
    )


def test_the_labels_of_a_scene_are_those_of_its_garments(folder, boxes):
    dataset = load_dataset("garments", multi_label=True, data_dir=folder)
    for title, split in dataset.splits.items():
        for index in range(len(split)):
            found = set(boxes.splits[title].targets.load(index).classes)
            assert found <= set(np.flatnonzero(split.targets.load(index)))


def test_scenes_are_batched_with_masks_and_boxes(masks, boxes):
    loaders = [
        BatchLoader(
            dataset.splits["train"],
            8,
            (64, 64),
            3,
            training=True,
            augmentation=augmentation,
        )
        for dataset, augmentation in (
            (masks, DenseAugmentation()),
            (boxes, BoxAugmentation()),
        )
    ]
    (images, batch), (same, rows) = (loader(0) for loader in loaders)
    assert (batch.shape, rows.shape) == ((8, 64, 64), (8, 6, 5))
    assert images.shape == same.shape


def test_missing_files_say_what_to_install(tmp_path):
    with pytest.raises(DataError, match="apt install dataset-fashion-mnist"):
        load_dataset("garments", targets="masks", data_dir=tmp_path)


def test_what_the_scenes_do_not_have_is_told(folder):
    with pytest.raises(DataError, match=r"has masks, boxes.*Received: classes"):
        load_dataset("garments", data_dir=folder)
    for side in ("garments/20", "garments/large", "garments/10000"):
        with pytest.raises(UsageError, match="48 to 512 pixels"):
            load_dataset(side, targets="masks", data_dir=folder)


def test_a_garment_that_is_black_leaves_nothing(folder):
    scenes = garments.Scenes(np.zeros((3, 28, 28), np.uint8), np.arange(3), 96, 0)
    for index in range(len(scenes)):
        assert not garments.SceneMasks(scenes)(index).any()
        assert not len(garments.SceneBoxes(scenes)(index).boxes)
