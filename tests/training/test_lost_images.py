"""A run that ends at an image with a broken middle resumes without it."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from idx_files import write_garments
from PIL import Image
from toy_runs import EVERYTHING, folder_of_images, outcome, write_config

from swin_keras import yaml_files
from swin_keras.data import load_dataset
from swin_keras.errors import DataError, UsageError
from swin_keras.inference.evaluation import evaluate
from swin_keras.training import TrainConfig
from swin_keras.training.lost_images import lost_images
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.train import train
from swin_keras.yaml_files import read_yaml

OPTIONS = EVERYTHING | {
    "batch_size": 8,
    "epochs": 1,
    "tensorboard": False,
    "checkpoint_minutes": 0.0,
    "image_size": 32,
}


def break_middle(path):
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 40] = b"\xff\xd8\xff\xe0" * 10
    path.write_bytes(data)


def config_of(folder, name="run"):
    data, runs = str(folder / "pets"), str(folder / "runs")
    return TrainConfig(data=data, runs_dir=runs, name=name, **OPTIONS)


@pytest.fixture(scope="module")
def stopped_once(tmp_path_factory):
    """Stop a run at a broken image; return where it is, and the image's bytes."""
    folder = tmp_path_factory.mktemp("stopped")
    folder_of_images(folder / "pets", size=200)
    config = config_of(folder)
    broken = Path(prepare(config).names(1)[0])  # a step that follows a checkpoint
    whole = broken.read_bytes()
    break_middle(broken)
    with pytest.raises(DataError, match=rf"1 of 24 .*\n  \w+/{broken.name}: trunc"):
        train(config)
    return folder, broken.relative_to(folder), whole


@pytest.fixture
def stopped(stopped_once, tmp_path):
    """Return the options of a run that was stopped, the image and its bytes."""
    folder, broken, whole = stopped_once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return config_of(tmp_path), tmp_path / broken, whole


@pytest.mark.slow
def test_the_command_says_how_a_run_goes_on_and_it_does(tmp_path):
    folder_of_images(tmp_path / "pets", size=200)
    config = config_of(tmp_path)
    path = write_config(config, tmp_path / "toy.yaml")
    broken = Path(prepare(config).names(1)[0])
    break_middle(broken)

    def command(*words):
        words = [sys.executable, "-m", "swin_keras.cli", "train", *map(str, words)]
        process = subprocess.run(words, capture_output=True, text=True)
        return process.returncode, process.stdout + process.stderr

    code, said = command("--config", path)
    assert code == 3
    written = tmp_path / "runs" / "run" / "config.yaml"
    assert f"swin-keras train --config {written} --resume" in said
    broken.unlink()
    code, said = command("--config", written, "--resume")
    assert code == 0, said
    assert "resuming after step 1 of" in said
    assert f"stand for:\n  {broken}" in said

    # As if the image that stands for it had been there from the beginning.
    split = load_dataset(
        config.data, lost=TrainConfig.from_dict(read_yaml(written)).lost
    )
    places = [(s, n) for s in split.splits.values() for n in range(len(s))]
    (stand_in,) = [s.source(n) for s, n in places if s.root / s.items[n] == broken]
    assert Path(stand_in).parent == broken.parent
    shutil.copy(stand_in, broken)
    undisturbed = train(config_of(tmp_path, "undisturbed"))
    assert outcome(undisturbed) == outcome(type(undisturbed)(tmp_path / "runs/run"))


@pytest.mark.slow
def test_a_broken_image_may_stay_where_skipping_is_asked_for(stopped):
    config, broken, _ = stopped
    run = train(dataclasses.replace(config, on_bad="skip"), resume=True)
    assert broken.exists()
    assert evaluate(run.path, split="all").images == 24


@pytest.mark.slow
def test_only_what_was_broken_may_be_another_file(stopped):
    config, broken, whole = stopped
    broken.unlink()
    other = next(path for path in broken.parent.glob("*.jpg"))
    content = other.read_bytes()
    other.write_bytes(content + b"\xff\xd9")
    with pytest.raises(DataError, match="these differ from those of"):
        train(config, resume=True)
    other.write_bytes(content)
    broken.write_bytes(whole)  # repaired
    run = train(config, resume=True)
    assert run.card.is_file()
    assert list(run.read_config().lost) == [f"{broken.parent.name}/{broken.name}"]


def test_a_disk_that_is_gone_is_not_taken_for_damaged_files(tmp_path):
    folder_of_images(tmp_path / "pets", size=200)
    config = config_of(tmp_path)
    job = prepare(config)
    job.data_card  # noqa: B018  as at the start of `fit`
    shutil.rmtree(tmp_path / "pets")
    with pytest.raises(DataError, match="no such file"):
        train(config, job=job)


