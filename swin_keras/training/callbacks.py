"""What a run remembers over its epochs, also when it is stopped and goes on.

Each has `get_state`, a JSON value that a checkpoint keeps, and `set_state`.
"""

import csv
import io
import math
import time
from pathlib import Path

import keras
import numpy as np

from swin_keras.errors import TrainingError
from swin_keras.model_files import save_keras, write_text

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
    """Keep the model of the epoch with the smallest loss on the validation images.

    The loss tells epochs apart where accuracy cannot, as on a few hundred images
    that are nearly all right. The file is written at most every half minute, so
    that short epochs do not wait for the disk; `finish` writes what is left.

    Args:
        inference_model: The model to save; it shares the weights in training.
        path: The `.keras` file; `None` writes nothing.
        make_card: Called with the epoch's figures; returns the model's card.
        patience: Epochs without a smaller loss after which training stops; 0 never
            stops.
    """

    def __init__(self, inference_model, path, make_card, patience: int = 0):
        super().__init__()
        self.inference_model = inference_model
        self.path = path
        self.make_card = make_card
        self.patience = patience
        self.best_loss = math.inf
        self.waited = 0  # epochs since the loss fell
        self._unwritten = None  # weights and figures of a better epoch
        self._last_write = -math.inf

    def on_epoch_end(self, epoch, logs=None):
        self.waited += 1
        if logs["val_loss"] < self.best_loss:
            self.best_loss, self.waited = float(logs["val_loss"]), 0
            self._unwritten = self._weights(), {"epoch": epoch + 1, **logs}
        if time.monotonic() - self._last_write > SECONDS_BETWEEN_WRITES:
            self.finish()
        if self.is_out_of_patience:
            self.model.stop_training = True

    @property
    def is_out_of_patience(self) -> bool:
        """Whether the loss has not fallen for too many epochs."""
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
        if self._unwritten is None or self.path is None:
            return
        weights, figures = self._unwritten
        current = self.inference_model.get_weights()
        self.inference_model.set_weights(weights)
        save_keras(self.inference_model, self.path, self.make_card(figures))
        self.inference_model.set_weights(current)
        self._unwritten, self._last_write = None, time.monotonic()

    def get_state(self):
        self.finish()
        return {"best_loss": self.best_loss, "waited": self.waited}

    def set_state(self, state):
        self.best_loss, self.waited = state["best_loss"], state["waited"]


class FiniteLoss(keras.callbacks.Callback):
    """Stop when the loss is no number any more, and name the images of the step.

    Args:
        first_step: Number of the first step.
        names: Called with a step; returns the names of its images.
    """

    def __init__(self, first_step: int, names):
        super().__init__()
        self.step = first_step
        self.names = names

    def on_train_batch_end(self, batch, logs=None):
        self.step += 1
        loss = float(np.asarray(logs["loss"]).reshape(-1)[0])
        if math.isfinite(loss):
            return
        names = self.names(self.step - 1)
        raise TrainingError(
            f"The loss must be a number, and is {loss} in step {self.step}. Its "
            f"images: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}. The "
            "last checkpoint is from before. Try a smaller --learning-rate, or "
            "--precision float32."
        )
