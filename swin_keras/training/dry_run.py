"""Try a run before it costs anything: `swin-keras train --dry-run`."""

import resource
import sys

from swin_keras.data import data_errors
from swin_keras.training.config import TrainConfig
from swin_keras.training.job import prepare
from swin_keras.training.search import StepClock, settle

TIMED_STEPS = 5


def dry_run(config: TrainConfig) -> str:
    """Build everything, run a few batches of each kind, and tell the cost.

    Nothing is written. The first step is left out of the time, since it also
    compiles the model.

    Returns:
        A few lines: data, parameters, time of a step and of the run, memory.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
    """
    config, _ = settle(config)
    job = prepare(config)
    clock = StepClock()
    with data_errors():
        job.training_model.fit(
            job.training_batches(),
            steps_per_epoch=min(1 + TIMED_STEPS, job.steps),
            validation_data=job.validation_batches(),
            validation_steps=1,
            callbacks=[clock],
            shuffle=False,
            verbose=0,
        )
    seconds = clock.seconds_per_step
    counts = ", ".join(f"{len(s)} {name}" for name, s in job.dataset.splits.items())
    height, width, channels = job.model_config.input_shape
    lines = [
        f"data        {job.dataset.name}: {job.dataset.classes} classes ({counts})",
        f"model       {config.model} at {height} x {width} x {channels}, "
        f"{job.model.count_params():,} parameters",
        f"steps       {job.steps} an epoch, {config.epochs} epochs, "
        f"{config.batch_size} images each",
        f"memory      {peak_memory() / 2**30:.1f} GiB at most so far, of this process",
    ]
    if seconds is not None:
        total = seconds * job.steps * config.epochs
        lines.append(
            f"time        {seconds * 1e3:.0f} ms a step, about {total / 60:.1f} "
            "minutes without validation"
        )
    return "\n".join(lines)


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
