"""Train a classifier: `swin-keras train`, or `swin_keras.train(TrainConfig(...))`."""

import dataclasses
import logging
import shlex
from collections.abc import Sequence
from contextlib import ExitStack, contextmanager

import yaml

from swin_keras.data import extract
from swin_keras.errors import Interrupted, UsageError
from swin_keras.evaluation import evaluate_dataset
from swin_keras.inference import Predictor
from swin_keras.model_files import write_text
from swin_keras.report import (
    RunReport,
    plot_confusion_matrix,
    plot_curves,
    plot_images,
    plot_lr_range,
    write_report,
)
from swin_keras.screen import PlainFormatter
from swin_keras.signals import StopSignals
from swin_keras.training.config import TrainConfig
from swin_keras.training.fitting import fit, memory_errors
from swin_keras.training.job import TrainingJob, prepare
from swin_keras.training.run_folder import RunFolder, create_run, locked
from swin_keras.training.search import settle
from swin_keras.training.strategy import Replicas, make_strategy

log = logging.getLogger(__name__)
SAMPLES = 16  # test images kept with the run: for prediction and export checks
MAY_CHANGE = ("runs_dir", "data_dir", "strategy", "jit_compile", "checkpoint_minutes")


def train(
    config: TrainConfig | None = None,
    *,
    resume: bool = False,
    job: TrainingJob | None = None,
    epochs: range | None = None,
    callbacks: Sequence = (),
) -> RunFolder:
    """Train a classifier and write everything about it to `runs/<name>/`.

    `config.yaml`, `metrics.csv`, `checkpoints/`, `best.keras` (smallest loss
    on the validation images), `card.json`, `report.html`, `plots/`, `samples/` (test
    images), `tensorboard/`, `log.txt`.

    Args:
        config: What and how; `None` trains the small variant on digits.
        resume: Whether to go on with the run of this name, if there is one: it
            ends as if it had never stopped.
        job: This configuration, if it is prepared already.
        epochs: Epochs to train, such as `range(3)`, on the schedule of all; by
            default all.
        callbacks: Further callbacks of Keras.

    Returns:
        The run's folder; its card holds the accuracy on the test images.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
        Interrupted: If a signal stopped the run, which can go on.
        TrainingError: If the loss is no number any more.
        ResourceError: If memory or disk are too small, or another process trains
            in this run's folder.
    """
    config = config or TrainConfig()
    replicas = Replicas(make_strategy(config.strategy))
    if not config.name and (resume or replicas.is_multiworker):
        raise UsageError(
            "A run that goes on, or that workers share, is found by its name. Give "
            "--name, or --config runs/<name>/config.yaml."
        )
    with ExitStack() as stack:
        stop = StopSignals()
        stack.enter_context(stop.heard())
        run = _find_run(config) if resume else None
        if run and replicas.is_chief:
            stack.enter_context(locked(run))
        if run:
            config = _as_begun(run, config)
            if run.card.is_file():
                log.info("run %s is finished", run.path)
                return run
        _refuse_auto(config, replicas)
        range_test = None
        if job is None:
            with memory_errors(config):
                config, range_test = settle(config)
                job = prepare(config, replicas)
        is_new = run is None
        if not replicas.is_chief:
            run = run or RunFolder.named(config.runs_dir, config.name)
        elif is_new:
            run = create_run(config.runs_dir, config.name, config.data, resume=resume)
            stack.enter_context(locked(run))
        if replicas.is_chief:
            stack.enter_context(_log_file(run.log))
            log.info("run %s%s", run.path, "" if is_new else " goes on")
            _describe(job)
            if is_new:
                _write_inputs(run, job, range_test)
        try:
            with stop.noted():
                metrics = fit(run, job, stop, epochs, callbacks)
            if replicas.is_chief:
                _conclude(run, job, metrics)
        except (Interrupted, KeyboardInterrupt):
            raise Interrupted(stop.signal, _how_to_go_on(run)) from None
    return run


