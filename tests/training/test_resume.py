"""Runs that are stopped or killed end as if they had never been."""

import contextlib
import dataclasses
import fcntl
import os
import random
import signal
import subprocess
import sys
import termios
import threading
import time

import keras
import numpy as np
import pytest
import yaml
from toy_runs import EVERYTHING, folder_of_images, outcome, write_config

from swin_keras.errors import DataError, ResourceError, UsageError
from swin_keras.model_files import read_card
from swin_keras.training import TrainConfig
from swin_keras.training.run_folder import RunFolder, create_run, locked
from swin_keras.training.train import train

OPTIONS = EVERYTHING | {"epochs": 6, "checkpoint_minutes": 0.002}


@pytest.fixture(scope="module")
def config(digits_dir, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    return TrainConfig(data_dir=str(digits_dir), runs_dir=str(runs), **OPTIONS)


@pytest.fixture(scope="module")
def start(config, tmp_path_factory):
    """Return a function that starts `swin-keras train --resume` on a toy."""
    folder = tmp_path_factory.mktemp("resumed")
    path = write_config(config, folder / "toy.yaml")

    def start_run(name):
        words = [sys.executable, "-m", "swin_keras.cli", "train", "--config", path]
        said = folder / f"{name}.txt"
        with said.open("w") as file:
            process = subprocess.Popen(
                [*words, "--name", name, "--resume"], stdout=file, stderr=file
            )
        process.said = said.read_text
        return process, RunFolder.named(config.runs_dir, name)

    return start_run


@pytest.fixture(scope="module")
def undisturbed(config):
    return train(dataclasses.replace(config, name="undisturbed"))


def newest(run):
    return max((path.name for path in run.checkpoints.glob("step-*")), default="")


def wait_for_checkpoint(run, process):
    """Wait until a run that was just started has trained further than before."""
    before, deadline = newest(run), time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        if newest(run) > before:
            return
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint: {process.said()}")


@pytest.mark.parametrize("kills", [1, pytest.param(6, marks=pytest.mark.slow)])
def test_kills_at_random_moments_leave_no_trace(start, undisturbed, kills):
    rng, name = random.Random(0), f"killed-{kills}"
    for _ in range(kills):
        process, run = start(name)
        wait_for_checkpoint(run, process)
        time.sleep(rng.uniform(0, 0.2))
        process.kill()
        assert process.wait() == -signal.SIGKILL
    process, run = start(name)
    assert process.wait(300) == 0, process.said()
    assert outcome(run) == outcome(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_stops_with_a_checkpoint(start, undisturbed, number, code):
    process, run = start(number)
    wait_for_checkpoint(run, process)
    process.send_signal(getattr(signal, number))
    assert process.wait(60) == code
    assert f"--config {run.config} --resume" in process.said()
    process, run = start(number)
    assert process.wait(300) == 0, process.said()
    assert outcome(run) == outcome(undisturbed)


@pytest.mark.slow
def test_a_run_whose_screen_nobody_reads_trains_to_its_end(config, tmp_path):
    path = write_config(config, tmp_path / "toy.yaml")
    words = [sys.executable, "-m", "swin_keras.cli", "train", "--config", path]
    process = subprocess.Popen(
        [*words, "--name", "unread", "--epochs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with process.stdout as said:
        said.readline()
    run = RunFolder.named(config.runs_dir, "unread")
    assert process.wait(300) == 0, run.log.read_text()
    assert run.card.is_file()
    assert "epoch 2/2" in run.log.read_text()


@pytest.mark.slow
def test_a_terminal_that_is_closed_leaves_a_checkpoint(config, tmp_path):
    path = write_config(config, tmp_path / "toy.yaml")
    words = [sys.executable, "-m", "swin_keras.cli", "train", "--config", path]
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*words, "--name", "hung_up"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=take_the_terminal,
    )
    os.close(theirs)
    reader = threading.Thread(target=read_all, args=[ours], daemon=True)
    reader.start()
    run = RunFolder.named(config.runs_dir, "hung_up")
    process.said = lambda: run.log.read_text() if run.log.exists() else ""
    wait_for_checkpoint(run, process)
    os.kill(process.pid, signal.SIGHUP)
    assert process.wait(60) == 128 + signal.SIGHUP
    assert "with a checkpoint" in run.log.read_text()
    assert not run.card.exists()
    os.close(ours)


def take_the_terminal():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests are under nohup
    fcntl.ioctl(0, termios.TIOCSCTTY)


def read_all(terminal):
    with contextlib.suppress(OSError):
        while os.read(terminal, 4096):
            pass


@pytest.mark.slow
def test_a_finished_run_says_so(start, undisturbed):
    before = outcome(undisturbed)
    process, _ = start("undisturbed")
    assert process.wait(300) == 0
    assert "is finished" in process.said()
    assert outcome(undisturbed) == before


def test_a_run_goes_on_with_its_own_options_only(undisturbed):
    values = yaml.safe_load(undisturbed.config.read_text())
    values["runs_dir"] = str(undisturbed.path.parent)
    config = TrainConfig.from_dict(values | {"epochs": 9, "seed": 3})
    with pytest.raises(UsageError, match="epochs was 6 and is 9; seed was 0 and is 3"):
        train(config, resume=True)


def test_a_configuration_that_was_edited_does_not_go_on(tmp_path):
    """As the same change is refused on the command line; older runs know none."""
    folder_of_images(tmp_path / "pets")
    options = EVERYTHING | {"batch_size": 8, "epochs": 3, "tensorboard": False}
    config = TrainConfig(
        data=str(tmp_path / "pets"), runs_dir=str(tmp_path), name="run", **options
    )
    run = train(config, part=range(1))
    before = run.metrics.read_bytes()
    text = run.config.read_text()
    run.config.write_text(text.replace("batch_size: 8", "batch_size: 4"))
    with pytest.raises(UsageError, match=r"batch_size was 8 and is 4\. Put that back"):
        train(run.read_config(), resume=True)
    assert run.metrics.read_bytes() == before


@pytest.mark.slow
def test_a_run_does_not_resume_with_other_data(tmp_path):
    folder_of_images(tmp_path / "pets")
    options = EVERYTHING | {"batch_size": 8, "epochs": 2, "tensorboard": False}
    config = TrainConfig(
        data=str(tmp_path / "pets"), runs_dir=str(tmp_path), name="run", **options
    )
    run = train(config)
    run.card.unlink()  # as if it had been killed before its end
    assert train(config, resume=True).card.is_file()
    run.card.unlink()
    (tmp_path / "pets").rename(tmp_path / "animals")
    with pytest.raises(DataError, match="have moved, name where they are now: --data"):
        train(config, resume=True)
    moved = dataclasses.replace(config, data=str(tmp_path / "animals"))
    assert train(moved, resume=True).card.is_file()
    assert run.read_config().data == moved.data
    run.card.unlink()
    (tmp_path / "animals" / "cat" / "0.jpg").unlink()
    with pytest.raises(DataError, match="these differ from those of"):
        train(moved, resume=True)


@pytest.mark.slow
def test_a_lost_best_model_does_not_keep_a_run_from_its_end(tmp_path, caplog):
    folder_of_images(tmp_path / "pets")
    options = EVERYTHING | {"batch_size": 8, "epochs": 1, "tensorboard": False}
    config = TrainConfig(
        data=str(tmp_path / "pets"), runs_dir=str(tmp_path), name="run", **options
    )
    run = train(config)
    expected = outcome(run)
    run.card.unlink()
    run.best_model.write_bytes(run.best_model.read_bytes()[:1000])
    train(config, resume=True)
    assert "best.keras was lost" in caplog.text
    assert outcome(run) == expected  # its only epoch is its best, too


def test_a_run_whose_best_model_was_lost_tells_of_the_one_it_keeps(tmp_path, caplog):
    folder_of_images(tmp_path / "pets")
    config = TrainConfig(
        data=str(tmp_path / "pets"),
        runs_dir=str(tmp_path),
        name="run",
        sizes={"embed_dim": 8, "depths": [1], "num_heads": [1]},
        image_size=16,
        batch_size=8,
        epochs=2,
        jit_compile=False,
    )
    run = train(config, part=range(1))
    run.best_model.unlink()
    spoils = keras.callbacks.LambdaCallback()
    spoils.on_test_begin = lambda logs=None: spoils.model.trainable_weights[-1].assign(
        [50.0, 0.0]  # the bias of the head
    )
    caplog.clear()
    train(config, resume=True, callbacks=spoils)
    first, second = np.genfromtxt(run.metrics, delimiter=",", names=True)["val_loss"]
    assert first < second
    metrics = read_card(run.path).metrics
    assert (metrics["epoch"], metrics["val_loss"]) == (2, second)
    words = " ".join(run.report.read_text("utf-8").split())
    lost = "had the smallest loss on the validation images"
    assert f"model of epoch 2. Epoch 1 {lost}; its model was lost." in words
    assert caplog.text.count("best.keras was lost") == 1
    assert "kept epoch 2 of 2: val_loss" in caplog.text
    assert f"Epoch 1 {lost}: val_loss {first:.4f}" in caplog.text


@pytest.mark.parametrize("content", ["", "- 1", "a: [", "epochs: many", "epoch: 3"])
def test_a_configuration_that_cannot_be_read_is_told(tmp_path, content):
    run = create_run(tmp_path, "run", "digits")
    run.config.write_text(content)
    with pytest.raises(UsageError, match=r"config\.yaml|`epochs`|'epoch'"):
        train(TrainConfig(name="run", runs_dir=str(tmp_path)), resume=True)


def test_a_lock_that_cannot_be_written_is_told(tmp_path):
    run = create_run(tmp_path, "run", "digits")
    (run.path / ".lock").mkdir()
    with pytest.raises(ResourceError, match=r"must be writable.*\.lock"), locked(run):
        pass


def test_a_run_without_a_name_cannot_be_found():
    with pytest.raises(UsageError, match="found by its name"):
        train(TrainConfig(), resume=True)


def test_two_processes_do_not_train_in_one_folder(undisturbed):
    with (
        locked(undisturbed),
        pytest.raises(ResourceError, match="Another process is training"),
        locked(undisturbed),
    ):
        pass
