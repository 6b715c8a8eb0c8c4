"""`--batch-size auto` and `--learning-rate auto`: found by a few steps of training."""

import dataclasses
import json
import logging
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass

import keras
import numpy as np
import yaml

from swin_keras.data import ImageDataset, data_errors
from swin_keras.errors import DataError, ResourceError, UsageError
from swin_keras.processes import module_command
from swin_keras.training.batch_size import images_mixed, largest_batch
from swin_keras.training.config import TrainConfig
from swin_keras.training.step_callbacks import StepCallbacks, as_numbers

log = logging.getLogger(__name__)
LARGEST_BATCH = 4096
GAIN = 1.05  # a batch twice as large is taken if it is faster by this factor
SLOWEST_RATE, FASTEST_RATE = 1e-6, 1.0
RATES_TRIED = 100  # steps of the range test
WINDOW = 9  # steps over which its losses are averaged
TIMED_STEPS = 5  # after the first, which compiles


@dataclass(frozen=True)
class RangeTest:
    """What a learning-rate range test saw: the loss at each rate, and the choice."""

    rates: np.ndarray
    losses: np.ndarray
    chosen: float


def resolve_auto(
    config: TrainConfig, dataset: ImageDataset, devices: int = 1
) -> tuple[TrainConfig, RangeTest | None]:
    """Replace "auto" by numbers; see `find_batch_size` and `find_learning_rate`.

    Args:
        config: The run's.
        dataset: Its data.
        devices: How many share a step.
    """
    test = None
    if config.batch_size == "auto":
        largest = largest_batch(len(dataset.training))
        batch_size = find_batch_size(config, largest, devices)
        log.info("batch size auto: %d", batch_size)
        config = dataclasses.replace(config, batch_size=batch_size)
    if config.learning_rate == "auto":
        test = find_learning_rate(config, dataset)
        log.info("learning rate auto: %.2g", test.chosen)
        config = dataclasses.replace(config, learning_rate=test.chosen)
    return config, test