def test_the_last_image_of_a_class_has_none_to_stand_for_it(tmp_path):
    folder_of_images(tmp_path / "pets" / "train", size=40)
    folder_of_images(tmp_path / "pets" / "test", size=40, count=1)
    image = tmp_path / "pets" / "test" / "cat" / "0.jpg"
    entry = ["test", "cat", image.stat().st_size]
    before = load_dataset(tmp_path / "pets").fingerprint()
    image.rename(tmp_path / "0.jpg")
    shutil.copy(image.parent.parent / "dog" / "0.jpg", image.parent / "1.txt")
    dataset = load_dataset(tmp_path / "pets", lost={"test/cat/0.jpg": entry})
    assert dataset.fingerprint() == before
    with pytest.raises(DataError, match="no other image of its class is in test"):
        dataset.splits["test"].image(0, 3)


@pytest.mark.parametrize("lost", [[], {"a": 3}, {"a": ["train", "cat", -1]}, "a"])
def test_a_record_that_is_none_is_refused(tmp_path, lost):
    folder_of_images(tmp_path)
    with pytest.raises(UsageError, match="`lost` must hold"):
        load_dataset(tmp_path, lost=lost or [1])


@pytest.mark.parametrize("train_images", [pytest.param(0, marks=pytest.mark.slow), 8])
def test_a_broken_picture_with_a_mask_is_named(tmp_path, train_images):
    root = tmp_path / "pets"
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind).mkdir(parents=True)
    for index in range(12):
        noise = rng.integers(0, 256, (64, 64, 3), np.uint8)
        Image.fromarray(noise).save(root / "images" / f"{index:02}.jpg")
        mask = rng.integers(0, 2, (64, 64), np.uint8)
        Image.fromarray(mask).save(root / "masks" / f"{index:02}.png")
    config = TrainConfig(
        data=str(root),
        task="segment",
        runs_dir=str(tmp_path / "runs"),
        name="run",
        train_images=train_images,
        sizes=OPTIONS["sizes"],
        image_size=64,
        batch_size=4,
        epochs=1,
        jit_compile=False,
    )
    job = prepare(config)
    broken = Path(job.names(1)[0])  # a step that follows the first pictures
    break_middle(broken)
    with pytest.raises(DataError, match=rf"1 of \d+ .*\n.*{broken.name}: [^\n]*\nRep"):
        train(config)


def test_options_that_cannot_be_leave_no_folder(tmp_path):
    write_garments(tmp_path)
    config = TrainConfig(
        task="segment",
        data="garments/48",
        data_dir=str(tmp_path),
        runs_dir=str(tmp_path / "runs"),
        scale_range=(2.0, 1.0),
        batch_size=4,
        epochs=1,
    )
    with pytest.raises(UsageError, match="`scale"):
        train(config)
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_other_data_are_not_searched_for_what_is_broken(stopped):
    """And nothing is recorded that would keep the run from its own data later."""
    config, broken, whole = stopped
    broken.write_bytes(whole)
    new = broken.with_name("new.jpg")
    new.write_bytes(whole)
    break_middle(new)
    written = Path(config.runs_dir) / "run" / "config.yaml"
    before = written.read_text()
    with pytest.raises(DataError, match="A run resumes with the data"):
        train(config, resume=True)
    assert written.read_text() == before
    new.unlink()
    assert train(config, resume=True).card.is_file()


def test_a_broken_image_in_the_first_step_begins_nothing(tmp_path):
    folder_of_images(tmp_path / "pets", size=200)
    config = config_of(tmp_path)
    broken = Path(prepare(config).names(0)[0])
    break_middle(broken)
    with pytest.raises(DataError, match=rf"{broken.name}: trunc.*--on-bad skip"):
        train(config)
    assert not (tmp_path / "runs/run").exists()


def test_more_lost_images_than_a_configuration_holds_are_not_recorded(
    stopped_once, tmp_path, monkeypatch
):
    """A run whose configuration cannot be read back could not be resumed at all."""
    folder, broken, _ = stopped_once
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    others = sorted((tmp_path / broken).parent.glob("*.jpg"))
    break_middle(next(path for path in others if path.name != broken.name))
    run = RunFolder(tmp_path / "runs" / "run")
    before = run.config.read_text()
    monkeypatch.setattr(yaml_files, "MAX_BYTES", len(before))
    job, words = prepare(config_of(tmp_path)), "Repair them, and resume with"
    with pytest.raises(DataError, match=words), lost_images(run, job):
        raise DataError("an image is damaged")
    assert run.config.read_text() == before
