"""Runs on images without labels: what they learn, and that they come out the same."""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from swin_keras.data import extract, load_dataset
from swin_keras.errors import DataError, Interrupted, UsageError
from swin_keras.training import TrainConfig
from swin_keras.training.description import describe
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.train import train

sys.path.append(str(Path(__file__).parents[1] / "training"))
from toy_runs import EVERYTHING, outcome, write_config

SIZES = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
OPTIONS = EVERYTHING | {
    **{"sizes": SIZES, "epochs": 1, "seed": 3, "batch_size": 32, "tensorboard": False},
    **{"train_images": 100, "label_smoothing": 0.1},
}
COUNT = 300  # 12 steps an epoch, with those that have labels


@pytest.fixture(scope="module")
def pictures(digits_dir, tmp_path_factory):
    """Write training digits, and some that are held out, into a folder."""
    digits = load_dataset("digits", data_dir=digits_dir)
    folder = tmp_path_factory.mktemp("unlabelled")
    extract(digits, folder / "train", count=COUNT, split="train")
    extract(digits, folder / "val", count=20, split="val")
    return folder


@pytest.fixture
def config(digits_dir, trained_run, pictures, tmp_path):
    """Return a function that makes a student's configuration."""

    def make(**options):
        fixed = {"data_dir": str(digits_dir), "runs_dir": str(tmp_path / "runs")}
        fixed |= {"teacher": str(trained_run.path), "unlabelled": str(pictures)}
        return TrainConfig(**fixed | options)

    return make


class StopsAfter(keras.callbacks.Callback):
    """Asks to stop as a scheduler does, in the middle of an epoch."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 4:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.slow
def test_a_run_that_was_stopped_ends_the_same_with_answers_from_disk(
    config, tmp_path, monkeypatch
):
    options = OPTIONS | {"teacher_cache": str(tmp_path / "answers")}
    whole = outcome(train(config(**options, name="whole")))

    def refuse(*images):
        raise AssertionError("the teacher was asked again")

    monkeypatch.setattr("swin_keras.distillation.teacher.Teacher.logits", refuse)
    stopped = config(**options, name="stopped")
    with pytest.raises(Interrupted):
        train(stopped, callbacks=[StopsAfter()])
    assert outcome(train(stopped, resume=True)) == whole


@pytest.mark.slow
def test_two_devices_learn_as_one(config, train_mirrored, tmp_path):
    student = config(**OPTIONS)
    one = train(student)
    train_mirrored(write_config(student, tmp_path / "student.yaml"))
    two = RunFolder.named(one.path.parent, "mirrored")
    figures = [np.genfromtxt(run.metrics, delimiter=",")[1:, :-1] for run in (one, two)]
    np.testing.assert_allclose(*figures, atol=1e-5)


@pytest.mark.slow
def test_the_run_says_how_many_there_are(config):
    job = prepare(config(**OPTIONS))
    text = "\n".join(describe(job))  # as --dry-run and the log begin
    assert f"and {COUNT} images without labels in" in text
    assert "in val or test, left out: 20" in text
    assert job.card("run", {}).data["images"]["unlabelled"] == COUNT
    assert len(job.dataset.splits["train"]) == 100
    assert job.steps == (100 + COUNT) // 32


@pytest.mark.slow
def test_a_run_does_not_resume_with_other_images(config, pictures, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    for path in pictures.rglob("train_*.png"):
        (other / path.name).write_bytes(path.read_bytes())
    options = OPTIONS | {"name": "student", "unlabelled": str(other)}
    with pytest.raises(Interrupted):
        train(config(**options), callbacks=[StopsAfter()])
    next(other.iterdir()).unlink()
    with pytest.raises(DataError, match="the data and the teacher it began with"):
        train(config(**options), resume=True)


@pytest.mark.slow
def test_a_run_goes_on_without_an_image_that_it_could_not_read(config, tmp_path):
    """Another stands for it; the place of every other stays what it was."""
    rng = np.random.default_rng(0)
    for number in range(40):
        pixels = rng.integers(0, 256, (9, 9), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number:02d}.png")
    options = OPTIONS | {"name": "student", "unlabelled": str(tmp_path)}
    broken = tmp_path / "07.png"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-40] + whole[-12:])  # ends as a PNG does
    with pytest.raises(DataError, match=r"1 of 1837 .*\n  unlabelled:07\.png: trunc"):
        train(config(**options))
    run = RunFolder.named(str(tmp_path / "runs"), "student")
    assert run.read_config().lost == {
        "unlabelled:07.png": ["unlabelled", "", len(whole) - 28]
    }
    broken.unlink()
    assert train(run.read_config(), resume=True).card.is_file()


@pytest.mark.slow
def test_a_step_in_which_no_image_has_a_label_is_taken(config):
    few = {"train_images": 10, "batch_size": 4, "gradient_accumulation_steps": 1}
    job = prepare(config(**OPTIONS | few | {"mixup": 0, "cutmix": 0}))
    images, targets = next(
        batch
        for batch in job.training_batches()
        if not batch[1]["labels"].numpy().any()
    )
    logs = job.training_model.train_on_batch(images, targets, return_dict=True)
    assert np.isfinite(logs["loss"])
    assert logs["accuracy"] == 0
    weights = job.training_model.get_weights()
    assert all(np.isfinite(values).all() for values in weights)


class TestRefused:
    def test_without_a_teacher(self):
        with pytest.raises(UsageError, match=r"`unlabelled` is for a run with a teach"):
            TrainConfig(unlabelled="photos")

    def test_feature_maps(self, config):
        with pytest.raises(UsageError, match=r"Use --distillation soft or dist"):
            config(distillation="features")

    @pytest.mark.parametrize("task", ["multi-label", "segment", "detect"])
    @pytest.mark.parametrize("kind", ["soft", None])
    def test_other_tasks(self, config, task, kind):
        with pytest.raises(UsageError, match=f"The task '{task}' learns from no answ"):
            config(task=task, distillation=kind)

    def test_a_folder_that_is_none(self, config, tmp_path):
        with pytest.raises(DataError, match="must be a folder of images"):
            prepare(config(unlabelled=str(tmp_path / "none")))
