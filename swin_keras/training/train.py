"""Train a model: `swin-keras train`, or `swin_keras.train(TrainConfig(...))`."""

import dataclasses
import functools
import logging
import os
from collections.abc import Sequence

import keras

from swin_keras.errors import DataError, UsageError
from swin_keras.explaining.mistakes import mistakes_explained
from swin_keras.files import write_text
from swin_keras.inference.evaluation import evaluate_dataset
from swin_keras.inference.predictor import Predictor
from swin_keras.report import (
    RunReport,
    part_of,
    plot_curves,
    write_report,
)
from swin_keras.scores.best_epoch import kept_figures
from swin_keras.training.checkpoints import CheckpointFolder
from swin_keras.training.config import TrainConfig
from swin_keras.training.description import why_kept
from swin_keras.training.fitting import fit, memory_errors
from swin_keras.training.job import TrainingJob
from swin_keras.training.open_run import open_run
from swin_keras.training.own_callbacks import own_callbacks
from swin_keras.training.preparation import load_data, prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.search import resolve_auto

log = logging.getLogger(__name__)


def train(
    config: TrainConfig | str | None = None,
    *,
    resume: bool = False,
    job: TrainingJob | None = None,
    part: range | None = None,
    callbacks: keras.callbacks.Callback | Sequence = (),
    verbose: bool = True,
    **options,
) -> RunFolder:
    """Train a model and write everything about it to `runs/<name>/`.

    `config.yaml`, `metrics.csv`, `checkpoints/`, `best.keras` (the best epoch on the
    validation images), `card.json`, `report.html`, `plots/`, `samples/` (test
    images), `tensorboard/`, `log.txt`.

    ```python
    run = swin_keras.train("photos/", model="swin_tiny", epochs=50)
    run = swin_keras.train(TrainConfig(data="photos/", model="swin_tiny", epochs=50))
    ```

    Args:
        config: What and how; or its `data` alone. `None` trains on digits.
        resume: Whether to resume the run of this name, if there is one: it
            ends as if it had never stopped. With more epochs than a finished run had,
            it is extended from its last state, on another warm-up and schedule.
        job: This configuration, if it is prepared already.
        part: Epochs to train now, such as `range(3)`, on the schedule of all; by
            default all of them, and never more. One that begins later resumes. Only a
            run that has come to its end is judged on the test images and has a card
            and a report; until then, it can be resumed.
        callbacks: Further callbacks of Keras, or one. Where one stops training within
            an epoch, the run is not finished: it has no card and can be resumed. What
            they save is the model of `best.keras` as it is then, not compiled, and
            without the averages of `ema_momentum`. Those that set the learning rate or
            read a backup are refused.
        verbose: Whether to show data, epochs and the outcome on standard error, where
            the program has no logging of its own.
        **options: Those of `TrainConfig`, instead of one.

    Returns:
        The run's folder; its card holds the accuracy on the test images.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
        Interrupted: If a signal stopped the run, which can be resumed.
        TrainingError: If the loss is no longer finite.
        ResourceError: If memory or disk are too small, or another process trains
            in this run's folder.
    """
    config = _configured(config, options)
    callbacks = own_callbacks(callbacks)
    with open_run(config, resume=resume, verbose=verbose) as run:
        _check_part(part, run.config.epochs)
        if run.is_finished:
            log.info(
                "run %s is finished; --epochs N trains it to more", run.folder.path
            )
            return run.folder
        range_test = None
        if job is None:
            _check_begun(part, run)
            job, range_test = _prepare(run)
        with run.recorded(job, range_test) as folder:
            with run.stop.deferred():
                metrics = fit(folder, job, run.stop, part, callbacks, verbose)
            is_whole = part is None or part.stop >= job.config.epochs
            if run.replicas.is_chief and is_whole:
                _conclude(folder, job, metrics)
        return folder


def _configured(config, options):
    """Return the configuration that was given in one way or the other."""
    if isinstance(config, str | os.PathLike):
        return TrainConfig(data=config, **options)
    if config is None:
        return TrainConfig(**options)
    if not isinstance(config, TrainConfig):
        raise UsageError(
            "`train` takes a TrainConfig, or the data and options by their names, as "
            f'in train("photos/", epochs=50). Received: {config!r:.200}.'
        )
    if options:
        raise UsageError(
            "`train` takes a TrainConfig or single options, not both. Received, beside "
            f"a TrainConfig: {', '.join(options)}."
        )
    return config


def _check_part(part, epochs):
    if part is None:
        return
    if not isinstance(part, range):
        raise UsageError(
            f"`part` must be a range of epochs, such as range(3). Received: {part!r}."
        )
    if not 0 <= part.start <= part.stop <= epochs or part.step != 1:
        raise UsageError(
            "`part` must lie within the epochs of the run, on whose schedule it "
            f"trains, one after the other. Received: part={part}, epochs={epochs}."
        )


def _check_begun(part, run):
    """Refuse a later part of a run that has not been trained before."""
    if part and part.start and not _has_checkpoint(run):
        raise UsageError(
            "`part` must begin with epoch 0 where there is no checkpoint to go on "
            f"from. Received: part={part}, for a run that has none. Name the run that "
            "has the epochs before, with resume=True, or train these first."
        )


def _has_checkpoint(run):
    """Return whether an open run has trained before."""
    folder = run.folder and CheckpointFolder(run.folder.checkpoints)
    return folder is not None and folder.newest() is not None


def _prepare(run):
    """Return the job of an open run, and how its learning rate was found."""
    with memory_errors(run.config, run.folder):
        dataset = _load(run.config, run.folder)
        config, range_test = resolve_auto(run.config, dataset, run.replicas.count)
        has_checkpoint = (
            config.weights is not None  # else nobody asks, and looking takes time
            and _has_checkpoint(run)
        )
        path = run.folder and run.folder.path
        job = prepare(config, run.replicas, dataset, has_checkpoint, path)
        return job, range_test


def _load(config, run):
    try:
        return load_data(config)
    except DataError as error:
        if run is None or os.path.exists(config.data):
            raise
        raise DataError(
            f"{error} If the run's data have moved, name where they are now: --data "
            "FOLDER."
        ) from error


def _conclude(run, job, training):
    """Judge the best model on the test images; draw the curves."""
    curves = run.plots / "curves.png"
    shown = ("loss", job.task.figure, "learning_rate")
    predictor = Predictor(run.best_model)
    monitor = job.config.monitor
    kept = kept_figures(predictor.card.metrics, training.rows, monitor)
    plot_curves(run.metrics, curves, shown, kept and int(kept["epoch"]))
    result = evaluate_dataset(
        predictor, job.dataset, workers=job.workers.processes if job.workers else 0
    )
    part_of(job.config.task).plot(result, run.plots)
    judged = {f"test_{name}": value for name, value in result.figures().items()}
    seconds = {"seconds": round(training.seconds, 1)}
    metrics = predictor.card.metrics | judged | seconds
    card = job.card(run.name, metrics)
    write_report(
        run.report,
        RunReport(
            card=card,
            evaluation=result,
            dataset=job.dataset,
            metrics=run.metrics,
            parameters=job.model.count_params(),
            defaults=dataclasses.asdict(TrainConfig(batch_size=job.config.batch_size)),
            explain=functools.partial(
                mistakes_explained, run.best_model, job.dataset.split("test")
            ),
        ),
    )
    write_text(run.card, card.to_json())  # last: it says that the run is finished
    if kept is not None:
        log.info("%s", why_kept(training.rows, kept, monitor, job.task.monitors))
    log.info("test %s after %.0f s: %s", result.headline(), training.seconds, run.path)
