import subprocess
import sys

import pytest
from image_files import make_folder, noise

from swin_keras.cli.command_help import HELP
from swin_keras.data import check_folder, load_dataset, load_trained
from swin_keras.data.loading import SETS
from swin_keras.errors import DataError, UsageError


def test_reading_images_needs_no_tensorflow(tmp_path):
    code = (
        "import sys, swin_keras.data\n"
        "heavy = {'tensorflow', 'keras', 'tensorflow_datasets', 'sklearn'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("val_fraction", [0, 0.5, 10])
def test_a_share_beyond_its_range_is_refused(tmp_path, val_fraction):
    with pytest.raises(UsageError, match=r"between 0 and 0\.5"):
        load_dataset(tmp_path, val_fraction=val_fraction)


def test_the_data_of_a_run_come_back_as_the_run_had_them(tmp_path):
    make_folder(tmp_path, {"a": 20, "b": 20})
    (tmp_path / "a" / "bad.png").write_bytes(b"")
    options = {"seed": 3, "test_fraction": 0.2, "on_bad": "skip"}
    dataset = load_dataset(tmp_path, **options)
    train = {**options, "data": str(tmp_path), "epochs": 7}
    assert load_trained(train).fingerprint() == dataset.fingerprint()
    assert len(load_trained(train, hold_out=False).split("all")) == 40


def test_data_with_a_label_pattern_are_found_where_they_are_now(tmp_path):
    make_folder(tmp_path / "set", {"a": 0, "b": 0})
    for index in range(12):
        noise(index).save(tmp_path / "set" / f"{'ab'[index % 2]}_{index}.png")
    for folder in "ab":
        (tmp_path / "set" / folder).rmdir()
    pattern = r"(?P<label>[ab])_\d+"
    train = {"data": str(tmp_path / "set"), "label_pattern": pattern}
    names = load_trained(train).class_names
    assert names == ("a", "b")
    again = load_trained(train, source=f"{tmp_path}/./set/", hold_out=False)
    assert len(again.split("all")) == 12
    (tmp_path / "set").rename(tmp_path / "moved")
    moved = load_trained(train, source=str(tmp_path / "moved"), hold_out=False)
    assert moved.class_names == names
    others = make_folder(tmp_path / "others", {"a": 6, "b": 6})
    assert len(load_trained(train, source=str(others)).split("all")) == 12


def test_a_seed_below_0_is_refused(tmp_path):
    with pytest.raises(UsageError, match="`seed` must not be negative"):
        load_dataset(tmp_path, seed=-1)


def test_a_folder_whose_name_begins_with_a_tilde_is_a_folder(tmp_path, monkeypatch):
    make_folder(tmp_path / "~no-such-user", {"a": 6, "b": 6})
    monkeypatch.chdir(tmp_path)
    assert len(load_dataset("~no-such-user").split("all")) == 12
    assert check_folder("~no-such-user").ok
    with pytest.raises(DataError, match="~not-there"):
        load_dataset("~not-there/photos")


@pytest.mark.parametrize("name", ["digits", "garments", "mnist", "fashion_mnist"])
def test_a_folder_that_is_called_as_a_set_is_said_to_be_read(
    name, tmp_path, monkeypatch, caplog
):
    make_folder(tmp_path / name, {"a": 6, "b": 6})
    monkeypatch.chdir(tmp_path)
    assert load_dataset(name).class_names == ("a", "b")
    assert caplog.messages == [
        f"The folder {name} is read, not the data set of this name. To read that, "
        f"rename the folder or start elsewhere; {name}/ means the folder alone."
    ]
    caplog.clear()
    for path in (f"{name}/", f"./{name}", tmp_path / name):
        load_dataset(path)
    assert not caplog.messages


def test_no_example_of_the_help_names_a_folder_as_a_set():
    words = [word for texts in HELP.values() for text in texts for word in text.split()]
    folders = {word.rstrip("/") for word in words if word.endswith("/")}
    assert "photos" in folders
    assert not folders & set(SETS)
