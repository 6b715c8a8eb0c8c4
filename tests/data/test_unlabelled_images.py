"""Images without labels: what is found, and what must not be trained on."""

import shutil

import numpy as np
import pytest
from image_files import make_folder, noise

from swin_keras.data import BatchLoader, extract, load_dataset
from swin_keras.data.lost import find_lost
from swin_keras.data.targets import NO_LABEL
from swin_keras.data.unlabelled import with_unlabelled
from swin_keras.errors import DataError


@pytest.fixture
def pets(tmp_path):
    folder = make_folder(tmp_path / "pets", {"cat": 10, "dog": 10})
    return load_dataset(folder)


@pytest.fixture
def loose(tmp_path):
    return make_folder(tmp_path / "loose", {"a": 3, "a/b": 2, "c": 1})


def test_images_at_any_depth_come_after_those_with_labels(pets, loose):
    (loose / "notes.txt").write_text("nothing")
    (loose / "folder.png").mkdir()
    found = with_unlabelled(pets, loose)
    assert len(found.unlabelled) == 6
    assert (found.unlabelled.labels == NO_LABEL).all()
    train = found.splits["train"]
    assert (train.labels >= 0).all()
    names = [found.training.name(i) for i in range(len(train), len(found.training))]
    assert names == sorted(str(path) for path in loose.rglob("*.png") if path.is_file())
    assert len(found.split("all")) == 20


def test_batches_hold_both_and_labels_stay_with_their_images(pets, loose):
    found = with_unlabelled(pets, loose)
    loader = BatchLoader(found.training, 4, (36, 40), 3, training=True, seed=1)
    seen = {}
    for step in range(loader.steps):
        _, labels = loader(step)
        seen |= dict(zip(loader.names(step), labels.tolist(), strict=True))
    assert len(seen) == 4 * (len(found.training) // 4)
    classes = {"cat": 0, "dog": 1}
    for name, label in seen.items():
        expected = NO_LABEL
        if "/pets/" in name:
            expected = classes[name.split("/")[-2]]
        assert label == expected, name


def test_the_fingerprint_tells_which_they_are(pets, loose):
    first = with_unlabelled(pets, loose).fingerprint()
    assert first != pets.fingerprint()
    assert with_unlabelled(pets, loose).fingerprint() == first
    moved = loose.rename(loose.with_name("moved"))
    assert with_unlabelled(pets, moved).fingerprint() == first
    noise(7, (41, 36)).save(moved / "c" / "000.png")
    assert with_unlabelled(pets, moved).fingerprint() != first


def test_files_of_val_and_test_are_left_out_and_counted(pets, loose):
    held_out = [pets.splits[title].source(0) for title in ("val", "test")]
    for number, source in enumerate([*held_out, pets.splits["train"].source(0)]):
        shutil.copy(source, loose / f"copy{number}.png")
    found = with_unlabelled(pets, loose)
    assert len(found.unlabelled) == 7  # the copy of a training image does no harm
    assert not {"copy0.png", "copy1.png"} & set(found.unlabelled.items)
    assert any("val or test, left out: 2" in note for note in found.notes)


def test_pictures_that_are_arrays_of_val_and_test_are_left_out(digits, tmp_path):
    extract(digits, tmp_path / "all" / "test", count=5, split="test")
    extract(digits, tmp_path / "all" / "train", count=7, split="train")
    found = with_unlabelled(digits, tmp_path / "all")
    assert len(found.unlabelled) == 7
    assert all(item.startswith("train/") for item in found.unlabelled.items)


def test_a_folder_without_images_is_refused(pets, tmp_path):
    with pytest.raises(DataError, match=r"must be a folder of images.*none"):
        with_unlabelled(pets, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing")
    with pytest.raises(DataError, match="an image to train on"):
        with_unlabelled(pets, tmp_path / "empty")


def test_a_folder_of_nothing_but_held_out_images_is_refused(pets, tmp_path):
    (tmp_path / "leak").mkdir()
    shutil.copy(pets.splits["test"].source(0), tmp_path / "leak" / "a.png")
    with pytest.raises(DataError, match="0 that cannot be used, and 1 that are in val"):
        with_unlabelled(pets, tmp_path / "leak")


def test_files_that_are_no_usable_images_stop_or_are_skipped(pets, loose):
    whole = (loose / "c" / "000.png").read_bytes()
    (loose / "c" / "000.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"1 of 6 images .*\n  c/000\.png: truncated"):
        with_unlabelled(pets, loose)
    found = with_unlabelled(pets, loose, on_bad="skip")
    assert len(found.unlabelled) == 5
    assert [path for path, _ in found.skipped] == [str(loose / "c" / "000.png")]


def test_they_are_read_with_the_range_of_the_data(pets, loose):
    found = with_unlabelled(pets, loose, grey_range=(0, 4095))
    assert found.unlabelled.grey_range == (0, 4095)
    assert np.asarray(found.unlabelled.image(0, 3)).shape == (36, 40, 3)


@pytest.mark.parametrize("on_bad", ["stop", "skip"])
def test_another_stands_for_an_image_that_a_run_could_not_read(pets, loose, on_bad):
    before = with_unlabelled(pets, loose)
    fingerprint = before.fingerprint()
    broken = loose / "a" / "b" / "001.png"
    broken.write_bytes(broken.read_bytes()[:500])
    lost, reasons = find_lost(before)
    assert list(lost) == list(reasons) == ["unlabelled:a/b/001.png"]
    if on_bad == "stop":
        with pytest.raises(DataError, match="a/b/001"):
            with_unlabelled(pets, loose, lost=lost)
        broken.unlink()
    found = with_unlabelled(pets, loose, on_bad=on_bad, lost=lost)
    assert found.fingerprint() == fingerprint
    place = found.unlabelled.items.index("a/b/001.png")
    assert found.unlabelled.source(place) == str(loose / "c" / "000.png")
    assert any(str(broken) in note for note in found.notes)
    assert len(load_dataset(loose.parent / "pets", lost=lost).split("all")) == 20
