"""What a run shows while it trains."""

import contextlib
import logging
import time

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from swin_keras.training.step_callbacks import as_numbers

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LINES = 20
FIRST_STEP = "building the first step, which takes longer than the others"
KEPT_STEP = "compiling the step (once for this model and machine)"


class LiveProgress(keras.callbacks.Callback):
    """Show epoch, loss, accuracy, images per second and the time left.

    On a terminal as a bar, elsewhere as lines; one line an epoch goes to the log.

    Args:
        epochs: Epochs of the whole run.
        steps_per_epoch: Steps in an epoch.
        batch_size: Images in a step.
        first_step: Step at which this run resumes.
        bar: Whether a terminal gets a bar.
        first_words: What is said before the first step.
    """

    takes_tensors = True

    def __init__(
        self,
        epochs: int,
        steps_per_epoch: int,
        batch_size: int,
        first_step: int = 0,
        bar: bool = True,
        first_words: str = FIRST_STEP,
    ):
        super().__init__()
        self.epochs = epochs
        self.steps_per_epoch = steps_per_epoch
        self.batch_size = batch_size
        self._done = first_step
        self._wants_bar = bar
        self._first_words = first_words
        self._begun = False

    def on_train_begin(self, logs=None):
        self._last_line = time.monotonic()
        self._start = None  # where the rate counts from: not from the compilation
        self._epoch = 0
        self._first_epoch = True
        console = Console(stderr=True)
        self._bar = None
        if console.is_terminal and self._wants_bar:
            columns = [TextColumn("{task.description}"), BarColumn()]
            columns += [TextColumn("ETA"), TimeRemainingColumn()]
            self._bar = Progress(*columns, console=console, transient=True)
            total = self.epochs * self.steps_per_epoch
            self._task = self._bar.add_task(
                self._first_words, total=total, completed=self._done
            )
            self._bar.start()
        elif not self._begun:
            log.info("%s", self._first_words)
        self._begun = True

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._epoch_start, self._epoch_first = time.monotonic(), self._done
        self._trained = None  # when the last step of the epoch ended
        self._logs = None

    def on_train_batch_end(self, batch, logs=None):
        self._done += 1
        now = time.monotonic()
        self._start = self._start or (now, self._done)
        if self._bar:
            # The device is not done with this step: the figures are of the one before.
            shown, self._logs = self._logs, logs
            text = f"epoch {self._epoch + 1}/{self.epochs}  {_figures(shown)}"
            self._bar.update(self._task, completed=self._done, description=text)
        elif now - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = now
            log.info(
                "epoch %d/%d  step %d/%d  %s  ETA %s",
                self._epoch + 1,
                self.epochs,
                self._done - self._epoch * self.steps_per_epoch,
                self.steps_per_epoch,
                _figures(logs),
                self._eta(),
            )

    def on_test_begin(self, logs=None):
        self._trained = self._trained or time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        seconds = (self._trained or time.monotonic()) - self._epoch_start
        steps = self._done - self._epoch_first
        # A run that was stopped in a validation resumes with it, without a step.
        rate = f"  {steps * self.batch_size / seconds:.0f} images/s" if steps else ""
        self._last_line = time.monotonic()
        log.info(
            "epoch %d/%d  %s%s  ETA %s",
            epoch + 1,
            self.epochs,
            _figures(logs),
            rate,
            self._eta(),
        )
        if self._first_epoch:  # validation was compiled, too
            self._first_epoch = False
            self._start = time.monotonic(), self._done

    def on_train_end(self, logs=None):
        self.stop()

    def stop(self):
        """Leave the terminal as it was, also after an error."""
        if getattr(self, "_bar", None):
            with contextlib.suppress(OSError):  # the terminal has been closed
                self._bar.stop()

    def _eta(self):
        began, first = self._start or (0.0, self._done)
        if self._done == first:
            return "unknown"
        rate = (self._done - first) / (time.monotonic() - began)
        left = (self.epochs * self.steps_per_epoch - self._done) / rate
        minutes, seconds = divmod(round(left), 60)
        return f"{minutes}:{seconds:02d}"


def _figures(logs):
    return "  ".join(f"{name} {value:.4f}" for name, value in as_numbers(logs).items())
