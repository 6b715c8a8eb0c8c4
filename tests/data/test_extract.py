import errno
import os
from pathlib import Path

import numpy as np
import pytest
from image_files import file_bytes
from PIL import Image

from swin_keras.data import ImageDataset, extract, load_dataset
from swin_keras.data.image_file import open_image
from swin_keras.data.image_io import decode_image
from swin_keras.data.splits import ArraySplit
from swin_keras.errors import DataError, ResourceError, UsageError


@pytest.fixture
def dataset():
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    split = ArraySplit(images, np.arange(20) // 10, "test")
    return ImageDataset("toy", ("T-shirt/top", "bag"), {"test": split}, (8, 8, 1))


def test_png_files_hold_the_very_pixels(dataset, tmp_path):
    paths = extract(dataset, tmp_path / "out")
    assert len(paths) == 20
    assert paths[0] == tmp_path / "out" / "T-shirt%2Ftop" / "test_00000.png"
    assert paths[19] == tmp_path / "out" / "bag" / "test_00019.png"
    for path, pixels in zip(paths, dataset.splits["test"].items, strict=True):
        decoded = np.asarray(decode_image(path, channels=1))
        np.testing.assert_array_equal(decoded, pixels[..., 0])


def test_a_few_images_come_from_all_classes(dataset, tmp_path):
    paths = extract(dataset, tmp_path, count=4, format="jpeg")
    assert [path.parent.name for path in paths] == ["T-shirt%2Ftop"] * 2 + ["bag"] * 2
    for path in paths:
        with open_image(path) as image:
            assert image.format == "JPEG"


def test_a_folder_with_files_in_it_is_left_alone(dataset, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DataError, match="must be empty"):
        extract(dataset, tmp_path)
    assert file_bytes(tmp_path) == {"mine.txt": b"keep"}


@pytest.mark.parametrize(
    ("argument", "words"),
    [({"split": "dev"}, "one of test, all"), ({"format": "tiff"}, "one of jpeg, png")],
)
def test_unknown_splits_and_formats_are_refused(dataset, tmp_path, argument, words):
    with pytest.raises(UsageError, match=words):
        extract(dataset, tmp_path, **argument)


NAMES = ("..", "a/b", "a_b", "-x", ".hidden", "T-shirt/top", "100%", "a%2Fb")


def test_every_class_has_a_folder_of_its_own_and_comes_back(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (16, 40, 40, 1), np.uint8)
    split = ArraySplit(images, np.arange(16) % 8, "test")
    dataset = ImageDataset("toy", NAMES, {"test": split}, (40, 40, 1))
    paths = extract(dataset, tmp_path / "deep" / "out")
    assert len({path.parent for path in paths}) == 8
    assert {path.parent.parent for path in paths} == {tmp_path / "deep" / "out"}
    again = load_dataset(tmp_path / "deep" / "out", hold_out=False)
    assert sorted(again.class_names) == sorted(NAMES)
    whole = again.split("all")
    for index, label in enumerate(whole.labels):
        pixels = np.asarray(whole.image(index, 1))
        (source,) = np.flatnonzero((images[..., 0] == pixels).all((1, 2)))
        assert NAMES[source % 8] == again.class_names[label]


@pytest.mark.parametrize(
    "names", [("a", "b\nc"), ("a", ""), ("a", "a"), ("a", "\udce9")]
)
def test_names_that_no_class_can_have_are_refused(names):
    split = ArraySplit(np.zeros((2, 8, 8, 1), np.uint8), np.arange(2), "test")
    with pytest.raises(DataError, match="toy cannot be used"):
        ImageDataset("toy", names, {"test": split}, (8, 8, 1))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_place_that_cannot_be_written_is_one_sentence(
    dataset, tmp_path, monkeypatch, code
):
    def refuse(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(ResourceError, match=f"{os.strerror(code)}. What is there is"):
        extract(dataset, tmp_path / "out")


def test_classes_that_a_disk_cannot_tell_apart_are_refused(
    dataset, tmp_path, monkeypatch
):
    made = set()
    mkdir = Path.mkdir

    def without_capitals(path, *args, **kwargs):
        if str(path).lower() in made and not kwargs.get("exist_ok"):
            raise FileExistsError(errno.EEXIST, "File exists", str(path))
        made.add(str(path).lower())
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", without_capitals)
    split = dataset.splits["test"]
    names = ImageDataset("toy", ("Bag", "bag"), {"test": split}, (8, 8, 1))
    with pytest.raises(DataError, match="capitals do not tell"):
        extract(names, tmp_path / "out")


def test_no_images_and_a_file_in_the_place_of_a_folder_are_refused(dataset, tmp_path):
    with pytest.raises(UsageError, match="`count` must be at least 1"):
        extract(dataset, tmp_path / "out", count=-2)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match=r"to a folder\. Received: .*file, a file"):
        extract(dataset, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_tilde_is_the_home_folder(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (path,) = extract(dataset, "~/out", count=1)
    assert path.is_relative_to(tmp_path / "out")
