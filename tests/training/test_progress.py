"""What a run says of each epoch."""

import logging
import re
import types

import pytest

from swin_keras.training import devices
from swin_keras.training.progress import KEPT_STEP, LiveProgress


@pytest.fixture
def line_of(caplog):
    """Return a function that runs an epoch of some steps and returns its line."""

    def run(steps):
        progress = LiveProgress(epochs=2, steps_per_epoch=3, batch_size=8)
        with caplog.at_level(logging.INFO):
            progress.on_train_begin()
            progress.on_epoch_begin(0)
            for batch in range(steps):
                progress.on_train_batch_end(batch, {"loss": 1.0})
            progress.on_epoch_end(0, {"loss": 1.0, "val_accuracy": 0.5})
            progress.on_train_end()
        return caplog.messages[-1]

    return run


def test_an_epoch_has_its_figures_its_rate_and_what_is_left(line_of):
    figures = r"loss 1\.0000  val_accuracy 0\.5000"
    pattern = rf"epoch 1/2  {figures}  \d+ images/s  ETA \d+:\d\d"
    assert re.fullmatch(pattern, line_of(steps=3))


def test_a_validation_that_is_repeated_has_no_rate(line_of):
    line = line_of(steps=0)
    assert line == "epoch 1/2  loss 1.0000  val_accuracy 0.5000  ETA unknown"


def test_the_rate_is_that_of_training_without_validation(monkeypatch, caplog):
    clock = iter([*range(0, 6), 100, 101, 102])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    progress = LiveProgress(epochs=2, steps_per_epoch=2, batch_size=8, bar=False)
    with caplog.at_level(logging.INFO):
        progress.on_train_begin()  # 0
        progress.on_epoch_begin(0)  # 1
        for batch in range(2):
            progress.on_train_batch_end(batch, {"loss": 1.0})  # 2, 3
        progress.on_test_begin()  # 4
        progress.on_test_begin()
        monkeypatch.undo()
        progress.on_epoch_end(0, {"loss": 1.0})
    assert "  5 images/s  " in caplog.messages[-1]


@pytest.mark.parametrize(
    ("compiles", "cache", "on_cpu", "kept"),
    [
        (True, None, False, True),
        (True, None, True, False),
        (True, True, True, True),
        (True, False, False, False),
        (False, None, False, False),
    ],
)
def test_a_step_that_is_compiled_once_is_told_apart(
    compiles, cache, on_cpu, kept, monkeypatch
):
    monkeypatch.setattr(devices, "on_cpu", lambda: on_cpu)
    config = types.SimpleNamespace(compile_cache=cache)
    model = types.SimpleNamespace(compiles=compiles)
    assert devices.keeps_steps(config, model) == kept


def test_what_is_said_before_the_first_step_can_be_chosen(caplog):
    progress = LiveProgress(2, 3, 8, first_words=KEPT_STEP)
    with caplog.at_level(logging.INFO):
        progress.on_train_begin()
    assert caplog.messages == ["compiling the step (once for this model and machine)"]
