import numpy as np
import pytest
from image_files import file_bytes

from swin_keras.data import ImageDataset, extract
from swin_keras.data.dataset import ArraySplit
from swin_keras.data.image_file import open_image
from swin_keras.data.image_io import decode_image
from swin_keras.errors import DataError, UsageError


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
