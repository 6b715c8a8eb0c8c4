"""Try a run before it costs anything: `swin-keras train --dry-run`."""

import dataclasses
import resource
import sys
import time
from contextlib import closing
from itertools import islice

import tensorflow as tf

from swin_keras.cores import usable_cores
from swin_keras.data import data_errors
from swin_keras.screen import duration
from swin_keras.training.compile_cache import kept_programs
from swin_keras.training.config import TrainConfig
from swin_keras.training.description import describe
from swin_keras.training.devices import on_cpu
from swin_keras.training.fitting import memory_errors
from swin_keras.training.preparation import load_data, prepare
from swin_keras.training.search import resolve_auto, seconds_per_step
from swin_keras.training.strategy import Replicas, make_strategy
from swin_keras.training.xla_check import in_words, xla_difference
from swin_keras.training.xla_flags import leave_out_triton

BATCHES = 10  # that are loaded, at least
SECONDS = 10  # that this takes, about, at most
XLA_IMAGES = 8  # that are compared: without parts of a step, more may not fit
SPARE = 1.2  # how much faster than the step loading must be, not to be waited for


def dry_run(config: TrainConfig) -> str:
    """Build everything, run a few batches of each kind, and report the cost.

    Nothing is written but what XLA compiles, for the run. The first step is left out
    of the time, since it also compiles the model. On a GPU, what XLA compiled is
    compared with the graph.

    Returns:
        A few lines: data, parameters, time of a step and of the run, memory, and
        how fast images are loaded.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
    """
    leave_out_triton()
    with kept_programs(config):  # the run itself finds the step that is compiled here
        return _try(config)


def _try(config):
    replicas = Replicas(make_strategy(config.strategy))  # before TensorFlow is used
    dataset = load_data(config)
    config, _ = resolve_auto(config, dataset, replicas.count)
    job = prepare(config, replicas, dataset)
    lines = describe(job)
    measured = dataclasses.replace(job.config, teacher_cache=None)
    job = dataclasses.replace(job, config=measured)
    with closing(job), memory_errors(job.config), data_errors():
        seconds = seconds_per_step(
            job, validation_data=job.validation_batches(), validation_steps=1
        )
        loading = _images_loaded_per_second(job)
        notes = [*_teacher_notes(job), *_xla_notes(job)]
    whole = seconds * job.steps * config.epochs
    return "\n".join(
        [
            *lines,
            f"memory      {_memory()}",
            f"time        {seconds * 1e3:.0f} ms a step, about {duration(whole)} "
            "without validation",
            *_loading_notes(loading, job.config.batch_size / seconds, job),
            *notes,
        ]
    )


def _teacher_notes(job):
    if job.teacher is None:
        return
    images, _ = job.first_images()
    job.teacher.logits(images)  # compiles, where it must
    start = time.perf_counter()
    job.teacher.logits(images)
    seconds = time.perf_counter() - start
    yield (
        f"teacher     {seconds * 1e3:.0f} ms a step, of the above; with answers from "
        "--teacher-cache none"
    )


def _images_loaded_per_second(job) -> float | None:
    """Load batches, and do nothing with them; `None` where there are too few.

    Those that are begun together with the first are ready when it is, and those that
    follow come as many at once: so the first are not timed, and several times as many
    are.
    """
    begun = 1 + (job.workers.processes if job.workers else usable_cores())
    batches = iter(job.training_batches())
    first = sum(1 for _ in islice(batches, 2 * begun))
    start = time.perf_counter()
    loaded = 0
    for _ in islice(batches, max(BATCHES, 3 * begun)):
        loaded += 1
        if loaded >= begun and time.perf_counter() > start + SECONDS:
            break
    if not (first and loaded):
        return None
    return loaded * job.config.batch_size / (time.perf_counter() - start)


def _loading_notes(loading, training, job):
    if loading is None:
        return
    by = f"{job.workers.processes} processes" if job.workers else "threads"
    text = f"{loading:.0f} images/s by {by} alone, training takes {training:.0f}"
    if loading < SPARE * training:
        text += ". TRAINING WAITS FOR IMAGES: more --workers, or smaller files, help"
    yield f"loading     {text}"


def _xla_notes(job):
    """Compare with the graph where that is cheap: compiling again is not on a CPU."""
    is_alone = job.replicas.strategy is None
    if is_alone and job.training_model.compiles and not on_cpu():
        batch = next(iter(job.training_batches()))
        batch = tf.nest.map_structure(lambda values: values[:XLA_IMAGES], batch)
        yield f"XLA         {in_words(xla_difference(job.training_model, batch))}"


def _memory() -> str:
    """Report what is short first: the memory of a GPU, or else the process'."""
    for device in tf.config.list_logical_devices("GPU"):
        peak = tf.config.experimental.get_memory_info(device.name)["peak"]
        return f"{peak / 2**30:.1f} GiB at most so far, of {device.name}"
    return f"{peak_memory() / 2**30:.1f} GiB at most so far, of this process"


def peak_memory() -> int:
    """Return the most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
