"""What a run is, in a few lines: its data, its model, and why these numbers."""

import platform

from swin_keras.distillation.stored_answers import bytes_needed
from swin_keras.model_files import installed_versions
from swin_keras.models import variant_config
from swin_keras.names import printable
from swin_keras.scores.best_epoch import better_row, is_best
from swin_keras.screen import counted
from swin_keras.training.devices import device_names
from swin_keras.training.job import TrainingJob
from swin_keras.training.presets import PRESETS, fitted_values
from swin_keras.training.recipe import warmup_steps

FEW = 10_000  # training images, below which random weights are a poor beginning
MAX_NAMES = 5  # of files that were left out


def describe(job: TrainingJob) -> list[str]:
    """Return lines that say what is trained on what, and how that was chosen."""
    return [
        f"versions    {_versions()}",
        f"device      {device_names(job.replicas)}",
        f"data        {printable(job.dataset.name)}: {job.dataset.classes} classes "
        f"({', '.join(f'{len(s)} {n}' for n, s in job.dataset.splits.items())} images)",
        *_unlabelled(job),
        *(f"            {note}" for note in job.dataset.notes),
        *_skipped(job.dataset.skipped),
        f"model       {job.config.model} at {_size(job.model_config.input_shape)}, "
        f"{job.model.count_params():,} parameters{_beginning(job.config)}",
        f"            image size: {_why_this_size(job)}",
        *_teacher(job),
        f"steps       {job.steps} an epoch, {counted(job.config.epochs, 'epoch')}, "
        f"{counted(job.config.batch_size, 'image')} each{_devices(job.replicas)}; "
        f"preset {job.config.preset}, learning rate {job.config.learning_rate:.2g}",
        *_why_this_batch(job),
        *_shorter_warmup(job),
        *_advice(job),
    ]


def _versions():
    found = ", ".join(f"{name} {of}" for name, of in installed_versions().items())
    return f"{found}; {platform.platform()}"


def _unlabelled(job):
    images = job.dataset.unlabelled
    if images is not None:
        yield (
            f"            and {counted(len(images), 'image')} without labels in "
            f"{printable(job.config.unlabelled)}, which the teacher alone teaches"
        )


def _teacher(job):
    config = job.config
    if config.teacher is None:
        return
    how = f"{config.distillation}, weight {config.teacher_weight:g}"
    if job.teacher is None:
        yield f"teacher     {printable(config.teacher)}: {how}"
        return
    images = job.steps * config.batch_size * config.epochs
    size = bytes_needed(images, job.dataset.classes)
    stored = "not stored: --teacher-cache FOLDER"
    if config.teacher_cache is not None:
        stored = f"stored in {printable(config.teacher_cache)}"
    yield (
        f"teacher     {printable(config.teacher)} ({job.teacher.predictor.form}): "
        f"{how}, temperature {config.temperature:g}"
    )
    yield f"            {size / 1e6:,.1f} MB of answers in all epochs, {stored}"


def _skipped(skipped):
    if not skipped:
        return
    yield f"            {len(skipped)} files were left out:"
    for path, reason in skipped[:MAX_NAMES]:
        yield f"            {printable(path)} ({printable(reason)})"
    if len(skipped) > MAX_NAMES:
        yield "            ..."


def _size(shape):
    return " x ".join(map(str, shape))


def _beginning(config):
    return f", from {config.weights}" if config.weights else ", from random weights"


def _devices(replicas):
    return f" on {replicas.count} devices" if replicas.count > 1 else ""


def _why_this_size(job):
    if job.config.image_size is not None or "input_shape" in job.config.sizes:
        return "as given"
    own = variant_config(job.config.model).input_shape[:2]
    if job.model_config.input_shape[:2] == own:
        return "the variant's own; --image-size changes it"
    images = job.dataset.image_shape[:2]
    if job.model_config.input_shape[:2] == images:
        return "that of the images; --image-size changes it"
    if None in images:
        return "as many pictures have, to 512; --image-size changes it"
    return f"the images have {_size(images)}; --image-size changes it"


def _why_this_batch(job):
    """Report where batch and rate are not the preset's, but what the data can fill."""
    config = job.config
    preset = PRESETS[config.preset]["batch_size"]
    fitted = fitted_values(config.preset, config.batch_size)
    if config.batch_size >= preset or config.learning_rate != fitted["learning_rate"]:
        return
    usual = fitted_values(config.preset, preset)["learning_rate"]
    yield (
        f"            fewer images a step than the preset's {preset}, at {usual:.2g}: "
        f"what {len(job.dataset.training)} images and the memory can fill"
    )


def _shorter_warmup(job):
    """Report a warm-up that is cut to its share of the run."""
    config = job.config
    epochs = config.epochs - max(config.restarts, default=0)
    steps = warmup_steps(config, epochs, job.steps)
    if steps < round(config.warmup_epochs * job.steps):
        asked = config.warmup_epochs
        epochs_asked = "1 epoch" if asked == 1 else f"{asked:g} epochs"
        yield (
            f"            warm-up: {counted(steps, 'step')}, a fifth of the run, "
            f"instead of {epochs_asked}"
        )


def _advice(job):
    images = len(job.dataset.splits["train"])
    if job.config.preset != "published" or job.config.weights or images >= FEW:
        return
    yield (
        f"advice      {images:,} images are few to train from random weights. With "
        "published weights a hundred a class can do: --weights; see docs/weights.md"
    )


def why_kept(rows, kept, monitor: str, monitors) -> str:
    """Report which epoch a run keeps, and what another choice would have kept.

    Args:
        rows: Figures of each epoch, as in `metrics.csv`.
        kept: Those of the kept epoch, with its number from 1.
        monitor: Why.
        monitors: Why it could have been, with the words for each.
    """
    why = f", which had {monitors[monitor]}" if is_best(kept, rows, monitor) else ""
    figures = _figures(kept, monitors)
    text = f"kept epoch {kept['epoch']:.0f} of {len(rows)}{why}: {figures}"
    for name in monitors:
        better = better_row(kept, rows, name)
        if better is not None:
            text += (
                f". Epoch {better['epoch'] + 1:.0f} had {monitors[name]}: "
                f"{_figures(better, monitors)}; "
            )
            text += (
                "its model was lost"
                if name == monitor
                else f"--monitor {name} would keep that one"
            )
    return text


def _figures(row, monitors):
    return ", ".join(
        f"{name} {row[name]:.4f}" if name == "val_loss" else f"{name} {row[name]:.2%}"
        for name in monitors
        if name in row
    )