def find_batch_size(
    config: TrainConfig, largest: int = LARGEST_BATCH, devices: int = 1
) -> int:
    """Return the batch size from which on larger ones are not faster, or do not fit.

    Sizes double from 8, or the next that devices, parts of a step and mixed images
    divide; where the largest is less, from what it can fill. Each is tried in a
    subprocess, so that one that runs out of memory takes nothing with it.

    Args:
        config: The run's.
        largest: The largest to try; the first is tried in any case.
        devices: How many share a step.

    Raises:
        ResourceError: If not even the first fits.
        UsageError: If the first cannot be, whatever the memory.
        DataError: If an image cannot be read.
    """
    best, best_rate = None, 0.0
    parts = devices * config.gradient_accumulation_steps * images_mixed(config)
    usual = -(-8 * config.gradient_accumulation_steps // parts) * parts
    size = smallest = min(usual, max(largest // parts, 1) * parts)
    while size <= max(smallest, min(largest, LARGEST_BATCH)):
        rate = _try(config, size)
        if isinstance(rate, DataError) or (isinstance(rate, UsageError) and not best):
            raise rate
        if not isinstance(rate, int | float):
            break
        log.info("batch size %d: %.0f images/s", size, rate)
        if best is not None and rate < GAIN * best_rate:
            break
        best, best_rate = size, rate
        size *= 2
    if best is None:
        raise ResourceError(
            f"Even a batch of {size} images does not fit in memory, or its step "
            f"failed: --batch-size {size} shows why. Try a smaller model or image."
        )
    return best


def _try(config, size):
    """Return the images a second at a batch size.

    Or the error that says why it cannot be; or `None` if it does not work.
    """
    rate = config.learning_rate
    config = dataclasses.replace(
        config,
        batch_size=size,
        learning_rate=1e-3 if rate == "auto" else rate,
        teacher_cache=None,
    )
    # A module of ours, and not a child that would run the user's script once more.
    done = subprocess.run(  # noqa: S603  our own module
        module_command(__spec__.name),
        input=config.to_yaml(),
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:  # it died, as for want of memory
        return None
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" not in answer:
        return size / answer["seconds"]
    return {"UsageError": UsageError, "DataError": DataError}[answer["error"]](
        answer["message"]
    )


def _measure():
    """Write the seconds of a step of the configuration on the standard input."""
    from swin_keras.training.compile_cache import prepare_compiler
    from swin_keras.training.preparation import prepare

    try:
        config = TrainConfig.from_dict(yaml.safe_load(sys.stdin.read()))
        prepare_compiler(config)  # so that what is timed is what the run compiles
        with closing(prepare(config)) as job:
            answer = {"seconds": seconds_per_step(job)}
    except UsageError as error:  # such as more than the training images
        answer = {"error": "UsageError", "message": str(error)}
    except DataError as error:
        answer = {"error": "DataError", "message": str(error)}
    print(json.dumps(answer))


def seconds_per_step(job, **options) -> float:
    """Train a few steps, however short an epoch is; return the time of one.

    Args:
        job: The run; its weights change.
        **options: Further arguments of `fit`.
    """
    clock = StepClock()
    _fit_steps(job, 1 + TIMED_STEPS, clock, **options)
    return clock.seconds_per_step


def _fit_steps(job, steps, callback, **options):
    """Train a number of steps, over however many epochs.

    Raises:
        DataError: If an image cannot be read.
    """
    config = dataclasses.replace(job.config, epochs=max(job.config.epochs, steps))
    lasting = dataclasses.replace(job, config=config)
    with data_errors():
        job.training_model.fit(
            lasting.training_batches(),
            steps_per_epoch=steps,
            callbacks=StepCallbacks([callback], job.training_model),
            shuffle=False,
            verbose=0,
            **options,
        )


def find_learning_rate(config: TrainConfig, dataset: ImageDataset) -> RangeTest:
    """Try learning rates from small to large, and choose one by the loss.

    The rate rises by a constant factor with each step of training. The choice is
    the rate at which the smoothed loss falls fastest, after the range test of
    Smith, 2017 (https://arxiv.org/abs/1506.01186). The weights are thrown away.

    Raises:
        UsageError: If the loss fell at no rate.
        DataError: If an image cannot be read.
    """
    from swin_keras.training.preparation import prepare

    config = dataclasses.replace(config, learning_rate=SLOWEST_RATE, teacher_cache=None)
    factor = (FASTEST_RATE / SLOWEST_RATE) ** (1 / RATES_TRIED)
    trial = _Losses()
    with closing(prepare(config, dataset=dataset)) as job:
        job.training_model.inner_optimizer.learning_rate = (
            keras.optimizers.schedules.ExponentialDecay(SLOWEST_RATE, 1, factor)
        )
        _fit_steps(job, RATES_TRIED, trial)
    losses = np.array(trial.losses)
    rates = SLOWEST_RATE * factor ** np.arange(len(losses))
    return RangeTest(rates, losses, choose_rate(rates, losses))


def choose_rate(rates, losses) -> float:
    """Return the rate at which the smoothed loss falls fastest.

    Raises:
        UsageError: If the loss fell at no rate.
    """
    losses = np.asarray(losses, float)
    finite = np.isfinite(losses)
    count = len(losses) if finite.all() else int(np.argmin(finite))
    last = 0
    if count:
        padded = np.pad(losses[:count], WINDOW // 2, mode="edge")
        smooth = np.convolve(padded, np.full(WINDOW, 1 / WINDOW), mode="valid")
        last = int(np.argmin(smooth))  # beyond it training falls apart
    if last == 0:
        raise UsageError(
            f"The loss did not fall at any learning rate from {rates[0]:.1g} to "
            f"{rates[-1]:.1g}. Give --learning-rate a number."
        )
    return float(rates[int(np.argmin(np.diff(smooth[: last + 1])))])


class StepClock(keras.callbacks.Callback):
    """Time steps after the first, which also compiles, without a wait between them."""

    takes_tensors = True

    def __init__(self):
        super().__init__()
        self._steps = 0
        self._begin = self._end = None

    def on_train_batch_end(self, batch, logs=None):
        self._newest = logs
        self._steps += 1
        if self._begin is None:
            self._begin = self._when_done()

    def on_test_begin(self, logs=None):
        self._end = self._end or self._when_done()

    def on_epoch_end(self, epoch, logs=None):
        self._end = self._end or self._when_done()

    def _when_done(self):
        as_numbers(self._newest)  # waits for the step
        return time.monotonic()

    @property
    def seconds_per_step(self) -> float:
        """Mean of all steps after the first."""
        return (self._end - self._begin) / (self._steps - 1)


class _Losses(keras.callbacks.Callback):
    """Note the loss of each step; Keras shows the mean of all so far."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(as_numbers(logs)["loss"])
        self.model.reset_metrics()


if __name__ == "__main__":
    _measure()
