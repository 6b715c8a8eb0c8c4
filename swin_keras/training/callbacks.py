"""What a run remembers over its epochs, also when it is stopped and resumed.

Each has `get_state`, a JSON value that a checkpoint keeps, and `set_state`.
"""

import csv
import io
import logging
import math
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from swin_keras.errors import TrainingError
from swin_keras.files import write_text
from swin_keras.model_files import read_card, save_keras
from swin_keras.scores.best_epoch import rank_of

log = logging.getLogger(__name__)
SECONDS_BETWEEN_WRITES = 30


class MetricsFile(keras.callbacks.Callback):
    """Write one row an epoch to `metrics.csv`: loss, metrics, learning rate, seconds.

    Args:
        path: The file; `None` writes nothing.
    """

    def __init__(self, path):
        super().__init__()
        self.path = path and Path(path)
        self.rows = []
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds of training, over all parts of the run."""
        return self._before + time.monotonic() - self._began

    _before = 0.0

    def on_epoch_end(self, epoch, logs=None):
        rate = float(
            keras.ops.convert_to_numpy(self.model.inner_optimizer.learning_rate)
        )
        figures = {name: float(value) for name, value in logs.items()}
        row = {"epoch": epoch, **figures, "learning_rate": rate}
        self.rows.append(row | {"seconds": round(self.seconds, 2)})
        self._write()

    def _write(self):
        if self.path is None or not self.rows:
            return
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(self.rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())

    def get_state(self):
        return {"rows": self.rows, "seconds": self.seconds}

    def set_state(self, state):
        self.rows, self._before = state["rows"], state["seconds"]
        self._began = time.monotonic()
        self._write()  # without epochs that the checkpoint does not know


class ValidateAverage(keras.callbacks.Callback):
    """Validate with the moving averages of the weights, then put these back."""

    def on_test_begin(self, logs=None):
        weights = self.model.trainable_weights
        self._weights = [keras.ops.convert_to_numpy(weight) for weight in weights]
        for weight in weights:
            weight.assign(self.model.inner_optimizer.average_of(weight))

    def on_test_end(self, logs=None):
        pairs = zip(self.model.trainable_weights, self._weights, strict=True)
        for weight, value in pairs:
            weight.assign(value)


class BestModel(keras.callbacks.Callback):
    """Keep the model of the best epoch, judged on the validation images.

    By default that of the smallest loss, which tells epochs apart where accuracy
    cannot, as on a few hundred images that are nearly all right. The file is written
    at most every half minute, so that short epochs do not wait for the disk; `finish`
    writes what is left.

    Args:
        inference_model: The model to save; it shares the weights in training.
        path: The `.keras` file.
        make_card: Called with the epoch's figures; returns the model's card.
        patience: Epochs without a better one after which training stops; 0 never
            stops.
        monitor: "val_loss", or another figure such as "val_accuracy"; see `rank_of`.
        writes: Whether this process writes the file; all look whether it is there.
        restarts: Epochs after which the schedule begins anew, and the patience.
    """

    def __init__(
        self,
        inference_model,
        path,
        make_card,
        patience: int = 0,
        monitor: str = "val_loss",
        writes: bool = True,
        restarts: Sequence[int] = (),
    ):
        super().__init__()
        self.inference_model = inference_model
        self.path = path
        self.make_card = make_card
        self.patience = patience
        self.monitor = monitor
        self.writes = writes
        self.restarts = restarts
        self.best = None  # what `rank_of` made of the best epoch
        self.waited = 0  # epochs since then
        self._unwritten = None  # weights and figures of a better epoch
        self._last_write = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        self.waited += 1
        rank = rank_of(logs, self.monitor)
        if self.best is None or rank < self.best:
            self.best, self.waited = rank, 0
            self.take({"epoch": epoch + 1, **logs})
        self.begin_part(epoch + 1)
        if time.monotonic() - self._last_write > SECONDS_BETWEEN_WRITES:
            self.finish()
        if self.is_out_of_patience:
            self.model.stop_training = True

    def begin_part(self, epochs):
        """Have all patience again where a new schedule begins after so many epochs."""
        if epochs in self.restarts:
            self.waited = 0

    def take(self, figures):
        """Take the weights as they are now for the best model.

        Args:
            figures: What was measured of them, with their epoch.
        """
        self._unwritten = self._weights(), figures

    @property
    def is_out_of_patience(self) -> bool:
        """Whether no epoch was better for too long."""
        return 0 < self.patience <= self.waited

    def _weights(self):
        weights = self.inference_model.weights
        if not self.model.inner_optimizer.use_ema:
            return [keras.ops.convert_to_numpy(weight) for weight in weights]
        trained = {id(weight) for weight in self.model.trainable_weights}
        return [
            self.model.inner_optimizer.average_of(weight)
            if id(weight) in trained
            else keras.ops.convert_to_numpy(weight)
            for weight in weights
        ]

    def finish(self):
        """Write the best model if it is not on disk yet."""
        if self._unwritten is None or not self.writes:
            return
        weights, figures = self._unwritten
        current = self.inference_model.get_weights()
        self.inference_model.set_weights(weights)
        save_keras(self.inference_model, self.path, self.make_card(figures))
        self.inference_model.set_weights(current)
        self._unwritten, self._last_write = None, time.monotonic()

    @property
    def is_kept(self) -> bool:
        """Whether the best model is on disk, or waits to be written."""
        return self._unwritten is not None or zipfile.is_zipfile(self.path)

    def get_state(self):
        self.finish()
        return {"best": self.best, "waited": self.waited}

    def set_state(self, state):
        self.best, self.waited = state["best"] and tuple(state["best"]), state["waited"]
        if self.best is not None:
            self.best = self._rank_on_disk()

    def _rank_on_disk(self):
        """Return the rank of the model that is kept; `None` where the best was lost."""
        if self.is_kept:
            card = read_card(self.path)
            if card is None:
                return self.best
            # That of a model which stands for a lost one is worse.
            return max(self.best, rank_of(card.metrics, self.monitor))
        if self.writes:
            log.warning(
                "%s was lost: the best of the epochs to come stands for it, or the "
                "last one where none comes",
                self.path,
            )
        return None  # than which the next epoch is better


class FiniteLoss(keras.callbacks.Callback):
    """Stop when the loss is no longer finite, and name the images of the step.

    A loss that the device still computes is looked at after the next step was sent, or
    where the steps end. Whoever saves calls `check` before.

    Args:
        names: Called with a step; returns the names of its images.

    Attributes:
        step: Steps trained.
    """

    takes_tensors = True

    def __init__(self, names):
        super().__init__()
        self.names = names
        self.step = 0
        self._unchecked = None  # the loss of the newest step

    def on_train_batch_end(self, batch, logs=None):
        self.check()
        self.step += 1
        self._unchecked = logs["loss"]
        if isinstance(self._unchecked, float):  # Keras has waited for it
            self.check()

    def on_test_begin(self, logs=None):
        self.check()

    def on_epoch_end(self, epoch, logs=None):
        self.check()

    def check(self):
        """Wait for the newest step, and look at its loss.

        Raises:
            TrainingError: If it is no number.
        """
        if self._unchecked is None:
            return
        loss, self._unchecked = np.asarray(self._unchecked).item(), None
        if math.isfinite(loss):
            return
        names = self.names(self.step - 1)
        raise TrainingError(
            f"The loss must be a number, and is {loss} in step {self.step}. Its "
            f"images: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}. The "
            "last checkpoint is from before. Try a smaller --learning-rate, or "
            "--precision float32; on a GPU, --dry-run tells whether XLA is at fault."
        )
