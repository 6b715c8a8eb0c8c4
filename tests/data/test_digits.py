import subprocess
import sys

import numpy as np
import pytest

from swin_keras.data import extract, load_dataset
from swin_keras.data.digits import read_digits


def test_there_are_1797_digits_in_three_splits(digits):
    sizes = {title: len(split) for title, split in digits.splits.items()}
    assert sizes == {"train": 1259, "val": 179, "test": 359}
    assert digits.class_names == tuple("0123456789")
    assert digits.image_shape == (8, 8, 1)
    assert not digits.mirror_safe
    assert digits.notes == ()


def test_each_split_has_its_share_of_each_digit(digits):
    total = np.bincount(read_digits()[1])
    for title, share in (("train", 0.7), ("val", 0.1), ("test", 0.2)):
        counts = np.bincount(digits.splits[title].labels)
        assert np.abs(counts - share * total).max() < 1.5


def test_every_digit_is_there_once_with_its_label(digits):
    images, labels = read_digits()
    assert images.max() == 255
    expected = sorted(
        (image.tobytes(), int(label))
        for image, label in zip(images, labels, strict=True)
    )
    found = sorted(
        (image.tobytes(), int(label))
        for split in digits.splits.values()
        for image, label in zip(split.items, split.labels, strict=True)
    )
    assert found == expected


def test_reading_again_gives_the_same_fingerprint(digits, digits_dir):
    assert (
        load_dataset("digits", data_dir=digits_dir).fingerprint()
        == digits.fingerprint()
    )


def test_tfds_finds_them_by_name(digits, digits_dir):
    import tensorflow_datasets as tfds

    dataset, info = tfds.load(
        "digits", split="test", data_dir=digits_dir, as_supervised=True, with_info=True
    )
    image, label = next(iter(dataset))
    assert image.shape == (8, 8, 1)
    assert 0 <= int(label) < 10
    assert "alpaydin" in info.citation


def test_preparing_prints_nothing_to_stdout(tmp_path, capsys):
    load_dataset("digits", data_dir=tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_two_processes_may_prepare_at_once(tmp_path):
    code = (
        "import sys, pathlib; from swin_keras.data.tfds_source import find_builder, "
        "write_builder; builder = find_builder('digits', sys.argv[1]); "
        "download = builder.download_and_prepare\n"
        "def both_at_once():\n"
        "    pathlib.Path(sys.argv[1], sys.argv[2]).touch()\n"
        "    while len(list(pathlib.Path(sys.argv[1]).glob('ready*'))) < 2: pass\n"
        "    download()\n"
        "builder.download_and_prepare = both_at_once; write_builder(builder)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    racers = [subprocess.Popen([*command, f"ready{n}"]) for n in (1, 2)]
    assert [racer.wait(timeout=120) for racer in racers] == [0, 0]
    assert len(load_dataset("digits", data_dir=tmp_path).splits["train"]) == 1259


@pytest.mark.parametrize("format", ["png", "jpeg"])
def test_digits_survive_the_way_through_a_folder(digits, tmp_path, format):
    extract(digits, tmp_path / "out", count=200, split="train", format=format)
    dataset = load_dataset(tmp_path / "out")
    assert dataset.class_names == digits.class_names
    assert sum(map(len, dataset.splits.values())) == 200
