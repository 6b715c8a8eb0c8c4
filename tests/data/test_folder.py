import os
import shutil

import numpy as np
import pytest
from image_files import file_bytes, make_folder, noise, png_that_declares
from PIL import Image

from swin_keras.data import load_dataset
from swin_keras.errors import DataError, UsageError


def test_classes_without_split_folders_are_split_the_same_way_every_time(tmp_path):
    root = make_folder(tmp_path / "pets", {"dog": 20, "cat": 40})
    dataset = load_dataset(root)
    assert dataset.name == "pets"
    assert dataset.class_names == ("cat", "dog")
    assert {title: len(split) for title, split in dataset.splits.items()} == {
        "train": 48,
        "val": 6,
        "test": 6,
    }
    for split in dataset.splits.values():
        assert set(split.labels) == {0, 1}
    again = load_dataset(shutil.copytree(root, tmp_path / "elsewhere" / "pets"))
    for title, split in dataset.splits.items():
        assert split.items == again.splits[title].items
    assert load_dataset(root, seed=1).splits["val"].items != dataset.splits["val"].items


def test_no_image_is_in_two_splits(tmp_path):
    dataset = load_dataset(make_folder(tmp_path, {"a": 12, "b": 9}))
    items = [item for split in dataset.splits.values() for item in split.items]
    assert len(items) == len(set(items)) == 21


def test_split_folders_are_taken_as_they_are(tmp_path):
    for title, count in (("Train", 6), ("valid", 2), ("test", 3)):
        make_folder(tmp_path / title, {"a": count, "b": count})
    dataset = load_dataset(tmp_path)
    assert [len(dataset.splits[title]) for title in ("train", "val", "test")] == [
        12,
        4,
        6,
    ]
    assert dataset.notes == ()
    name = dataset.splits["val"].name(0)
    assert name == str(tmp_path / "valid" / "a" / "000.png")


def test_a_missing_val_folder_is_carved_from_train(tmp_path):
    make_folder(tmp_path / "train", {"a": 20, "b": 20})
    make_folder(tmp_path / "test", {"a": 5, "b": 5})
    dataset = load_dataset(tmp_path, val_fraction=0.2)
    assert [len(dataset.splits[title]) for title in ("train", "val", "test")] == [
        32,
        8,
        10,
    ]
    assert "20 % for val (8) of the 40 images" in dataset.notes[0]


def test_a_missing_test_folder_is_replaced_by_val_and_said(tmp_path):
    make_folder(tmp_path / "train", {"a": 4, "b": 4})
    make_folder(tmp_path / "val", {"a": 2, "b": 2})
    dataset = load_dataset(tmp_path)
    assert dataset.splits["test"] is dataset.splits["val"]
    assert "val images serve as test too" in dataset.notes[0]


def test_labels_follow_names_not_positions(tmp_path):
    for title in ("train", "val", "test"):
        make_folder(tmp_path / title, {"10": 1, "2": 1, "1": 1})
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("1", "10", "2")
    for split in dataset.splits.values():
        for index, label in enumerate(split.labels):
            assert os.sep + dataset.class_names[label] + os.sep in split.name(index)


def test_only_images_are_taken_at_any_depth(tmp_path):
    make_folder(tmp_path, {"a": 3, "a/deeper/down": 3, "b": 3, ".hidden": 3})
    noise(0).save(tmp_path / "a" / "photo.JPG", "JPEG")
    for name in ("._photo.jpg", "Thumbs.db", ".DS_Store", "notes.txt"):
        (tmp_path / "a" / name).write_bytes(b"no image")
    noise(0).save(tmp_path / "beside.png")
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("a", "b")
    items = [item for split in dataset.splits.values() for item in split.items]
    assert len(items) == 10
    assert "a/photo.JPG" in items
    assert "a/deeper/down/000.png" in items
    assert "in no class folder, left out: 1" in dataset.notes[0]


def test_a_link_in_a_circle_does_not_hang(tmp_path):
    root = make_folder(tmp_path / "root", {"a": 4})
    shutil.move(make_folder(tmp_path, {"b": 4}) / "b", tmp_path / "far")
    (root / "b").symlink_to(tmp_path / "far")
    (root / "a" / "up").symlink_to(root / "a")
    (root / "a" / "self").symlink_to(".")
    dataset = load_dataset(root)
    assert sum(map(len, dataset.splits.values())) == 8


def test_a_folder_with_unlabelled_test_images_is_used_without_them(tmp_path):
    make_folder(tmp_path / "train", {"a": 10, "b": 10})
    make_folder(tmp_path, {"test": 5})
    dataset = load_dataset(tmp_path)
    assert "test/ is not a split with class folders" in dataset.notes[0]
    assert len(dataset.splits["test"]) == 2


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, r"one folder of images for each class.*no folders and 0 images"),
        ({".": 3}, r"no folders and 3 images"),
        ({"a": 3}, r"two classes or more, not only 'a'"),
        ({"a": 3, "b": 0}, r"Class 'b' has no images"),
        ({"a": 1, "b": 2}, r"at least three images of a class"),
        ({"val/a": 2, "val/b": 2}, r"must hold a train folder.*Received: val"),
        (
            {"train/a": 2, "train/b": 2, "val/a": 1, "valid/a": 1},
            r"one folder for val. Received: val and valid",
        ),
        (
            {"train/a": 2, "train/b": 2, "val/a": 2, "val/c": 2},
            r"'b' of train is missing in val\.\n  Class 'c' in val is not in train",
        ),
    ],
)
def test_folders_that_cannot_work_say_why(tmp_path, folders, words):
    make_folder(tmp_path, folders)
    with pytest.raises(DataError, match=words):
        load_dataset(tmp_path)


