"""Training on several devices gives what one device gives."""

import json
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from toy_runs import EVERYTHING, write_config

from swin_keras.errors import UsageError
from swin_keras.training import TrainConfig, devices, strategy
from swin_keras.training.devices import check_devices
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.strategy import make_strategy, tf_config, trainers_here


@pytest.fixture(scope="module")
def configuration(digits_dir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    # With the defaults: XLA on one device and on several.
    options = EVERYTHING | {"epochs": 2, "jit_compile": None}
    config = TrainConfig(data_dir=str(digits_dir), runs_dir=str(folder), **options)
    prepare(config)  # the digits, once for all
    return write_config(config, folder / "toy.yaml")


@pytest.fixture(scope="module")
def one_device(configuration):
    run_command("train", "--config", configuration, "--name", "one", "--strategy=none")
    return close_outcome(configuration, "one")


def run_command(*words):
    words = [sys.executable, "-m", "swin_keras.cli", *map(str, words)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    return done.stderr


def close_outcome(configuration, name):
    """Return the weights and figures of a run."""
    run = RunFolder.named(configuration.parent, name)
    figures = np.genfromtxt(run.metrics, delimiter=",", names=True)
    names = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")
    weights = keras.models.load_model(run.best_model, compile=False).get_weights()
    return weights, np.array([figures[name] for name in names])


def assert_same(given, expected):
    for one, two in zip(given[0], expected[0], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    np.testing.assert_allclose(given[1], expected[1], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [None, True])
def test_two_devices_train_as_one(
    configuration, one_device, train_mirrored, jit_compile
):
    """By default, and where XLA compiles the optimizer's step, too, as on a GPU."""
    name = f"mirrored-{jit_compile}"
    train_mirrored(configuration, jit_compile=jit_compile, name=name)
    assert_same(close_outcome(configuration, name), one_device)


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--jit-compile", "true")])
def test_two_workers_train_as_one(configuration, one_device, more):
    name = "-".join(["workers", *more])
    words = ("--workers", 2, "--", "train", "--config", configuration)
    said = run_command("launch", *words, "--name", name, *more)
    assert "[worker 0] epoch 2/2" in said
    assert "on 2 devices" in said
    assert_same(close_outcome(configuration, name), one_device)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "mirrored"}, "needs two or more devices"),
        ({"strategy": "multiworker"}, "needs TF_CONFIG"),
        ({"batch_size": 62, "gradient_accumulation_steps": 4}, r"of 8 .*Nearest: 56"),
        ({"batch_size": 63, "mixup": 0.8}, r"of 2 \(pairs of mixed images\)"),
    ],
)
def test_what_devices_cannot_do_is_refused(digits_dir, options, message):
    with pytest.raises(UsageError, match=message):
        prepare(TrainConfig(data_dir=str(digits_dir), **options))


@pytest.mark.parametrize(
    ("cluster", "task", "here"),
    [
        (None, None, 1),
        ({"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, {"type": "worker", "index": 1}, 2),
        ({"worker": ["a:1", "b:1", "b:2"]}, {"type": "worker", "index": 0}, 1),
        ({"chief": ["b:0"], "worker": ["a:1", "b:1"]}, {"type": "chief"}, 2),
        ({"worker": ["[::1]:1", "[::1]:2"]}, {"type": "worker", "index": 0}, 2),
    ],
)
def test_the_trainers_of_a_machine_are_counted(cluster, task, here, monkeypatch):
    text = json.dumps({"cluster": cluster, "task": task}) if cluster else ""
    monkeypatch.setenv("TF_CONFIG", text)
    assert trainers_here() == here


def test_trainers_of_a_machine_share_its_cores(monkeypatch):
    monkeypatch.setattr(devices, "on_cpu", lambda: False)
    monkeypatch.setattr(devices, "usable_cores", lambda: 16)
    for count, processes in (1, 16), (4, 4), (32, 1):
        monkeypatch.setattr(devices, "trainers_here", lambda count=count: count)
        assert devices.loading_workers(TrainConfig()).processes == processes
    assert devices.loading_workers(TrainConfig(workers=3)).processes == 3


def test_a_broken_tf_config_is_refused(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(UsageError, match="TF_CONFIG must be JSON"):
        tf_config()


@pytest.mark.parametrize(
    ("kind", "index", "number"), [("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)]
)
def test_a_chief_beside_workers_is_the_first_of_them(monkeypatch, kind, index, number):
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    monkeypatch.setenv(
        "TF_CONFIG",
        json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}}),
    )
    assert strategy._workers() == ["a:1", "b:1", "c:1"]
    assert strategy._worker_number() == number
    assert strategy._best_strategy() == "multiworker"


def test_a_task_that_does_not_train_is_refused(monkeypatch):
    task = {"type": "evaluator", "index": 0}
    text = json.dumps({"cluster": {"worker": ["a:1", "b:1"]}, "task": task})
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match="'evaluator'"):
        make_strategy("auto")


def test_one_worker_alone_trains_without_a_strategy(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["127.0.0.1:1"]}}')
    assert make_strategy("auto") is None


@pytest.mark.parametrize(
    ("training", "validation", "options", "message"),
    [
        (8, 1, {}, "Each of 2 devices must have a validation image. Received: 1. "),
        (1, 4, {}, r"at least 2 training images \(2 devices\). Received: 1. "),
        (3, 4, {"mixup": 0.8}, r"at least 4 .*\(2 devices, pairs of mixed images\)"),
    ],
)
def test_images_that_devices_cannot_share_are_refused(
    training, validation, options, message
):
    dataset = SimpleNamespace(
        training=range(training), splits={"val": range(validation)}
    )
    plain = {"batch_size": 4, "mixup": 0.0, "cutmix": 0.0}
    config = TrainConfig(**plain | options)
    with pytest.raises(UsageError, match=message):
        check_devices(config, SimpleNamespace(count=2), dataset)
    check_devices(TrainConfig(**plain), SimpleNamespace(count=1), dataset)
