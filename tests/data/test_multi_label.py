"""Images that have several classes, or none."""

import shutil

import numpy as np
import pytest
from image_files import make_folder

from swin_keras.data import BatchLoader, check_folder, extract, load_dataset
from swin_keras.errors import DataError, UsageError


@pytest.fixture
def table(tmp_path):
    """Forty images: every second one has a cat, every third a dog, some neither."""
    make_folder(tmp_path, {"photos": 40})
    lines = ["file,label"]
    for index in range(40):
        names = [n for n, step in (("cat", 2), ("dog", 3)) if index % step == 0]
        lines.append(f"photos/{index:03d}.png,{'; '.join(names)}")
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_table_may_name_several_classes_for_an_image(table):
    dataset = load_dataset(table, multi_label=True)
    assert dataset.class_names == ("cat", "dog")
    whole = dataset.split("all")
    assert len(whole) == 40
    for place in range(40):
        index = int(whole.name(place)[-7:-4])
        expected = [index % 2 == 0, index % 3 == 0]
        np.testing.assert_array_equal(whole.targets.load(place), expected)
    _, targets = BatchLoader(dataset.splits["train"], 8, (16, 16), 3)(0)
    assert (targets.dtype, targets.shape[1]) == (np.float32, 2)
    assert set(np.unique(targets)) <= {0, 1}


def test_several_classes_must_be_asked_for(table):
    with pytest.raises(DataError, match=r"'cat; dog' seems to name.*multi_label"):
        load_dataset(table)


def test_both_classes_are_in_what_is_held_out(table):
    dataset = load_dataset(table, multi_label=True)
    for title in ("train", "val", "test"):
        assert dataset.splits[title].targets.vectors.any(0).all()


@pytest.fixture
def folders(tmp_path):
    make_folder(tmp_path, {"cat": 12, "dog": 12})
    for index in range(4):  # the same picture under another name
        source = tmp_path / "cat" / f"{index:03d}.png"
        shutil.copy(source, tmp_path / "dog" / f"both {index}.png")
    return tmp_path


def test_a_picture_in_two_folders_has_two_classes(folders):
    dataset = load_dataset(folders, multi_label=True)
    whole = dataset.split("all")
    assert len(whole) == 24
    vectors = np.stack([whole.targets.load(index) for index in range(24)])
    assert vectors.sum(0).tolist() == [12, 16]
    assert (vectors.sum(1) == 2).sum() == 4
    assert any(
        n.startswith("4 of 28 images hold the same bytes") for n in dataset.notes
    )
    assert len(load_dataset(folders).split("all")) == 28  # as it always was


def test_a_check_counts_the_classes_and_finds_no_contradiction(folders, table):
    report = check_folder(folders, multi_label=True)
    assert report.ok
    assert not [row for row in report.rows() if row[1] == "two classes"]
    assert [row for row in check_folder(folders).rows() if row[1] == "two classes"]
    report = check_folder(table, multi_label=True)
    assert report.counts["all"] == {"(none)": 13, "cat": 20, "dog": 14}


def test_equal_images_of_a_table_are_one_and_that_is_said(tmp_path):
    make_folder(tmp_path, {"photos": 6})
    for index, name in enumerate(["copy", "unlabelled"]):
        shutil.copy(
            tmp_path / "photos" / f"00{index}.png", tmp_path / "photos" / f"{name}.png"
        )
    labels = ["cat", "cat", "dog", "dog", "", ""]
    rows = [f"photos/{n:03d}.png,{label}" for n, label in enumerate(labels)]
    rows += ["photos/copy.png,dog;cat", "photos/unlabelled.png,"]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["file,label", *rows]))
    dataset = load_dataset(path, multi_label=True, hold_out=False)
    whole = dataset.split("all")
    names = [whole.name(n).rsplit("/")[-1] for n in range(len(whole))]
    vectors = {n: whole.targets.load(i).tolist() for i, n in enumerate(names)}
    assert len(vectors) == len(whole) == 6, vectors
    assert vectors["000.png"] == [1, 1]
    assert vectors["001.png"] == [1, 0]
    (note,) = (
        line[-1]
        for line in check_folder(path, multi_label=True).rows()
        if line[1] == "duplicate"
    )
    assert "photos/copy.png and photos/000.png" in note
    assert "2 of 8 images" in note


def test_images_of_several_classes_are_extracted_without_folders(folders, tmp_path):
    dataset = load_dataset(folders, multi_label=True)
    files = extract(dataset, tmp_path / "copy", count=5, split="train")
    assert {file.parent for file in files} == {tmp_path / "copy"}


def test_what_needs_one_class_says_so(folders):
    with pytest.raises(UsageError, match="`multi_label` is for classes"):
        load_dataset(folders, multi_label=True, targets="masks")
    with pytest.raises(UsageError, match="must be one of classes, masks, boxes"):
        load_dataset(folders, targets="mask")


def test_a_class_that_training_does_not_see_is_an_error(tmp_path):
    make_folder(tmp_path, {"a": 6})
    lines = [f"a/{i:03d}.png,{'cat' if i < 5 else 'dog'},train" for i in range(5)]
    lines.append("a/005.png,cat|dog,val")
    path = tmp_path / "labels.csv"
    path.write_text("file,label,split\n" + "\n".join(lines))
    with pytest.raises(DataError, match="Class 'dog' is not in train"):
        load_dataset(path, multi_label=True)


@pytest.mark.parametrize("separator", [";", "|"])
def test_a_part_that_is_a_class_of_its_own_tells_several_classes(tmp_path, separator):
    make_folder(tmp_path, {"photos": 4})
    labels = ["cat", f"cat{separator}dog", "owl", "owl"]
    rows = [f"photos/{n:03d}.png,{label}" for n, label in enumerate(labels)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,label", *rows]))
    with pytest.raises(DataError, match="seems to name several classes"):
        load_dataset(tmp_path / "labels.csv")


def test_images_of_one_class_each_are_said_where_there_may_be_several(
    tmp_path, folders
):
    make_folder(tmp_path / "apart", {"cat dog": 9, "owl": 9})
    (note, *_) = load_dataset(tmp_path / "apart", multi_label=True).notes
    assert note.startswith("No image has several classes.")
    assert not any(
        "No image has" in n for n in load_dataset(folders, multi_label=True).notes
    )
