"""Labelled images without a hold-out: what a model is judged on."""

import numpy as np
import pytest
from image_files import make_folder

from swin_keras.data import load_dataset
from swin_keras.errors import DataError, UsageError


def names(split):
    return {split.name(index) for index in range(len(split))}


def files(root):
    return {str(path) for path in root.rglob("*.png")}


def test_a_folder_without_splits_is_one_split_of_all_images(tmp_path):
    make_folder(tmp_path, {"a": 7, "b": 2})
    dataset = load_dataset(tmp_path, hold_out=False)
    assert list(dataset.splits) == ["all"]
    assert names(dataset.split("all")) == files(tmp_path)
    assert dataset.split("all").labels.tolist() == [0] * 7 + [1] * 2
    assert dataset.notes == ()


@pytest.mark.parametrize("titles", [("test",), ("val", "test"), ("train", "test")])
def test_split_folders_are_as_they_are_and_all_together(tmp_path, titles):
    for title in titles:
        make_folder(tmp_path / title, {"a": 2, "b": 1})
    dataset = load_dataset(tmp_path, hold_out=False)
    assert sorted(dataset.splits) == sorted(titles)
    whole = dataset.split("all")
    assert names(whole) == files(tmp_path)
    for index, label in enumerate(whole.labels):
        assert f"/{dataset.class_names[label]}/" in whole.name(index)
        assert whole.image(index, 3).size == (24, 20)


def test_all_counts_the_images_once_where_val_serves_as_test(tmp_path):
    for title in ("train", "val"):
        make_folder(tmp_path / title, {"a": 3, "b": 3})
    dataset = load_dataset(tmp_path)
    assert len(dataset.split("test")) == len(dataset.split("val")) == 6
    assert names(dataset.split("all")) == files(tmp_path)
    assert len(dataset.split("all")) == 12


def test_splits_need_neither_every_class_nor_two(tmp_path):
    make_folder(tmp_path / "one", {"cat": 3})
    assert load_dataset(tmp_path / "one", hold_out=False).class_names == ("cat",)
    make_folder(tmp_path / "two/train", {"cat": 3})
    make_folder(tmp_path / "two/test", {"dog": 1, "cat": 1})
    dataset = load_dataset(tmp_path / "two", hold_out=False)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.split("test").labels.tolist() == [0, 1]


def test_no_images_at_all_are_an_error(tmp_path):
    make_folder(tmp_path, {"a": 0, "b": 0})
    with pytest.raises(DataError, match="no images in its class folders"):
        load_dataset(tmp_path, hold_out=False)


def test_arrays_are_joined_with_their_pixels(digits):
    whole = digits.split("all")
    assert len(whole) == sum(map(len, digits.splits.values()))
    last = len(digits.split("test")) - 1
    title = list(digits.splits)[-1]
    expected = digits.splits[title].items[last, ..., 0]
    np.testing.assert_array_equal(np.asarray(whole.image(len(whole) - 1, 1)), expected)
    part = whole.subset([0, len(whole) - 1], "ends")
    assert part.name(1) == f"{title}/{last}"


def test_an_unknown_split_is_refused_with_the_nearest(tmp_path):
    make_folder(tmp_path, {"a": 3, "b": 3})
    with pytest.raises(UsageError, match=r"train, val, test, all\. .*'test'"):
        load_dataset(tmp_path).split("tets")
