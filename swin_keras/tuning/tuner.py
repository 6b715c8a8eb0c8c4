"""The search itself: KerasTuner asks for a trial, a process of ours trains it."""

import time

import keras_tuner

from swin_keras.training.launching import StopRequest
from swin_keras.tuning.keras_tuner_internals import OpenTuner
from swin_keras.tuning.oracle import make_oracle
from swin_keras.tuning.process import run_in_process
from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import RUNNING, StudyFolder

SECONDS_TO_WAIT = 0.5  # before a search that waits for other workers is asked again


class SearchStopped(keras_tuner.errors.FatalError):
    """Somebody asked to stop; a running trial has a checkpoint."""


class StudyTuner(OpenTuner):
    """A KerasTuner tuner whose trials are ordinary runs, each in its own process.

    As a worker, which KerasTuner tells from the environment, it asks the chief for
    trials, and finds their values in the study's folder.

    Args:
        study: What is searched.
        folder: Where.
        stop: Whether somebody asked to stop.
        look: Called again and again while a trial runs.
    """

    def __init__(
        self,
        study: Study,
        folder: StudyFolder,
        stop: StopRequest,
        look=lambda: None,
    ):
        self.folder, self.stop, self.look = folder, stop, look
        self._asked = False
        super().__init__(
            make_oracle(study, folder),
            directory=str(folder.path.parent),
            project_name=folder.path.name,
        )

    def pre_create_trial(self):
        if self._asked:
            time.sleep(SECONDS_TO_WAIT)
        self._asked = True
        self.look()
        if self.stop.signal:
            raise SearchStopped

    def on_trial_begin(self, trial):
        self._asked = False

    def run_trial(self, trial):
        found = self.folder.trial(trial.trial_id)
        if found.status == RUNNING:
            found = run_in_process(self.folder, found, self.stop, self.look)
        if found.status == RUNNING:
            raise SearchStopped
        return found.score or 0.0  # the oracle reads the rest in the trial's folder

    def save(self):
        """Write nothing: the study's folder has everything."""
