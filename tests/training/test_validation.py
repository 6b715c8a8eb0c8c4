"""mAP of the validation pictures, in every epoch."""

import csv
import dataclasses
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from idx_files import write_garments
from toy_runs import outcome, write_config

from swin_keras.data import BatchLoader
from swin_keras.errors import Interrupted, UsageError
from swin_keras.inference.evaluation import evaluate_dataset
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.processes import StopSignals
from swin_keras.tasks import detect
from swin_keras.tasks.validation_map import ValidationMAP
from swin_keras.training import TrainConfig
from swin_keras.training.preparation import load_data, prepare
from swin_keras.training.train import train
from swin_keras.training.validation import ScoreValidation
from swin_keras.tuning.study_folder import score_of

TOY = {
    "task": "detect",
    "data": "garments/48",
    "sizes": {"patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]},
    "head_sizes": {"channels": 8, "convolutions": 1, "extra_levels": 1},
    "batch_size": 4,
    "train_images": 8,
    "val_fraction": 0.4,
    "jit_compile": False,
    "tensorboard": False,
}

FIGURES = """
import sys, tensorflow as tf, yaml
from test_validation import figures_of, surer, validated
from swin_keras.training import TrainConfig
from swin_keras.training.preparation import prepare
cpu = tf.config.list_physical_devices("CPU")[0]
parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, parts)
values = yaml.safe_load(open(sys.argv[1]))
job = prepare(TrainConfig.from_dict(values | {"strategy": "mirrored"}))
(figure,) = figures_of(surer(job)).values()
print(job.replicas.count, figure, validated(job))
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("garments")
    write_garments(folder)
    return TrainConfig(**TOY, data_dir=str(folder), runs_dir=str(folder), name="toy")


def surer(job):
    """Let a model that has learned nothing find a few objects all the same."""
    classes = np.arange(job.dataset.classes)
    for weight in job.model.weights:
        if weight.path.endswith("head_one_logits/bias"):
            weight.assign(weight + 4 + (classes == 4) * 0.5)
        elif weight.path.endswith("head_one_logits/kernel"):
            weight.assign(weight * 20)
    return job


def validation_of(job):
    validation = ScoreValidation(job, StopSignals())
    validation.set_model(job.training_model)
    job.training_model.stop_evaluating = False
    return validation


def figures_of(job):
    logs, validation = {}, validation_of(job)
    validation.on_test_end()
    validation.on_epoch_end(0, logs)
    return logs


def validated(job):
    """Return the loss of the validation pictures, whose number is odd."""
    assert len(job.dataset.split("val")) % 2
    steps = job.validation_steps
    batches = job.validation_batches()
    return job.training_model.evaluate(batches, steps=steps, verbose=0)


@pytest.mark.parametrize(
    "letter_box", [pytest.param(False, marks=pytest.mark.slow), True]
)
def test_it_is_what_evaluate_says_of_the_same_weights(config, tmp_path, letter_box):
    shape = {"image_size": (48, 64), "letter_box": letter_box}
    job = surer(prepare(dataclasses.replace(config, **shape)))
    save_keras(job.model, tmp_path / "a.keras", job.card("a", {}))
    predictor = Predictor(tmp_path / "a.keras")
    assert predictor.letter_box is letter_box
    result = evaluate_dataset(predictor, job.dataset, "val")
    assert result.score > 0
    # Boxes of a model that knows nothing reach far into the black, where
    # `evaluate` cuts them.
    exact = 1e-6 if not letter_box else 0.01
    assert figures_of(job) == {"val_map": pytest.approx(result.score, abs=exact)}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["detect", "multi-label"])
def test_two_devices_find_what_one_finds(config, tmp_path, task):
    if task == "multi-label":
        options = TOY | {"task": task, "head_sizes": {}, "mixup": 0.0}
        where = {"data_dir": config.data_dir, "runs_dir": config.runs_dir}
        config = TrainConfig(**options, **where, name="toy")
    job = surer(prepare(config))
    path = write_config(config, tmp_path / "config.yaml")
    words = [sys.executable, "-c", FIGURES, path]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, capture_output=True, text=True, timeout=400, env=paths)
    assert done.returncode == 0, done.stderr[-3000:]
    count, figure, loss = map(float, done.stdout.split())
    assert count == 2
    (alone,) = figures_of(job).values()
    assert 0 < figure == pytest.approx(alone, abs=1e-6)
    assert loss == pytest.approx(validated(job), rel=1e-5)


class MeanScore:
    """Stands for mAP, which is 0 as long as so little is learned."""

    def __init__(self, *about):
        self.scores = []

    def add(self, targets, outputs):
        assert len(targets) == len(outputs["scores"])
        self.scores.extend(outputs["scores"])

    def figures(self):
        return {"map": float(np.mean(self.scores))}


@pytest.mark.slow
def test_it_is_that_of_the_averaged_weights_which_are_kept(config, monkeypatch):
    monkeypatch.setattr(detect, "ValidationMAP", MeanScore)
    averaged = dataclasses.replace(config, name="averaged", epochs=1, ema_momentum=0.9)
    run = train(averaged)
    predictor = Predictor(run.best_model)
    _, row = csv.reader(run.metrics.read_text().splitlines())
    split = load_data(averaged).split("val")
    images, _ = BatchLoader(split, len(split), predictor.input_shape[:2], 3)(0)
    scores = predictor.outputs(images)["one_scores"].reshape(len(split), -1)
    best = np.sort(1 / (1 + np.exp(-scores)))[:, -100:]
    assert best.mean() == pytest.approx(float(row[3]), rel=1e-5)


class Stopping(ValidationMAP):
    """Ask to stop while the answers of the second epoch are collected."""

    calls = 0

    def add(self, targets, outputs):
        Stopping.calls += 1
        if Stopping.calls == 4:  # of three in an epoch
            os.kill(os.getpid(), signal.SIGTERM)
        super().add(targets, outputs)


@pytest.mark.slow
def test_a_run_stopped_meanwhile_is_as_one_that_never_was(config, monkeypatch):
    config = dataclasses.replace(config, name="stopped", epochs=2)
    monkeypatch.setattr(detect, "ValidationMAP", Stopping)
    with pytest.raises(Interrupted):
        train(config)
    assert Stopping.calls == 4
    stopped = train(config, resume=True)
    other = train(dataclasses.replace(config, name="undisturbed"))
    assert outcome(stopped) == outcome(other)
    assert stopped.metrics.read_text().startswith("epoch,loss,val_loss,val_map,")


def test_it_chooses_the_epoch_unless_the_loss_is_asked_for(config):
    assert config.monitor == "val_map"
    assert dataclasses.replace(config, monitor="val_loss").monitor == "val_loss"
    assert TrainConfig(task="segment").monitor == "val_loss"
    with pytest.raises(UsageError, match="val_loss, val_map"):
        dataclasses.replace(config, monitor="val_accuracy")
    metrics = {"val_loss": 0.5, "val_map": 0.25}
    assert score_of(metrics, detect.TASK) == 0.25


def test_crowds_and_padding_are_counted_as_by_evaluate():
    score = ValidationMAP(["cat", "dog"], (100, 200, 3))
    cat, crowd, padding = [0, 0, 20, 20, 0], [100, 50, 200, 100, -3], [-1] * 5
    outputs = {
        "boxes": np.array([[[0, 0, 0.2, 0.1], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]]),
        "classes": np.array([[0.0, 1.0, 0.0]]),
        "scores": np.array([[0.9, 0.8, 0.7]]),
        "count": np.array([2.0]),
    }
    score.add(np.array([[cat, crowd, padding]], "float32"), outputs)
    assert score.figures() == {"map": pytest.approx(1.0)}
    assert ValidationMAP(["cat"], (8, 8, 3)).figures() == {"map": 0.0}
