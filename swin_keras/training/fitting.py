"""`model.fit` with everything around it: checkpoints, metrics, best model, progress."""

import errno
import logging
import os
from collections.abc import Sequence
from contextlib import contextmanager

from swin_keras.data import data_errors
from swin_keras.errors import ResourceError, is_memory_full
from swin_keras.processes import StopSignals
from swin_keras.report.tensorboard import tensorboard_callback
from swin_keras.training.callbacks import (
    BestModel,
    FiniteLoss,
    MetricsFile,
    ValidateAverage,
)
from swin_keras.training.checkpoints import CheckpointFolder
from swin_keras.training.config import TrainConfig
from swin_keras.training.devices import keeps_steps
from swin_keras.training.extending import lasting_options, record_extension
from swin_keras.training.job import TrainingJob
from swin_keras.training.memory import advice_for_resumed
from swin_keras.training.progress import FIRST_STEP, KEPT_STEP, LiveProgress
from swin_keras.training.resume import SaveCheckpoints, StoppedWithinEpoch
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.step_callbacks import StepCallbacks
from swin_keras.training.validation import ScoreValidation

log = logging.getLogger(__name__)


def fit(
    run: RunFolder,
    job: TrainingJob,
    stop: StopSignals,
    epochs: range | None = None,
    callbacks: Sequence = (),
    verbose: bool = True,
) -> MetricsFile:
    """Train to the end, from the newest checkpoint if there is one.

    Args:
        run: Where the run's files are; only the chief writes them.
        job: The run, compiled.
        stop: Whether somebody asked to stop.
        epochs: Epochs to train; by default all. A checkpoint comes before their
            start.
        callbacks: Further callbacks of Keras.
        verbose: Whether a terminal gets a bar.

    Returns:
        The run's figures.

    Raises:
        Interrupted: If somebody asked to stop; a checkpoint is written.
        StoppedWithinEpoch: If a callback did, in the midst of an epoch; likewise.
        TrainingError: If the loss is no longer finite.
        DataError: If an image cannot be read.
        ResourceError: If memory or disk are too small.
    """
    is_chief, config = job.replicas.is_chief, job.config
    if epochs is None:
        epochs = range(config.epochs)
    metrics = MetricsFile(run.metrics if is_chief else None)
    best = BestModel(
        job.model,
        run.best_model,
        lambda figures: job.card(run.name, figures),
        config.early_stopping,
        config.monitor,
        writes=is_chief,
        restarts=config.restarts,
    )
    finite = FiniteLoss(job.names)
    saver = SaveCheckpoints(
        CheckpointFolder(run.checkpoints),
        job.replicas,
        job.steps,
        config.checkpoint_minutes,
        {"metrics": metrics, "best": best},
        job.fingerprint,
        lasting_options(config),
        stop,
        finite.check,
    )
    for callback in (saver, best):  # also where no epoch is left to train
        callback.set_model(job.training_model)
    saver.step, saver.epochs = epochs.start * job.steps, epochs.start
    resumes = saver.restore()
    if resumes:
        log.info("resuming after step %d of %d", saver.step, epochs.stop * job.steps)
        if is_chief:  # the data are those that it began with, wherever they are now
            record_extension(run, config)
        best.begin_part(saver.epochs)
    kept = keeps_steps(config, job.training_model)
    progress = LiveProgress(
        epochs.stop,
        job.steps,
        config.batch_size,
        saver.step,
        bar=verbose,
        first_words=KEPT_STEP if kept else FIRST_STEP,
    )
    finite.step = saver.step
    callbacks = [finite, metrics, best, progress, saver, *callbacks]
    if config.ema_momentum:  # first, so that others find the weights put back
        callbacks.insert(0, ValidateAverage())
    if job.validation_score() is not None:
        callbacks.insert(0, ScoreValidation(job, stop))
    if config.tensorboard and is_chief:
        callbacks.append(tensorboard_callback(run.tensorboard))
    if not is_chief:
        callbacks.remove(progress)
    job.training_model.stop_training = False
    try:
        with memory_errors(config, run if resumes else None), data_errors():
            if saver.must_validate:
                _end_epoch(job, saver.epochs, callbacks)
            for part in _parts(saver.step, job.steps, epochs.stop):
                # `fit` forgets that a callback asked to stop.
                if not (best.is_out_of_patience or job.training_model.stop_training):
                    _fit_epochs(job, part, saver.step, callbacks)
    except StoppedWithinEpoch:
        for callback in callbacks:  # as Keras tells them when one stops training
            callback.on_train_end()
        raise
    finally:
        progress.stop()
        job.close()
    if is_chief and metrics.rows and not best.is_kept:
        log.warning("%s was lost: the last epoch's model stands for it", run.best_model)
        last = metrics.rows[-1]
        best.take({**last, "epoch": last["epoch"] + 1})
    best.finish()
    return metrics


def _parts(step, steps_per_epoch, stop):
    """Return ranges of epochs: the rest of one that was begun, then the others."""
    first, begun = divmod(step, steps_per_epoch)
    if begun:
        return [range(first, first + 1), range(first + 1, stop)]
    return [range(first, stop)]


def _fit_epochs(job, epochs, step, callbacks):
    if not epochs:
        return
    steps = (epochs.start + 1) * job.steps - step
    job.training_model.fit(
        job.training_batches(step),
        initial_epoch=epochs.start,
        epochs=epochs.stop,
        steps_per_epoch=steps,
        validation_data=job.validation_batches(),
        validation_steps=job.validation_steps,
        callbacks=StepCallbacks(
            callbacks, job.training_model, epochs=epochs.stop, steps=steps, verbose=0
        ),
        shuffle=False,  # the batches come in the order of the seed
        verbose=0,
    )


def _end_epoch(job, epoch, callbacks):
    """Validate an epoch that is trained, and end it, as `fit` does."""
    model = job.training_model
    callbacks = StepCallbacks(callbacks, model)
    callbacks.on_train_begin()
    callbacks.on_epoch_begin(epoch)  # which puts back the sums behind its metrics
    figures = model.get_metrics_result()
    validated = model.evaluate(
        job.validation_batches(),
        steps=job.validation_steps,
        callbacks=callbacks,
        return_dict=True,
        verbose=0,
    )
    figures |= {f"val_{name}": value for name, value in validated.items()}
    callbacks.on_epoch_end(epoch, figures)
    callbacks.on_train_end()


@contextmanager
def memory_errors(config: TrainConfig, resumed: RunFolder | None = None):
    """Explain that a step did not fit into the memory.

    Args:
        config: The run's.
        resumed: Its folder, if it resumes: then few options may change.

    Raises:
        ResourceError: That says what to do.
    """
    import tensorflow as tf

    try:
        yield
    except (tf.errors.OpError, MemoryError) as error:
        is_exhausted = isinstance(error, tf.errors.ResourceExhaustedError)
        if is_exhausted and "No space left" in str(error):  # one name for both
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if not is_memory_full(error):
            raise
        images = config.batch_size if config.batch_size != "auto" else None
        advice = (
            "Try --batch-size auto, more --gradient-accumulation-steps, --remat true "
            "or --precision mixed_bfloat16; or end what else uses the device."
        )
        if resumed is not None:
            advice = advice_for_resumed(config, resumed.path)
        raise ResourceError(
            f"{f'A step of {images} images' if images else 'A step'} does not fit into "
            f"the memory. {advice}"
        ) from error
