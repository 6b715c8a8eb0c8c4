"""A search is a function of its seed and its journal, however often it stops."""

import dataclasses
import json
import math

import pytest

from swin_keras.training import TrainConfig
from swin_keras.tuning.oracle import make_oracle
from swin_keras.tuning.space import Space
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import FAILED, FINISHED, StudyFolder

SPACE = {
    "learning_rate": {"min": 1e-4, "max": 1e-1, "scale": "log"},
    "mixup": [0.0, 0.2, 0.4],
    "cutmix": {"min": 0.0, "max": 1.0, "step": 0.5, "when": {"mixup": [0.2, 0.4]}},
}
TUNERS = {"random": 12, "bayesian": 6, "hyperband": None, "grid": 15}


def make_study(tuner, folder, **changes):
    options = {"trials": TUNERS[tuner], "train": TrainConfig(epochs=4), "seed": 0}
    return Study(
        "toy", space=Space(SPACE), tuner=tuner, folder=str(folder), **options | changes
    )


def open_folder(study):
    folder = StudyFolder.of(study)
    folder.begin(study, resume=True)
    folder.repair()
    return folder


def end(folder, trial_id):
    """Give a trial the outcome that its values make; every fifth fails."""
    trial = folder.trial(trial_id)
    if int(trial_id) % 5 == 3:
        folder.write(dataclasses.replace(trial, status=FAILED, reason="no luck"))
        return
    score = 0.9 - 0.1 * abs(math.log10(trial.values["learning_rate"]) + 2.5)
    metrics = {"val_accuracy": score - 0.01 * trial.values["mixup"], "val_loss": 1.0}
    folder.write(dataclasses.replace(trial, status=FINISHED, metrics=metrics))


def search(study, stops=()):
    """Run a study to its end, in parts that end after so many events."""
    stops = [*stops, math.inf]
    events = 0
    while stops:
        folder = open_folder(study)
        folder.note(pause=0, seconds=folder.seconds)
        oracle = make_oracle(study, folder)
        while events < stops[0]:
            trial = oracle.create_trial("tuner0")
            events += 1
            if trial.status == "STOPPED":
                return folder
            if events >= stops[0]:
                break
            end(folder, trial.trial_id)
            oracle.end_trial(trial)
            events += 1
        stops.pop(0)
    return folder


@pytest.mark.parametrize(
    "tuner",
    [
        "random",
        pytest.param("bayesian", marks=pytest.mark.slow),  # it fits a process anew
        "hyperband",
        "grid",
    ],
)
def test_a_search_that_stops_again_and_again_tries_the_same(tuner, tmp_path):
    whole = search(make_study(tuner, tmp_path / "whole"))
    parts = search(make_study(tuner, tmp_path / "parts"), (1, 4, 9, 10, 13))
    assert parts.trials() == whole.trials()
    ends = [event["end"] for event in parts.events() if "end" in event]
    assert len(ends) == len(set(ends)) == len(whole.trials())
    values = [json.dumps(trial.values) for trial in whole.trials()]
    assert len(set(values)) == len(values) == (TUNERS[tuner] or len(values))


def test_hyperband_goes_on_with_the_best_although_some_fail(tmp_path):
    trials = search(make_study("hyperband", tmp_path)).trials()
    by_id = {trial.id: trial for trial in trials}
    went_on = [trial for trial in trials if "tuner/trial_id" in trial.values]
    assert max(trial.values["tuner/epochs"] for trial in went_on) == 4
    for trial in went_on:
        earlier = by_id[trial.values["tuner/trial_id"]]
        assert earlier.score is not None
        assert earlier.chosen == trial.chosen
        assert earlier.values["tuner/epochs"] < trial.values["tuner/epochs"]


def test_more_trials_can_be_had_later(tmp_path):
    search(make_study("random", tmp_path, trials=9))
    study = make_study("random", tmp_path, trials=11)
    folder = search(study)
    assert [trial.id for trial in folder.trials()] == [f"{n:04d}" for n in range(11)]


def test_what_two_workers_left_goes_on_in_one(tmp_path):
    study = make_study("random", tmp_path, trials=3)
    oracle = make_oracle(study, open_folder(study))
    first, second = (oracle.create_trial(name) for name in ("tuner1", "tuner0"))
    folder = open_folder(study)
    oracle = make_oracle(study, folder)
    for expected in (first, second):
        trial = oracle.create_trial("tuner0")
        assert trial.hyperparameters.values == expected.hyperparameters.values
        assert oracle.create_trial("tuner0") is trial  # as a worker that came back
        oracle = make_oracle(study, folder)
        trial = oracle.create_trial("tuner0")
        end(folder, trial.trial_id)
        oracle.end_trial(trial)
    assert oracle.create_trial("tuner0").trial_id == "0002"


def test_a_journal_that_was_cut_off_loses_only_its_last_line(tmp_path):
    study = make_study("random", tmp_path, trials=3)
    folder = open_folder(study)
    oracle = make_oracle(study, folder)
    trial = oracle.create_trial("tuner0")
    whole = folder.events()
    with folder.journal.open("ab") as file:
        file.write(b'{"end": "00')
    assert folder.events() == whole
    folder.repair()
    oracle = make_oracle(study, folder)
    assert oracle.create_trial("tuner0").trial_id == trial.trial_id
    assert len(folder.events()) == 2


@pytest.mark.parametrize("first", [0.6, 0.2])
def test_a_trial_that_fails_counts_for_less_than_all_others(first, tmp_path):
    """Also than those that come after it, and whether or not the search stopped."""
    study = make_study("random", tmp_path, trials=4)
    folder = open_folder(study)
    oracle = make_oracle(study, folder)
    for score in (first, None, 0.3, 0.5):
        trial = oracle.create_trial("tuner0")
        change = {"status": FAILED, "reason": "no luck"}
        if score is not None:
            metrics = {"val_accuracy": score, "val_loss": 1.0}
            change = {"status": FINISHED, "metrics": metrics}
        found = folder.trial(trial.trial_id)
        folder.write(dataclasses.replace(found, **change))
        oracle.end_trial(trial)
    for one in (oracle, make_oracle(study, open_folder(study))):
        scores = {trial_id: trial.score for trial_id, trial in one.trials.items()}
        failed = scores.pop("0001")
        assert failed < min(scores.values())
        assert min(scores.values()) - failed < 1e-9