def bad_folder(root):
    make_folder(root, {"a": 10, "b": 10})
    (root / "a" / "empty.jpg").write_bytes(b"")
    (root / "a" / "text.jpg").write_text("hello")
    (root / "b" / "bomb.png").write_bytes(png_that_declares(30_000, 30_000))
    (root / "b" / "gone.png").symlink_to(root / "nowhere")
    return root


def test_bad_files_are_all_listed_before_training(tmp_path):
    with pytest.raises(DataError) as error:
        load_dataset(bad_folder(tmp_path))
    message = str(error.value)
    assert "4 of 24 images" in message
    assert "on_bad='skip'" in message
    for line in (
        "a/empty.jpg: empty, 0 bytes",
        "a/text.jpg: not an image",
        "b/bomb.png: too large",
        "b/gone.png: no such file",
    ):
        assert line in message


def test_a_long_list_of_bad_files_is_cut(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    for index in range(27):
        (tmp_path / "a" / f"bad{index:02d}.jpg").write_bytes(b"")
    with pytest.raises(DataError, match=r"bad19.*\n  \.\.\. and 7 more"):
        load_dataset(tmp_path)


def test_bad_files_can_be_skipped_and_are_recorded(tmp_path):
    before = file_bytes(bad_folder(tmp_path))
    dataset = load_dataset(tmp_path, on_bad="skip")
    assert sum(map(len, dataset.splits.values())) == 20
    skipped = dict(dataset.skipped)
    assert skipped.pop(str(tmp_path / "a" / "empty.jpg")) == "empty, 0 bytes"
    assert len(skipped) == 3
    assert "cannot be used, left out: 4" in dataset.notes[0]
    assert file_bytes(tmp_path) == before


def test_a_class_of_bad_files_only_cannot_be_skipped(tmp_path):
    make_folder(tmp_path, {"a": 5, "b": 0})
    (tmp_path / "b" / "bad.png").write_bytes(b"")
    with pytest.raises(DataError, match="Class 'b' has no images"):
        load_dataset(tmp_path, on_bad="skip")


def test_other_ways_to_treat_bad_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"'stop' or 'skip'\. Received: 'ignore'"):
        load_dataset(tmp_path, on_bad="ignore")


def test_fingerprint_follows_names_sizes_and_nothing_else(tmp_path):
    root = make_folder(tmp_path / "one", {"a": 5, "b": 5})
    first = load_dataset(root).fingerprint()
    copy = shutil.copytree(root, tmp_path / "two")
    assert load_dataset(copy).fingerprint() == first
    noise(0, (90, 90)).save(copy / "a" / "000.png")
    changed = load_dataset(copy).fingerprint()
    (copy / "a" / "000.png").rename(copy / "a" / "other.png")
    renamed = load_dataset(copy).fingerprint()
    assert len({first, changed, renamed, load_dataset(root, seed=1).fingerprint()}) == 4


def test_images_come_back_with_their_pixels(tmp_path):
    root = make_folder(tmp_path, {"a": 3, "b": 3})
    picture = noise(77)
    picture.save(root / "a" / "000.png")
    dataset = load_dataset(root)
    for split in dataset.splits.values():
        for index in range(len(split)):
            if split.name(index) == str(root / "a" / "000.png"):
                pixels = np.asarray(split.image(index, 3))
    np.testing.assert_array_equal(pixels, np.asarray(picture))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_file_that_was_cut_off_is_found_before_training(tmp_path, suffix):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(4):
            pixels = np.random.default_rng(index).integers(0, 256, (40, 40, 3), "uint8")
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.{suffix}")
    cut = tmp_path / "dog" / f"2.{suffix}"
    cut.write_bytes(cut.read_bytes()[:-200])
    with pytest.raises(DataError, match=rf"dog/2\.{suffix}: truncated"):
        load_dataset(tmp_path)
    appended = tmp_path / "cat" / f"1.{suffix}"
    appended.write_bytes(appended.read_bytes() + bytes(100))  # still a whole image
    dataset = load_dataset(tmp_path, on_bad="skip")
    assert [path for path, _ in dataset.skipped] == [str(cut)]


def test_classes_beside_a_split_of_the_same_classes_are_refused(tmp_path):
    make_folder(tmp_path, {"cat": 4, "dog": 4, "test/cat": 2, "test/dog": 2})
    with pytest.raises(DataError, match=r"test/ with cat, dog, and beside it cat, dog"):
        load_dataset(tmp_path)


def test_a_class_that_is_called_as_a_split_is_a_class(tmp_path):
    make_folder(tmp_path, {"cat": 4, "test/old": 2, "test/new": 2})
    assert load_dataset(tmp_path).class_names == ("cat", "test")
