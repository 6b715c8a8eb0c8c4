"""Going on where a run stopped: checkpoints while training, and their return."""

import logging
import time
from collections.abc import Callable

import keras

from swin_keras.errors import DataError, Interrupted, UsageError
from swin_keras.processes import StopSignals
from swin_keras.training.checkpoints import CheckpointFolder, RunState
from swin_keras.training.extending import check_lasting
from swin_keras.training.strategy import Replicas

log = logging.getLogger(__name__)


class OtherDataError(DataError):
    """The data, or the teacher, are not those that a run began with."""


class StoppedWithinEpoch(Exception):  # noqa: N818  as `Interrupted`
    """A callback stopped training before its epoch was over; a checkpoint is written.

    The message says where.
    """


class SaveCheckpoints(keras.callbacks.Callback):
    """Write a checkpoint every few minutes, and when somebody asks to stop.

    The run resumes from it as if it had never stopped: weights, optimizer,
    averages, random states and the sums behind the metrics are all in it, and
    what other callbacks remember. Validation is left when somebody asks to stop,
    and done again. An epoch of which a callback left out steps by `stop_training` is
    not validated: it is no epoch yet, and the run resumes within it.

    Args:
        folder: Where checkpoints go.
        replicas: The devices of the run; its chief writes.
        steps_per_epoch: Steps in an epoch.
        minutes: Time between checkpoints.
        remembering: Callbacks with `get_state` and `set_state`, by name.
        data: Fingerprint of the data set; a run does not resume with other data.
        options: What `lasting_options` says of the run; nor with others of these.
        stop: Says whether somebody asked to stop; see `StopSignals`.
        check: Called before a checkpoint is written; raises if none must be.

    Attributes:
        step: Steps trained.
        epochs: Epochs trained and validated.
    """

    takes_tensors = True

    def __init__(
        self,
        folder: CheckpointFolder,
        replicas: Replicas,
        steps_per_epoch: int,
        minutes: float,
        remembering: dict,
        data: str,
        options: dict,
        stop: StopSignals,
        check: Callable[[], None],
    ):
        super().__init__()
        self.folder = folder
        self.replicas = replicas
        self.steps_per_epoch = steps_per_epoch
        self.minutes = minutes
        self.remembering = remembering
        self.data, self.options = data, options
        self.stop, self.check = stop, check
        self.step = self.epochs = 0
        self._saved_at, self._saved = time.monotonic(), None
        self._sums = None  # behind the metrics of training, to put back or to save

    def restore(self) -> bool:
        """Load the newest checkpoint into the model; return whether there is one."""
        checkpoint = self.folder.newest()
        if checkpoint is None:
            return False
        check_lasting(checkpoint.state.get("options", {}), self.options)
        if checkpoint.state["data"] != self.data:
            raise OtherDataError(
                "A run resumes with the data and the teacher it began with, and these "
                f"differ from those of {self.folder.path}. Put them back, or name "
                "where they are now: --data FOLDER, --teacher MODEL. Or start another "
                "run."
            )
        variables = self._variables()
        arrays = checkpoint.arrays[: len(variables)]
        shapes = [tuple(variable.shape) for variable in variables]
        if [array.shape for array in arrays] != shapes:
            raise UsageError(
                f"The checkpoint in {self.folder.path} belongs to another model. "
                "Resume with the configuration of its run, or start another run."
            )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)
        for name, callback in self.remembering.items():
            callback.set_state(checkpoint.state[name])
        self.step, self.epochs = checkpoint.step, checkpoint.state["epochs"]
        self._saved = self.step, self.epochs
        if self.step > self.epochs * self.steps_per_epoch:
            self._sums = checkpoint.arrays[len(variables) :]
        return True

    @property
    def must_validate(self) -> bool:
        """Whether an epoch is trained, and not validated yet."""
        return self.step == (self.epochs + 1) * self.steps_per_epoch

    @property
    def is_within_epoch(self) -> bool:
        """Whether steps of an epoch are trained, and others are not."""
        return self.step % self.steps_per_epoch != 0

    def on_epoch_begin(self, epoch, logs=None):
        if self._sums is not None:  # Keras has just set them to zero
            metrics = self.model.metrics_variables
            for variable, array in zip(metrics, self._sums, strict=True):
                variable.assign(array)
            self._sums = None

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        self._save_if_due()

    def on_test_begin(self, logs=None):
        self._sums = _read(self.model.metrics_variables)  # validation needs them, too

    def on_test_batch_end(self, batch, logs=None):
        (asked,) = self.replicas.any(self.stop.asked)
        self.model.stop_evaluating = asked or self.is_within_epoch

    def on_test_end(self, logs=None):
        if self.is_within_epoch:
            self.save()
            epoch, step = divmod(self.step, self.steps_per_epoch)
            raise StoppedWithinEpoch(
                f"a callback stopped training after step {step} of "
                f"{self.steps_per_epoch} of epoch {epoch + 1}"
            )
        if self.model.stop_evaluating:
            self.save()
            raise Interrupted(self.stop.signal)
        self._sums = None

    def on_epoch_end(self, epoch, logs=None):
        self.epochs = epoch + 1
        self._save_if_due()

    def on_train_end(self, logs=None):
        self.save()

    def _save_if_due(self):
        is_late = time.monotonic() - self._saved_at >= 60 * self.minutes
        is_late, must_stop = self.replicas.any(is_late, self.stop.asked)
        if is_late or must_stop:
            self.save()
        if must_stop:
            raise Interrupted(self.stop.signal)

    def save(self):
        """Write a checkpoint of this moment, if it is not written yet."""
        if self._saved == (self.step, self.epochs):
            return
        self.check()
        # All read, since values that replicas hold in parts are summed by all.
        arrays = _read(self._variables())
        arrays += self._sums or _read(self.model.metrics_variables)
        state = {name: c.get_state() for name, c in self.remembering.items()}
        state |= {"data": self.data, "options": self.options, "epochs": self.epochs}
        if self.replicas.is_chief:
            self.folder.save(RunState(self.step, arrays, state))
        self._saved_at, self._saved = time.monotonic(), (self.step, self.epochs)

    def _variables(self):
        return self.model.variables + self.model.optimizer.variables


def _read(variables):
    return [keras.ops.convert_to_numpy(variable) for variable in variables]
