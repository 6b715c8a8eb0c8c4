"""Train a classifier: `swin-keras train`, or `swin_keras.train(TrainConfig(...))`."""

import dataclasses
import functools
import logging
import os
import shlex
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager

from swin_keras.data import extract
from swin_keras.errors import DataError, Interrupted, UsageError
from swin_keras.explaining.mistakes import mistakes_explained
from swin_keras.files import write_text
from swin_keras.inference.evaluation import evaluate_dataset
from swin_keras.inference.predictor import Predictor
from swin_keras.processes import StopSignals
from swin_keras.report import (
    RunReport,
    part_of,
    plot_curves,
    plot_lr_range,
    write_report,
)
from swin_keras.screen import PlainFormatter
from swin_keras.training.backend import require_tensorflow
from swin_keras.training.compile_cache import CompileCache
from swin_keras.training.config import TrainConfig
from swin_keras.training.description import describe, why_kept
from swin_keras.training.extending import as_begun
from swin_keras.training.fitting import fit, memory_errors
from swin_keras.training.job import TrainingJob, load_data, prepare
from swin_keras.training.lost_images import lost_images
from swin_keras.training.run_folder import RunFolder, create_run, disk_errors, locked
from swin_keras.training.search import resolve_auto
from swin_keras.training.speaking import logged_by, spoken
from swin_keras.training.strategy import Replicas, make_strategy
from swin_keras.training.xla_flags import leave_out_triton

log = logging.getLogger(__name__)
SAMPLES = 16  # test images kept with the run: for prediction and export checks


def train(
    config: TrainConfig | str | None = None,
    *,
    resume: bool = False,
    job: TrainingJob | None = None,
    part: range | None = None,
    callbacks: Sequence = (),
    verbose: bool = True,
    **options,
) -> RunFolder:
    """Train a classifier and write everything about it to `runs/<name>/`.

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
            it is extended from its last state, on another warm-up and cosine.
        job: This configuration, if it is prepared already.
        part: Epochs to train now, such as `range(3)`, on the schedule of all; by
            default all.
        callbacks: Further callbacks of Keras.
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
    require_tensorflow("Training")
    leave_out_triton()
    with ExitStack() as stack:
        if config.compile_cache is not False:  # before the devices are looked for
            stack.enter_context(CompileCache(on_cpu=bool(config.compile_cache)))
        replicas = Replicas(make_strategy(config.strategy))
        _check_shared(config, resume, replicas)
        stack.enter_context(spoken(verbose and replicas.is_chief))
        stop = StopSignals()
        stack.enter_context(stop.handled())
        run = _find_run(config) if resume else None
        if run and replicas.is_chief:
            stack.enter_context(locked(run))
        if run:
            config = as_begun(run, config, replicas)
            if run.card.is_file():
                log.info("run %s is finished; --epochs N trains it to more", run.path)
                return run
        range_test = None
        if job is None:
            with memory_errors(config):
                dataset = _load(config, run)
                config, range_test = resolve_auto(config, dataset)
                job = prepare(config, replicas, dataset)
        is_new = run is None
        if not replicas.is_chief:
            run = run or RunFolder.named(config.runs_dir, config.name)
        elif is_new:
            run = create_run(config.runs_dir, config.name, config.data, resume=resume)
            stack.enter_context(locked(run))
        stack.enter_context(disk_errors(run, lambda: _how_to_resume(run)))
        if replicas.is_chief:
            stack.enter_context(_log_file(run.log))
            log.info("run %s%s", run.path, "" if is_new else " resumes")
            for line in describe(job):
                log.info("%s", line)
            if is_new:
                _write_inputs(run, job, range_test)
        try:
            with lost_images(run, job):
                with stop.deferred():
                    metrics = fit(run, job, stop, part, callbacks, verbose)
                if replicas.is_chief:
                    _conclude(run, job, metrics)
        except (Interrupted, KeyboardInterrupt):
            message = f"stopped; checkpoints are in {run.checkpoints}. "
            raise Interrupted(stop.signal, message + _how_to_resume(run)) from None
    return run


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


def _check_shared(config, resume, replicas):
    if not config.name and (resume or replicas.is_multiworker):
        raise UsageError(
            "A run that is resumed, or that workers share, is found by its name. Give "
            "--name, or --config runs/<name>/config.yaml."
        )
    autos = [n for n in ("batch_size", "learning_rate") if getattr(config, n) == "auto"]
    if autos and replicas.is_multiworker:
        raise UsageError(
            f"Workers must agree on {' and '.join(autos)}, which is 'auto'. Find it in "
            "one process with --dry-run, then give the number."
        )


def _find_run(config):
    run = RunFolder.named(config.runs_dir, config.name)
    return run if run.config.exists() else None


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


def _how_to_resume(run):
    if run.config.is_file():
        path = shlex.quote(str(run.config))
        return f"Resume with: swin-keras train --config {path} --resume"
    return f"Then start it again, with --name {run.name} --resume."


def _write_inputs(run, job, range_test):
    run.plots.mkdir(exist_ok=True)
    if range_test:
        picture = run.plots / "learning_rate.png"
        chosen = range_test.chosen
        plot_lr_range(range_test.rates, range_test.losses, chosen, picture)
    picture = run.plots / "training_images.png"
    part_of(job.config.task).plot_training_images(
        *job.first_images(), job.dataset, picture
    )
    if not run.samples.exists():
        part = run.samples.with_name(".samples.part")
        shutil.rmtree(part, ignore_errors=True)
        extract(job.dataset, part, count=SAMPLES, split="test")
        part.rename(run.samples)
    config = dataclasses.replace(job.config, name=run.name)
    write_text(run.config, config.to_yaml())  # last: from now on the run can be resumed


def _conclude(run, job, training):
    """Judge the best model on the test images; draw the curves."""
    curves = run.plots / "curves.png"
    shown = ("loss", job.task.figure, "learning_rate")
    plot_curves(run.metrics, curves, shown, monitor=job.config.monitor)
    predictor = Predictor(run.best_model)
    result = evaluate_dataset(predictor, job.dataset)
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
    monitors = job.task.monitors
    kept = why_kept(training.rows, metrics["epoch"], job.config.monitor, monitors)
    log.info("%s", kept)
    log.info(
        "test %s after %.0f s, best epoch %d: %s",
        result.headline(),
        training.seconds,
        metrics["epoch"],
        run.path,
    )


class _LogFile(logging.FileHandler):
    def handleError(self, record):  # noqa: N802  logging's name
        """Continue without the line: other writes report that the disk is full."""


@contextmanager
def _log_file(path):
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(message)s"))
    with logged_by(handler):
        yield
