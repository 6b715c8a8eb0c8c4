"""Going on where a run stopped: checkpoints while training, and their return."""

import logging
import signal
import time

import keras

from swin_keras.errors import DataError, Interrupted, UsageError
from swin_keras.training.checkpoints import Checkpoint, CheckpointFolder
from swin_keras.training.strategy import Replicas

log = logging.getLogger(__name__)


class SaveCheckpoints(keras.callbacks.Callback):
    """Write a checkpoint every few minutes, and when somebody asks to stop.

    The run goes on from it as if it had never stopped: weights, optimizer,
    averages, random states and the sums behind the metrics are all in it, and
    what other callbacks remember.

    Args:
        folder: Where checkpoints go.
        replicas: The devices of the run; its chief writes.
        steps_per_epoch: Steps in an epoch.
        minutes: Time between checkpoints.
        remembering: Callbacks with `get_state` and `set_state`, by name.
        data: Fingerprint of the data set; a run does not go on with other data.
        stop: Says whether somebody asked to stop; see `StopSignals`.
    """

    def __init__(
        self,
        folder: CheckpointFolder,
        replicas: Replicas,
        steps_per_epoch: int,
        minutes: float,
        remembering: dict,
        data: str,
        stop: "StopSignals",
    ):
        super().__init__()
        self.folder = folder
        self.replicas = replicas
        self.steps_per_epoch = steps_per_epoch
        self.minutes = minutes
        self.remembering = remembering
        self.data = data
        self.stop = stop
        self.step = 0
        self._saved, self._saved_step = time.monotonic(), None
        self._counted = None  # sums behind the metrics, to put back

    def restore(self) -> bool:
        """Load the newest checkpoint into the model; tell whether there is one."""
        checkpoint = self.folder.newest()
        if checkpoint is None:
            return False
        if checkpoint.state["data"] != self.data:
            raise DataError(
                "A run goes on with the data it began with, and these have changed "
                f"since {self.folder.path} was written. Put them back, or start "
                "another run."
            )
        variables = self._variables()
        arrays = checkpoint.arrays[: len(variables)]
        shapes = [tuple(variable.shape) for variable in variables]
        if [array.shape for array in arrays] != shapes:
            raise UsageError(
                f"The checkpoint in {self.folder.path} belongs to another model. Go on "
                "with the configuration of its run, or start another run."
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        for name, callback in self.remembering.items():
            callback.set_state(checkpoint.state[name])
        self.step = checkpoint.step
        if self.step % self.steps_per_epoch:
            self._counted = checkpoint.arrays[len(variables) :]
        return True

    def on_epoch_begin(self, epoch, logs=None):
        if self._counted is not None:  # Keras has just set them to zero
            metrics = self.model.metrics_variables
            for variable, array in zip(metrics, self._counted, strict=True):
                variable.assign(array)
            self._counted = None

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        if self.step % self.steps_per_epoch:  # else the epoch's end comes next
            self._save_if_due()

    def on_epoch_end(self, epoch, logs=None):
        self._save_if_due()

    def on_train_end(self, logs=None):
        self.save()

    def _save_if_due(self):
        is_late = time.monotonic() - self._saved >= 60 * self.minutes
        is_late, must_stop = self.replicas.any(is_late, self.stop.asked)
        if is_late or must_stop:
            self.save()
        if must_stop:
            raise Interrupted(self.stop.signal)

    def save(self):
        """Write a checkpoint of this step, if it is not written yet."""
        if self.step == self._saved_step:
            return
        variables = self._variables() + self.model.metrics_variables
        # All read, since values that replicas hold in parts are summed by all.
        arrays = [keras.ops.convert_to_numpy(variable) for variable in variables]
        state = {name: c.get_state() for name, c in self.remembering.items()}
        state["data"] = self.data
        if self.replicas.is_chief:
            self.folder.save(Checkpoint(self.step, arrays, state))
        self._saved, self._saved_step = time.monotonic(), self.step

    def _variables(self):
        return self.model.variables + self.model.optimizer.variables


class StopSignals:
    """Whether the process was asked to end, and by which signal."""

    def __init__(self):
        self.signal = signal.SIGTERM  # what workers report that another stopped
        self.asked = False

    def ask(self, number, frame=None):
        """Note the wish; a second Ctrl-C ends the process at once."""
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        if not self.asked:
            log.info("stopping after this step, with a checkpoint")
        self.asked, self.signal = True, number
