"""KerasTuner's searches, with a memory that no crash can spoil.

KerasTuner writes its state into several files in place, and forgets parts of it.
Here a search is a function of its seed and of what happened in which order. The
journal holds that, and resuming means to replay it.
"""

import math
import time
import warnings
from contextlib import contextmanager

import keras_tuner

from swin_keras.tuning.keras_tuner_internals import OpenBayesian, OpenOracle
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import StudyFolder, Trial

OBJECTIVE = keras_tuner.Objective("score", "max")
STOPPED = {"status": "STOPPED", "values": None}


def make_oracle(study: Study, folder: StudyFolder):
    """Return the search of a study, as far as its journal tells."""
    hyperparameters = keras_tuner.HyperParameters()
    study.space.declare(hyperparameters)
    options = {
        "hyperband": {"max_epochs": study.train.epochs},
        # Theirs, three for each parameter, would leave a short study nothing else.
        "bayesian": {"num_initial_points": max(3, (study.trials or 0) // 3)},
    }
    oracle = _ORACLES[study.tuner](
        objective=OBJECTIVE,
        hyperparameters=hyperparameters,
        allow_new_entries=False,
        seed=study.seed + 1,  # 0 would be taken for no seed
        **options.get(study.tuner, {}),
    )
    oracle.max_trials = None  # counted here; it would decide on the trials' names
    oracle.verbose = 0
    oracle.remember(study, folder)
    return oracle


class _Remembering(OpenOracle):
    """What every search needs to resume: it records each event, and replays them.

    Scores come from the trials' folders, so that they are the same whether a trial
    ran here or in a worker. Trials that failed or were over a limit count for the
    search as less than the worst that was seen: it shall keep away from them, and a
    round of hyperband shall not wait for them.
    """

    def remember(self, study, folder):
        self._study, self._folder = study, folder
        self._scores = {}  # of trials that ended; `None` for those without
        self._before, self._began = folder.seconds, time.monotonic()
        for event in folder.events():
            if "start" in event:
                self._replay_start(event)
            elif "end" in event:
                self._finish(self.trials[event["end"]], event["score"])
        # What was running when the study stopped comes first.
        self.try_first(sorted(self.trials.keys() - set(self.end_order)))
        self.ongoing_trials = {}

    def _replay_start(self, event):
        if event["start"] in self.trials:  # it was stopped, and resumed
            return
        # The tuner's trial before may have gone on in another one.
        self.ongoing_trials.pop(event["tuner"], None)
        self._recalled = event["values"]
        with _quiet():
            trial = super().create_trial(event["tuner"])
        trial.hyperparameters.values = event["values"]
        self._recalled = None

    _recalled = None  # the values of a trial that the journal tells of

    def create_trial(self, tuner_id):
        with _quiet():
            is_new = tuner_id not in self.ongoing_trials
            trial = super().create_trial(tuner_id)
        if trial.status == "RUNNING" and is_new:
            values = dict(trial.hyperparameters.values)
            self._note(start=trial.trial_id, tuner=tuner_id, values=values)
        if trial.status == "RUNNING" and not self._folder.has(trial.trial_id):
            self._folder.write(Trial(trial.trial_id, trial.hyperparameters.values))
        return trial

    def populate_space(self, trial_id):
        most = self._study.trials
        if most and len(self.trials) >= most and self._recalled is None:
            return STOPPED
        return super().populate_space(trial_id)

    def update_trial(self, trial_id, metrics, step=0):
        return self.trials[trial_id]  # its folder tells the rest when it ends

    def end_trial(self, trial):
        trial = self.trials[trial.trial_id]
        score = self._folder.trial(trial.trial_id).score
        self._note(end=trial.trial_id, score=score)
        self._finish(trial, score)

    def _finish(self, trial, score):
        trial.status = "COMPLETED"
        with _quiet():
            super().update_trial(trial.trial_id, {OBJECTIVE.name: score or 0.0})
            super().end_trial(trial)
        self._scores[trial.trial_id] = score
        known = [score for score in self._scores.values() if score is not None]
        below = math.nextafter(min(known, default=0.0), -math.inf)
        for trial_id, score in self._scores.items():
            if score is None:
                self.trials[trial_id].score = below

    def _note(self, **event):
        seconds = self._before + time.monotonic() - self._began
        self._folder.note(**event, seconds=round(seconds, 2))

    def save(self):
        """Write nothing: the journal is written."""


class _Random(_Remembering, keras_tuner.oracles.RandomSearchOracle):
    pass


class _Grid(_Remembering, keras_tuner.oracles.GridSearchOracle):
    pass


class _Hyperband(_Remembering, keras_tuner.oracles.HyperbandOracle):
    pass


class _Bayesian(_Remembering, OpenBayesian):
    """Each trial's random numbers depend on its number alone, so that resuming
    need not fit what was fitted before. Values that were tried are not again.
    """

    def populate_space(self, trial_id):
        if self._recalled is not None:
            return {"status": "RUNNING", "values": self._recalled}
        self.begin_draws(len(self.trials))
        chosen = super().populate_space(trial_id)
        tried = [trial.hyperparameters.values for trial in self.trials.values()]
        return self.draw() if chosen["values"] in tried else chosen


_ORACLES = {
    "random": _Random,
    "bayesian": _Bayesian,
    "hyperband": _Hyperband,
    "grid": _Grid,
}


@contextmanager
def _quiet():
    """Leave out what KerasTuner and its regression say of their own workings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
