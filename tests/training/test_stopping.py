"""A request to stop is obeyed at once, whatever a run is doing, and leaves no trace."""

import dataclasses
import os
import re
import signal

import keras
import pytest
from toy_runs import EVERYTHING, folder_of_images, outcome

from swin_keras.errors import Interrupted
from swin_keras.processes import StopSignals
from swin_keras.tasks import classify
from swin_keras.training import TrainConfig
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.train import train

LAST_STEP = 18  # of an epoch; validation takes three


class Stop(keras.callbacks.Callback):
    """Send SIGTERM at a moment of an epoch; count what is validated after it."""

    def __init__(self, epoch, moment):
        super().__init__()
        self.wanted, self.validated, self.is_sent = (epoch, moment), 0, False

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        self._reach("last step", batch == LAST_STEP)

    def on_train_batch_end(self, batch, logs=None):
        self._reach("last step done", batch == LAST_STEP)

    def on_test_begin(self, logs=None):
        self._reach("validation")

    def on_test_batch_end(self, batch, logs=None):
        self.validated += self.is_sent

    def _reach(self, moment, is_there=True):
        if is_there and (self.epoch, moment) == self.wanted:
            self.is_sent = True
            os.kill(os.getpid(), signal.SIGTERM)


STOPS = [  # and the batches of validation that follow
    (0, "last step", 0),
    (0, "validation", 1),  # which is repeated, and left again
    (1, "last step done", 1),
]


def toy_run(digits_dir, folder, epochs):
    return TrainConfig(
        data_dir=str(digits_dir),
        runs_dir=str(folder),
        name="stopped",
        epochs=epochs,
        checkpoint_minutes=60.0,
        **EVERYTHING,
    )


def rows_of(config):
    file = RunFolder.named(config.runs_dir, config.name).metrics
    return file.read_text().splitlines()[1:] if file.exists() else []


def train_until_stopped(config, callbacks=()):
    with pytest.raises(Interrupted, match=r"Resume with: .* --resume") as caught:
        train(config, resume=True, callbacks=callbacks)
    assert caught.value.exit_code == 143


@pytest.mark.slow
def test_a_run_stopped_again_and_again_is_as_one_that_never_was(
    digits_dir, tmp_path, monkeypatch
):
    toy = toy_run(digits_dir, tmp_path, epochs=2)
    for epoch, moment, validated in STOPS:
        stop = Stop(epoch, moment)
        train_until_stopped(toy, callbacks=[stop])
        assert (stop.is_sent, stop.validated) == (True, validated)
        assert len(rows_of(toy)) == epoch  # none of a part of the images
    batches = classify.batches

    def stop_before_the_test_images(*args, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return batches(*args, **options)

    monkeypatch.setattr(classify, "batches", stop_before_the_test_images)
    train_until_stopped(toy)
    assert len(rows_of(toy)) == 2
    monkeypatch.undo()
    run = train(toy, resume=True)
    assert run.card.is_file()
    assert outcome(run) == outcome(train(dataclasses.replace(toy, name="undisturbed")))


@pytest.mark.parametrize(
    ("number", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGHUP", 129)]
)
def test_what_has_nothing_to_save_ends_at_once(number, code):
    number = getattr(signal, number)
    before = signal.getsignal(number)
    if before is signal.SIG_IGN:  # SIGHUP is, where the tests run under `nohup`
        signal.signal(number, signal.SIG_DFL)
    with pytest.raises(Interrupted) as caught, StopSignals().handled():
        os.kill(os.getpid(), number)
    signal.signal(number, before)
    assert caught.value.exit_code == code


def test_what_saves_is_ended_at_once_by_a_second_ctrl_c_only():
    stop = StopSignals()

    def work():
        with stop.deferred():
            stop.ask(signal.SIGINT)
            stop.ask(signal.SIGTERM)  # a cluster may ask more than once
            assert stop.asked
            with pytest.raises(KeyboardInterrupt):
                stop.ask(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):  # now that it has ended
        work()


class Enough(keras.callbacks.Callback):
    """Stop training at the end of the first epoch, as a limit of time would."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


class EnoughAt(keras.callbacks.Callback):
    """Stop training after a step of each epoch; note what Keras tells afterwards."""

    def __init__(self, step):
        super().__init__()
        self.last, self.told = step - 1, []

    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training |= batch == self.last

    def on_epoch_end(self, epoch, logs=None):
        self.told.append(epoch)

    def on_train_end(self, logs=None):
        self.told.append("end")


def test_a_run_that_a_callback_stops_within_an_epoch_resumes_there(tmp_path, caplog):
    toy = TrainConfig(
        data=str(folder_of_images(tmp_path / "pets")),  # five steps an epoch
        runs_dir=str(tmp_path),
        name="stopped",
        epochs=2,
        image_size=16,
        tensorboard=False,
        sizes=EVERYTHING["sizes"],
        batch_size=4,
        ema_momentum=0.9,
        jit_compile=False,
    )
    enough = EnoughAt(2)
    run = train(toy, callbacks=enough)
    assert not run.card.exists()
    assert rows_of(toy) == []
    assert enough.told == ["end"]
    assert re.search(
        "after step 2 of 5 of epoch 1: the run is not finished, .*--resume", caplog.text
    )
    enough = EnoughAt(3)  # of those that are left of the epoch
    train(toy, resume=True, callbacks=enough, part=range(1))
    assert enough.told == [0, "end"]
    undisturbed = dataclasses.replace(toy, name="undisturbed")
    train(undisturbed, part=range(1))
    (row,), (whole,) = rows_of(toy), rows_of(undisturbed)
    assert row.rsplit(",", 1)[0] == whole.rsplit(",", 1)[0]  # all but the time


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["last step", "validation"])
def test_a_callback_may_stop_an_epoch_that_was_resumed(digits_dir, tmp_path, moment):
    toy = toy_run(digits_dir, tmp_path, epochs=3)
    train_until_stopped(toy, [Stop(0, moment)])
    train(toy, resume=True, callbacks=[Enough()])
    assert len(rows_of(toy)) == 1
