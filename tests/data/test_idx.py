import gzip
import resource
import struct

import numpy as np
import pytest
from idx_files import write_idx

from swin_keras.data import load_dataset
from swin_keras.data.idx import read_idx
from swin_keras.errors import DataError


@pytest.fixture(params=["", ".gz"])
def folder(request, tmp_path):
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 100), ("t10k", 20)):
        images = rng.integers(0, 256, (count, 28, 28))
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte{request.param}", images)
        labels = np.arange(count) % 10
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte{request.param}", labels)
    return tmp_path


def test_four_idx_files_make_a_data_set(folder):
    dataset = load_dataset("fashion_mnist", data_dir=folder)
    sizes = {title: len(split) for title, split in dataset.splits.items()}
    assert sizes == {"train": 90, "val": 10, "test": 20}
    assert dataset.class_names[0] == "T-shirt/top"
    assert dataset.classes == 10
    assert dataset.image_shape == (28, 28, 1)
    assert dataset.mirror_safe
    assert sorted(dataset.splits["val"].labels) == list(range(10))
    assert dataset.splits["test"].name(3) == "test/3"


def test_pixels_and_labels_belong_together(folder):
    rng = np.random.default_rng(0)
    train = rng.integers(0, 256, (100, 28, 28))
    test = rng.integers(0, 256, (20, 28, 28))
    dataset = load_dataset("mnist", data_dir=folder)
    assert not dataset.mirror_safe
    split = dataset.splits["test"]
    for index in (0, 7, 19):
        np.testing.assert_array_equal(np.asarray(split.image(index, 1)), test[index])
        assert split.labels[index] == index % 10
    kept = {image.tobytes() for image in dataset.splits["train"].items}
    held_out = {image.tobytes() for image in dataset.splits["val"].items}
    assert kept | held_out == {image.astype(np.uint8).tobytes() for image in train}


def test_the_fingerprint_follows_pixels_and_the_held_out_images(folder):
    first = load_dataset("mnist", data_dir=folder).fingerprint()
    assert load_dataset("mnist", data_dir=folder).fingerprint() == first
    assert load_dataset("mnist", data_dir=folder, seed=1).fingerprint() != first
    path = next(folder.glob("t10k-images*"))
    write_idx(path, np.zeros((20, 28, 28)))
    assert load_dataset("mnist", data_dir=folder).fingerprint() != first


def test_a_missing_file_is_an_error_that_lists_all_four(folder):
    next(folder.glob("t10k-labels*")).unlink()
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.*t10k-labels"):
        load_dataset("mnist", data_dir=folder)


def test_counts_that_differ_are_an_error(folder):
    path = next(folder.glob("t10k-labels*"))
    write_idx(path, np.zeros(19))
    with pytest.raises(DataError, match=r"holds 20 images, but .* holds 19 labels"):
        load_dataset("mnist", data_dir=folder)


def test_labels_beyond_the_classes_are_an_error(folder):
    path = next(folder.glob("t10k-labels*"))
    write_idx(path, np.full(20, 10))
    with pytest.raises(DataError, match=r"labels below 10. Received: 10"):
        load_dataset("mnist", data_dir=folder)


# Without the time, for names of tests that are the same in every process.
PACKED = gzip.compress(b"\0\0\x08\x03" + b"\0\0\0\x20" * 3 + bytes(32768), mtime=0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x", b"", "must begin as an IDX file.*Received: nothing"),
        ("x", b"\0\0\x08\x01\0\0\0\x02ab", r"3 dimensions. Received: 00000801"),
        (
            "x",
            b"\0\0\x08\x03" + bytes(12) + b"a",
            "must hold 0 bytes.*Received: more than 0 ",
        ),
        ("x.gz", b"no gzip", "cannot be read"),
        (
            "x.gz",
            PACKED[:-9],
            "cannot be read",
        ),
    ],
)
def test_damaged_files_are_named(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as error:
        read_idx(path, rank=3)
    assert str(path) in str(error.value)


def test_a_packed_file_is_not_unpacked_beyond_its_header(tmp_path):
    path = tmp_path / "bomb.gz"
    header = b"\0\0\x08\x03" + struct.pack(">3I", 1, 28, 28)
    path.write_bytes(gzip.compress(header + bytes(300_000_000), compresslevel=1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match=r"must hold 784 bytes.*more than 784"):
        read_idx(path, rank=3)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100_000  # kilobytes
