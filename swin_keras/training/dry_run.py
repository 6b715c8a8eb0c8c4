"""Try a run before it costs anything: `swin-keras train --dry-run`."""

import resource
import sys

from swin_keras.data import data_errors
from swin_keras.training.config import TrainConfig
from swin_keras.training.description import describe
from swin_keras.training.fitting import memory_errors
from swin_keras.training.job import load_data, prepare
from swin_keras.training.search import seconds_per_step, settle


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
    dataset = load_data(config)
    config, _ = settle(config, dataset)
    job = prepare(config, dataset=dataset)
    with data_errors(), memory_errors(job.config):
        seconds = seconds_per_step(
            job, validation_data=job.validation_batches(), validation_steps=1
        )
    minutes = seconds * job.steps * config.epochs / 60
    return "\n".join(
        [
            *describe(job),
            f"memory      {peak_memory() / 2**30:.1f} GiB at most so far, of this "
            "process",
            f"time        {seconds * 1e3:.0f} ms a step, about {minutes:.1f} minutes "
            "without validation",
        ]
    )


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
