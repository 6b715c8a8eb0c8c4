"""Nobody waits for a step that the device still computes, unless somebody must."""

import re

import keras
import numpy as np
import pytest
from toy_runs import folder_of_images

from swin_keras.errors import TrainingError
from swin_keras.training import TrainConfig
from swin_keras.training.callbacks import FiniteLoss
from swin_keras.training.search import StepClock
from swin_keras.training.step_callbacks import StepCallbacks, as_numbers
from swin_keras.training.train import train


class Figure:
    """A number that the device still computes: it notes when somebody waits for it."""

    def __init__(self, value):
        self.value, self.is_read = value, False

    def __array__(self, dtype=None, copy=None):
        self.is_read = True
        return np.array(self.value, dtype)

    def __float__(self):
        return float(np.asarray(self))


class Watched(StepCallbacks):
    """Callbacks that are told of figures which note whether they were read at once."""

    waits = []

    def on_train_batch_end(self, batch, logs=None):
        self.tell(super().on_train_batch_end, batch, logs)

    def on_test_batch_end(self, batch, logs=None):
        self.tell(super().on_test_batch_end, batch, logs)

    def tell(self, listeners, batch, logs):
        figures = {name: Figure(value) for name, value in logs.items()}
        listeners(batch, figures)
        self.waits.append(any(figure.is_read for figure in figures.values()))


class Listens(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(logs["loss"])


def toy_config(tmp_path, **options):
    return TrainConfig(
        data=str(folder_of_images(tmp_path / "pets")),
        runs_dir=str(tmp_path),
        name="toy",
        sizes={"embed_dim": 8, "depths": [1], "num_heads": [1]},
        jit_compile=False,
        batch_size=4,
        **options,
    )


@pytest.fixture
def watched(monkeypatch):
    monkeypatch.setattr("swin_keras.training.fitting.StepCallbacks", Watched)
    monkeypatch.setattr(Watched, "waits", [])
    # A line of the log may wait, every twenty seconds.
    monkeypatch.setattr("swin_keras.training.progress.SECONDS_BETWEEN_LINES", 1e9)
    return Watched.waits


@pytest.mark.parametrize("options", [{}, {"ema_momentum": 0.9, "early_stopping": 3}])
def test_a_run_waits_for_no_step(tmp_path, watched, options):
    train(toy_config(tmp_path, epochs=2, tensorboard=True, **options))
    assert len(watched) > 8
    assert not any(watched)


def test_a_callback_that_looks_at_steps_gets_numbers(tmp_path, watched):
    listens = Listens()
    train(toy_config(tmp_path, epochs=1, tensorboard=False), callbacks=[listens])
    assert listens.seen
    assert all(isinstance(loss, float) for loss in listens.seen)
    assert any(watched)


def test_functions_of_a_lambda_callback_get_numbers():
    seen = []
    by_function = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])
    )
    callbacks = StepCallbacks([by_function], keras.Sequential())
    callbacks.on_train_batch_end(0, {"loss": Figure(2.0)})
    assert seen == [2.0]


def test_whoever_looks_at_the_beginning_of_steps_meets_no_step_that_failed():
    weights = keras.callbacks.LambdaCallback(on_train_batch_begin=print)
    callbacks = StepCallbacks(
        [FiniteLoss(lambda step: []), weights], keras.Sequential()
    )
    with pytest.raises(TrainingError, match="nan in step 1"):
        callbacks.on_train_batch_end(0, {"loss": Figure(np.nan)})


def test_a_loss_is_looked_at_after_the_next_step_was_sent():
    finite = FiniteLoss(lambda step: [f"image of {step}"])
    finite.step = 7
    first, second = Figure(1.0), Figure(np.nan)
    finite.on_train_batch_end(0, {"loss": first})
    assert not first.is_read
    finite.on_train_batch_end(1, {"loss": second})
    assert first.is_read
    assert not second.is_read
    with pytest.raises(TrainingError, match=r"nan in step 9\. Its images: image of 8"):
        finite.on_train_batch_end(2, {"loss": Figure(np.nan)})


@pytest.mark.parametrize("moment", ["on_test_begin", "on_epoch_end", "check"])
def test_the_last_loss_is_looked_at_where_the_steps_end(moment):
    finite = FiniteLoss(lambda step: [])
    finite.on_train_batch_end(0, {"loss": Figure(np.inf)})
    with pytest.raises(TrainingError, match="inf in step 1"):
        getattr(finite, moment)(*[0] * (moment == "on_epoch_end"))


def test_a_loss_that_is_a_number_already_is_looked_at_at_once():
    """So that whatever else looks at steps, and may save, never comes after it."""
    finite = FiniteLoss(lambda step: [])
    with pytest.raises(TrainingError, match="nan in step 1"):
        finite.on_train_batch_end(0, {"loss": float("nan")})


def test_no_checkpoint_is_written_of_a_step_whose_loss_is_no_number(tmp_path):
    config = toy_config(
        tmp_path,
        epochs=3,
        tensorboard=False,
        learning_rate=1e30,
        warmup_epochs=0,
        checkpoint_minutes=1e-9,  # after each step
    )
    with pytest.raises(TrainingError) as failure:
        train(config)
    (step,) = map(int, re.findall(r"in step (\d+)", str(failure.value)))
    folders = (tmp_path / "toy" / "checkpoints").glob("step-*")
    saved = [int(folder.name.removeprefix("step-")) for folder in folders]
    assert max(saved) == step - 1 > 0


def test_figures_of_several_machines_are_numbers_too():
    assert as_numbers({"loss": np.array([0.5], "float32")}) == {"loss": 0.5}
    assert as_numbers(None) == {}


def test_steps_are_timed_without_a_wait_between_them(monkeypatch):
    clock = StepClock()
    steps = [Figure(1.0) for _ in range(4)]
    times = iter([10.0, 16.0, 99.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    for batch, loss in enumerate(steps):
        clock.on_train_batch_end(batch, {"loss": loss})
    assert [step.is_read for step in steps] == [True, False, False, False]
    clock.on_test_begin()
    assert [step.is_read for step in steps] == [True, False, False, True]
    clock.on_epoch_end(0)  # after a validation, which does not count
    assert clock.seconds_per_step == 2.0
