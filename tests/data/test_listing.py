"""Where classes come from: folders of many shapes, names of files."""

import os

import pytest
from image_files import make_folder, noise

from swin_keras.data import check_folder, load_dataset
from swin_keras.errors import DataError, UsageError


def test_long_names_of_splits_are_splits(tmp_path):
    for title in ("training", "Validation", "testing"):
        make_folder(tmp_path / title, {"a": 3, "b": 3})
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert [len(dataset.splits[title]) for title in ("train", "val", "test")] == [6] * 3


@pytest.mark.parametrize("inner", ["animals", "photos/animals"])
def test_a_folder_around_the_classes_is_entered_and_said(tmp_path, inner):
    make_folder(tmp_path / inner, {"cat": 4, "dog": 4})
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert (
        f"{inner}/ is the only folder, so the folders in it are taken: cat, dog."
        in dataset.notes
    )


def test_a_folder_around_splits_is_entered_but_a_split_is_not(tmp_path):
    for title in ("train", "test"):
        make_folder(tmp_path / "set" / title, {"cat": 4, "dog": 4})
        make_folder(tmp_path / "twice" / title / title, {"cat": 4, "dog": 4})
    for name in ("set", "twice"):
        dataset = load_dataset(tmp_path / name)
        assert dataset.class_names == ("cat", "dog")
        assert len(dataset.splits["test"]) == 8
    assert "train/train/ is the only folder" in dataset.notes[0]
    make_folder(tmp_path / "judge" / "test", {"cat": 4, "dog": 4})
    dataset = load_dataset(tmp_path / "judge", hold_out=False)
    assert list(dataset.splits) == ["test"]


def test_moving_the_folder_around_leaves_the_fingerprint(tmp_path):
    make_folder(tmp_path / "photos", {"cat": 4, "dog": 4})
    first = load_dataset(tmp_path).fingerprint()
    assert load_dataset(tmp_path / "photos").fingerprint() == first


def test_classes_whose_images_lie_deeper_are_said(tmp_path):
    make_folder(tmp_path, {"animals/cat": 2, "animals/dog": 2, "plants/rose": 4})
    dataset = load_dataset(tmp_path)
    assert dataset.class_names == ("animals", "plants")
    assert "below theirs, and count for them: animals." in dataset.notes[0]


def test_labels_come_from_file_names(tmp_path):
    for index in range(6):
        for label in ("cat", "dog"):
            noise(index).save(tmp_path / f"{label}_{index}.png")
    noise(9).save(tmp_path / "MyCat_9.png")
    dataset = load_dataset(tmp_path, label_pattern=r"(?P<label>[a-z]+)_\d+")
    assert dataset.class_names == ("cat", "dog")
    whole = dataset.split("all")
    assert len(whole) == 12
    for index, label in enumerate(whole.labels):
        name = os.path.basename(whole.name(index))
        assert name.startswith(dataset.class_names[label])
    assert "1 left out: images whose names do not fit" in dataset.notes[0]
    again = load_dataset(tmp_path, label_pattern=r"(?P<label>[a-z]+)_\d+")
    assert again.fingerprint() == dataset.fingerprint()


def test_a_pattern_may_fit_the_path_and_splits_stay(tmp_path):
    for title in ("train", "test"):
        make_folder(tmp_path / title, {"a/cat": 3, "b/cat": 3, "a/dog": 3})
    dataset = load_dataset(tmp_path, label_pattern=r".*/(?P<label>\w+)/\d+")
    assert dataset.class_names == ("cat", "dog")
    assert len(dataset.splits["test"]) == 9


def test_a_split_for_the_test_alone_is_no_folder_like_the_others(tmp_path):
    for folder in ("one", "two", "test"):
        make_folder(tmp_path / folder, {"a/cat": 3, "a/dog": 3})
    with pytest.raises(
        DataError, match=r"a train folder.*test, and beside it one, two"
    ):
        load_dataset(tmp_path, label_pattern=r".*/(?P<label>\w+)/\d+")


@pytest.mark.parametrize(
    ("pattern", "error", "words"),
    [
        ("(", UsageError, "must be a regular expression"),
        (r"([a-z]+)_\d+", UsageError, "group that takes the label"),
        (r"(?P<label>x)", DataError, "None of 3 images .* fits '.*label.*': a/000.png"),
    ],
)
def test_patterns_that_cannot_work_say_why(tmp_path, pattern, error, words):
    make_folder(tmp_path, {"a": 3})
    with pytest.raises(error, match=words):
        load_dataset(tmp_path, label_pattern=pattern)


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        (b"caf\xe9", r"bytes that are not text \(UTF-8\)"),
        (b"cat\nmouse", "a line break or another control character"),
        (b"red\x1b[31m", "a line break or another control character"),
        (b" ", "is empty"),
    ],
)
def test_folders_that_cannot_name_a_class_are_refused_by_all(tmp_path, folder, words):
    make_folder(tmp_path, {"a": 3, "b": 3})
    os.mkdir(os.path.join(os.fsencode(tmp_path), folder))
    for call in (load_dataset, check_folder):
        with pytest.raises(DataError, match=words) as error:
            call(tmp_path)
        assert str(error.value).isprintable() or "\n" in str(error.value)
        str(error.value).encode()


def test_files_with_names_that_are_no_text_are_read(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    source = os.fsencode(tmp_path / "a" / "000.png")
    os.rename(source, os.fsencode(tmp_path / "a") + b"/caf\xe9.png")
    with open(os.fsencode(tmp_path / "b") + b"/\xe9.png", "wb"):
        pass
    dataset = load_dataset(tmp_path, on_bad="skip")
    assert len(dataset.split("all")) == 6
    assert len(dataset.fingerprint()) == 16
    for text in (
        *dataset.skipped[0],
        *(dataset.split("all").name(i) for i in range(6)),
    ):
        text.encode()
    with pytest.raises(DataError) as error:
        load_dataset(tmp_path)
    str(error.value).encode()


def test_accents_written_in_two_ways_are_one_class(tmp_path):
    make_folder(tmp_path / "train", {"caf\u00e9": 3, "b": 3})
    make_folder(tmp_path / "test", {"cafe\u0301": 3, "b": 3})
    assert load_dataset(tmp_path).class_names == ("b", "caf\u00e9")
    make_folder(tmp_path / "train", {"cafe\u0301": 3})
    with pytest.raises(DataError, match="different names"):
        load_dataset(tmp_path)
