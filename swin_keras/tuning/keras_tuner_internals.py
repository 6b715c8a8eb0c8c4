"""Everything private of KerasTuner that this package touches, and why.

`tests/test_internals.py` names what a version no longer has.
"""

import numpy as np
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.oracles import BayesianOptimizationOracle

__all__ = ["OpenBayesian", "OpenOracle", "OpenTuner"]


class OpenTuner(BaseTuner):
    """A tuner that ends where something goes wrong.

    KerasTuner would record a trial that failed, begin the next, and never say why.
    """

    def _try_run_and_update_trial(self, trial, *arguments, **options):
        self._run_and_update_trial(trial, *arguments, **options)
        trial.status = "COMPLETED"


class OpenOracle:
    """What every oracle of KerasTuner can do, but has no public word for."""

    def try_first(self, trial_ids):
        """Give out these trials again before any new one, in this order."""
        self._retry_queue = list(reversed(trial_ids))

    def _save_trial(self, trial):
        """Write nothing: KerasTuner would write a file for each trial and event."""


class OpenBayesian(BayesianOptimizationOracle):
    """The Bayesian search, whose random numbers can begin anew with each trial."""

    def begin_draws(self, number: int):
        """Let what is drawn for a trial depend on its number alone."""
        self._seed_state = self.seed + 1000 * number
        self._random_state = np.random.RandomState([self.seed, number])

    def draw(self):
        """Return values at random, as for the first trials."""
        return self._random_populate_space()