def _find_run(config):
    run = RunFolder.named(config.runs_dir, config.name)
    return run if run.config.is_file() else None


def _how_to_go_on(run):
    return (
        f"stopped; checkpoints are in {run.checkpoints}. Go on with: "
        f"swin-keras train --config {shlex.quote(str(run.config))} --resume"
    )


def _as_begun(run, config):
    """Return the options a run began with, with what may change taken from new ones.

    Raises:
        UsageError: If other options changed.
    """
    before = TrainConfig.from_dict(yaml.safe_load(run.config.read_text("utf-8")))
    pairs = {
        field.name: (getattr(before, field.name), getattr(config, field.name))
        for field in dataclasses.fields(TrainConfig)
    }
    changed = [
        f"{name} was {was!r} and is {now!r}"
        for name, (was, now) in pairs.items()
        if name not in MAY_CHANGE and was != now and now != "auto"
    ]
    if changed:
        raise UsageError(
            f"A run goes on with the options it began with: {'; '.join(changed)}. "
            f"Use --config {run.config} --resume, or another --name."
        )
    return dataclasses.replace(
        before, **{name: getattr(config, name) for name in MAY_CHANGE}
    )


def _refuse_auto(config, replicas):
    autos = [n for n in ("batch_size", "learning_rate") if getattr(config, n) == "auto"]
    if autos and replicas.is_multiworker:
        raise UsageError(
            f"Workers must agree on {' and '.join(autos)}, which is 'auto'. Find it in "
            "one process with --dry-run, then give the number."
        )


def _describe(job):
    for note in job.dataset.notes:
        log.info("data: %s", note)
    for path, reason in job.dataset.skipped:
        log.info("data: skipped %s (%s)", path, reason)
    counts = ", ".join(f"{len(s)} {name}" for name, s in job.dataset.splits.items())
    log.info(
        "%s with %d classes (%s images); %s at %d x %d x %d, %s parameters%s",
        *(job.dataset.name, job.dataset.classes, counts, job.config.model),
        *job.model_config.input_shape,
        f"{job.model.count_params():,}",
        f", on {job.replicas.count} devices" if job.replicas.count > 1 else "",
    )


def _write_inputs(run, job, range_test):
    run.plots.mkdir(exist_ok=True)
    if range_test:
        picture = run.plots / "learning_rate.png"
        chosen = range_test.chosen
        plot_lr_range(range_test.rates, range_test.losses, chosen, picture)
    images, labels = job.first_images()
    names = [job.dataset.class_names[label] for label in labels]
    plot_images(images, names, run.plots / "training_images.png")
    if not run.samples.exists():
        extract(job.dataset, run.samples, count=SAMPLES, split="test")
    config = dataclasses.replace(job.config, name=run.name)
    write_text(run.config, config.to_yaml())  # last: from now on the run can go on


def _conclude(run, job, training):
    """Judge the best model on the test images; draw the curves."""
    plot_curves(run.metrics, run.plots / "curves.png")
    predictor = Predictor(run.best_model)
    result = evaluate_dataset(predictor, job.dataset)
    plot_confusion_matrix(
        result.confusion, job.dataset.class_names, run.plots / "confusion_matrix.png"
    )
    metrics = predictor.card.metrics | {
        "test_accuracy": result.accuracy,
        "seconds": round(training.seconds, 1),
    }
    card = job.card(run.name, metrics)
    write_report(
        run.report,
        RunReport(
            card=card,
            evaluation=result,
            dataset=job.dataset,
            metrics=run.metrics,
            parameters=job.model.count_params(),
            defaults=dataclasses.asdict(TrainConfig()),
        ),
    )
    write_text(run.card, card.to_json())  # last: it says that the run is finished
    log.info(
        "test accuracy %.2f %% on %d images after %.0f s, best epoch %d: %s",
        *(100 * result.accuracy, result.images, training.seconds, metrics["epoch"]),
        run.path,
    )


@contextmanager
def _log_file(path):
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(PlainFormatter("%(asctime)s %(message)s"))
    logger = logging.getLogger("swin_keras")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
