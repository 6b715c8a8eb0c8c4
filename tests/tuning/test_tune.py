"""Studies as processes: run, killed, stopped, and trained from their results."""

import csv
import dataclasses
import errno
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from toy_studies import LIMITED, SIZES, SPACE, TRAIN, folder_of, outcome, write_study

from swin_keras.errors import DataError, ResourceError, TrainingError, UsageError
from swin_keras.report.tensorboard import read_events
from swin_keras.training.run_folder import RunFolder, locked
from swin_keras.training.train import train
from swin_keras.tuning.study_folder import FAILED, FINISHED, OVER, RUNNING, StudyFolder
from swin_keras.tuning.trial import take_over
from swin_keras.tuning.tune import tune


def wait_for_checkpoint(folder, process, trial_id=None):
    """Wait until a trial trains; return its id."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        for run in folder.trials_dir.glob(f"{trial_id or '*'}/checkpoints/step-*"):
            return run.parts[-3]
        time.sleep(0.01)
    raise AssertionError(f"no checkpoint: {process.said()}")


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def test_a_study_tells_what_came_out(finished):
    folder = folder_of(finished)
    trials = {trial.id: trial for trial in folder.trials()}
    assert {trial.status for trial in trials.values()} == {FINISHED, OVER}
    over = next(trial for trial in trials.values() if trial.status == OVER)
    assert "parameters, limit 10,000" in over.reason
    assert not folder.run(over.id).metrics.exists()
    result = json.loads((finished.parent / "results" / "toy.json").read_text())
    best = max(trial.score or 0 for trial in trials.values())
    assert result["scores"]["val_accuracy"] == best
    assert trials[result["winner"]].score == best
    assert result["train"]["data_dir"] is None
    assert result["model"]["embed_dim"] == 8
    assert result["versions"]["keras-tuner"]
    with (finished.parent / "results" / "toy.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["trial"] for row in rows] == list(trials)
    assert [row["status"] for row in rows] == [t.status for t in trials.values()]
    picture = finished.parent / "results" / "toy.png"
    assert picture.stat().st_size > 10_000
    events = list(read_events(folder.run(result["winner"]).tensorboard))
    tags = {value.tag for event in events for value in event.summary.value}
    assert {"val_accuracy", "_hparams_/session_start_info"} <= tags


def test_a_study_says_what_happens_and_nothing_else(finished):
    said = finished.with_suffix(".txt").read_text()
    assert "ETA" in said
    assert "next: swin-keras train --config" in said
    for noise in ("Warning", "Reloading", "Search: Running", "Traceback"):
        assert noise not in said


@pytest.mark.slow
def test_the_winner_trains_with_one_command_to_the_same_numbers(
    undisturbed, digits_dir, tmp_path
):
    results = undisturbed.parent / "results" / "toy.json"
    words = ["train", "--config", str(results), "--data-dir", str(digits_dir)]
    words += ["--runs-dir", str(tmp_path), "--name", "winner"]
    done = subprocess.run(
        [sys.executable, "-m", "swin_keras.cli", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    card = json.loads(RunFolder.named(tmp_path, "winner").card.read_text())
    scores = json.loads(results.read_text())["scores"]
    assert {name: card["metrics"][name] for name in scores} == scores


@pytest.mark.slow
def test_kills_at_random_moments_lose_and_repeat_nothing(start, undisturbed, tmp_path):
    rng = random.Random(0)
    path = write_study(tmp_path, **LIMITED)
    folder = folder_of(path)
    expected = outcome(folder_of(undisturbed))
    first, last = (t.id for t in expected if t.status == FINISHED)
    for trial_id, wait in ((first, 0), (first, rng.uniform(2, 6)), (last, 0)):
        process = start(path, "--resume")
        wait_for_checkpoint(folder, process, trial_id if not wait else None)
        time.sleep(wait)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    process = start(path, "--resume")
    assert process.wait(400) == 0, process.said()
    assert outcome(folder) == expected
    ends = [event["end"] for event in folder.events() if "end" in event]
    assert sorted(ends) == [trial.id for trial in expected]
    assert "resuming after step" in folder.run(last).log.read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130)])
def test_a_signal_stops_with_a_checkpoint(start, tmp_path, number, code):
    path = write_study(tmp_path, **LIMITED)
    folder = folder_of(path)
    process = start(path, "--max-trials", "7")
    trial_id = wait_for_checkpoint(folder, process)
    children = children_of(process.pid)
    process.send_signal(getattr(signal, number))
    assert process.wait(100) == code
    assert f"swin-keras tune {path} --resume --max-trials 7" in process.said()
    assert folder.trial(trial_id).costs  # measured before it trained
    assert not any(os.path.exists(f"/proc/{pid}") for pid in children)
    assert "stopping after this step" in "".join(
        file.read_text() for file in folder.trials_dir.glob("*/output.txt")
    )


@pytest.mark.slow
def test_trials_that_fail_are_recorded_and_the_study_goes_on(start, tmp_path):
    space = {
        "sizes.embed_dim": [8, 12],
        "learning_rate": [1e30, 3e-3],  # the first makes the loss NaN
        "sizes.num_heads": [[1, 2], [3, 3]],  # the second divides 12 only
    }
    train = TRAIN | {"epochs": 1, "clip_norm": 1e30}
    path = write_study(tmp_path, space=space, train=train, tuner="grid", trials=3)
    process = start(path)
    assert process.wait(400) == 0, process.said()
    diverged, impossible, finished = folder_of(path).trials()
    assert diverged.status == impossible.status == FAILED
    assert "The loss must be a number" in diverged.reason
    assert "divides its channels" in impossible.reason
    assert (finished.status, finished.reason) == (FINISHED, "")


@pytest.mark.slow
def test_a_trial_whose_process_is_killed_has_failed(start, tmp_path):
    path = write_study(tmp_path, trials=1, space={"mixup": [0.0, 0.2]})
    folder = folder_of(path)
    process = start(path)
    wait_for_checkpoint(folder, process)
    (child,) = children_of(process.pid)
    os.kill(child, signal.SIGKILL)
    assert process.wait(100) == TrainingError.exit_code
    (trial,) = folder.trials()
    assert trial.status == FAILED
    assert "when there is no memory left" in trial.reason
    assert "No trial of" in process.said()


@pytest.mark.parametrize(
    ("changes", "options", "error", "message"),
    [
        ({"space": {"sizes.embed_dim": [8, 9]}}, {}, UsageError, "embed_dim = 9: Each"),
        ({}, {"workers": 0}, UsageError, "`workers` must be at least 1"),
        ({}, {"workers": 10_000}, UsageError, "at most 256, each a process"),
        ({}, {"max_trials": 0}, UsageError, "`trials` must be a number above 0"),
        (
            {"limits": {"litert_ms": 1.0}},
            {"workers": 2},
            UsageError,
            "leave --workers out",
        ),
        ({"train": {"data": "./nowhere"}}, {}, DataError, "a folder that exists"),
        (
            {"train": TRAIN | {"teacher": "no"}},
            {},
            UsageError,
            "`train` cannot work, with whatever values: `teacher` must be a f",
        ),
        (
            {"train": TRAIN | {"weights": "imagenet"}},
            {},
            UsageError,
            "no published ImageNet weights for 'swin_nano'",
        ),
        ({"space": {"weights": [None, "no"]}}, {}, UsageError, "that is there. Receiv"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_trial(
    tmp_path, digits_dir, changes, options, error, message
):
    train = TRAIN | {"sizes": SIZES | {"num_heads": [2, 2]}}
    path = write_study(tmp_path, **{"train": train} | changes)
    with pytest.raises(error) as caught:
        tune(path, data_dir=str(digits_dir), **options)
    assert message in str(caught.value)
    assert not folder_of(path).journal.exists()


def test_two_processes_do_not_work_on_one_study(tmp_path, digits_dir):
    path = write_study(tmp_path)
    folder = folder_of(path)
    folder.path.mkdir(parents=True)
    with (
        locked(folder),
        pytest.raises(ResourceError, match="Another process is training"),
    ):
        tune(path, data_dir=str(digits_dir))


def test_what_goes_wrong_beside_a_trial_ends_the_study(
    tmp_path, digits_dir, monkeypatch
):
    """KerasTuner would count it as a trial that failed, and begin the next."""

    def fail(*_):
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("swin_keras.tuning.tuner.run_in_process", fail)
    path = write_study(tmp_path)
    with pytest.raises(OSError, match=os.strerror(errno.EAGAIN)):
        tune(path, data_dir=str(digits_dir))
    (trial,) = folder_of(path).trials()
    assert trial.status == RUNNING
    assert not any("end" in event for event in folder_of(path).events())


@pytest.mark.slow
def test_a_study_ends_when_its_time_is_over(start, tmp_path):
    path = write_study(tmp_path, space=SPACE, train=TRAIN | {"epochs": 1}, trials=90)
    process = start(path, "--max-minutes", "0.2")
    assert process.wait(200) in (0, TrainingError.exit_code), process.said()
    assert "time is up" in process.said()
    folder = folder_of(path)
    assert len(folder.trials()) < 10
    assert folder.seconds >= 12  # of which the next part knows


@pytest.mark.slow
def test_hyperband_trains_on_where_the_earlier_round_ended(start, digits_dir, tmp_path):
    space = {"learning_rate": {"min": 1e-3, "max": 1e-2}}
    sizes = {"embed_dim": 8, "depths": [1], "num_heads": [1]}
    train_on = TRAIN | {"train_images": 128, "sizes": sizes}  # two steps an epoch
    path = write_study(
        tmp_path, train=train_on, space=space, tuner="hyperband", trials=4
    )
    process = start(path)
    assert process.wait(400) == 0, process.said()
    folder = folder_of(path)
    *first_round, last = folder.trials()
    assert [trial.values["tuner/epochs"] for trial in first_round] == [1, 1, 1]
    assert last.values["tuner/epochs"] == 3
    study = folder.read_study()
    config = dataclasses.replace(
        study.train_config(last.values), runs_dir=str(tmp_path), name="whole"
    )
    whole = train(config)
    went_on = folder.run(last.id)
    assert figures_of(went_on) == figures_of(whole)
    assert "resuming after step 2 of 6" in went_on.log.read_text()


def test_a_trial_goes_on_from_one_whose_best_model_was_lost(tmp_path):
    folder = StudyFolder(tmp_path)
    earlier = folder.run("0000")
    (earlier.checkpoints / "step-2").mkdir(parents=True)
    take_over(folder, "0000", "0001")
    assert (folder.run("0001").checkpoints / "step-2").is_dir()
    earlier.best_model.write_bytes(b"model")
    folder.run("0002").path.mkdir()
    take_over(folder, "0000", "0002")
    assert folder.run("0002").best_model.read_bytes() == b"model"


@pytest.mark.slow
def test_a_trial_of_a_part_of_the_epochs_can_win(digits_dir, tmp_path):
    sizes = {"embed_dim": 8, "depths": [1], "num_heads": [1]}
    path = write_study(
        tmp_path,
        train=TRAIN | {"train_images": 128, "sizes": sizes},
        space={"learning_rate": {"min": 1e-3, "max": 1e-2}},
        tuner="hyperband",
        trials=1,
    )
    came_out = tune(path, data_dir=str(digits_dir))
    assert came_out.winner.values["tuner/epochs"] == 1
    assert not came_out.run.card.exists()
    found = json.loads(came_out.path.read_text())
    assert 0 < found["scores"]["val_accuracy"] <= 1
    assert found["model"]["embed_dim"] == 8


def figures_of(run):
    """Return what each epoch measured, but for the time."""
    return [row.rsplit(",", 1)[0] for row in run.metrics.read_text().splitlines()]
