"""Recipes by name: what `TrainConfig` takes where an option is not given.

Learning rates are for 512 images a step and scale with the batch, as the
published ones do; those of "small" and "linear-probe" do not scale. Where a batch is
smaller because the data or the memory are, rates fall with its root only: few images
give few steps, and Adam's steps have the size of the rate.
"""

from typing import Literal

from swin_keras.errors import UsageError

Preset = Literal[
    "small",
    "published",
    "finetune",
    "linear-probe",
    "segment",
    "segment-small",
    "detect",
    "detect-small",
]

_SMALL = {
    # For images of about 32 pixels and minutes on a laptop.
    "epochs": 70,
    "batch_size": 64,
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "min_learning_rate": 0.0,
    "warmup_epochs": 5.0,
    "weight_decay": 0.05,
    "layer_decay": 1.0,
    "label_smoothing": 0.1,
    "clip_norm": 5.0,
    "schedule": "cosine",
    "scale_range": (0.5, 2.0),
    "ema_momentum": 0.0,
    "min_crop_area": 0.6,
    "crop_ratio": 1.2,
    "rotate": 15.0,
    "shift": 0.0,
    "rand_augment": 0.0,
    "erase": 0.0,
    "mixup": 0.2,
    "cutmix": 0.0,
    "crop_fraction": 1.0,
    "freeze_stages": 0,
    "monitor": "val_loss",
}

# Swin on ImageNet-1k from scratch, as the published code (not the paper, which
# names a clipping norm of 1): github.com/microsoft/Swin-Transformer, config.py.
_PUBLISHED = {
    **_SMALL,
    "epochs": 300,
    "batch_size": 1024,
    "learning_rate": 5e-4,
    "min_learning_rate": 5e-6,
    "warmup_epochs": 20.0,
    "min_crop_area": 0.08,
    "crop_ratio": 4 / 3,
    "rotate": 0.0,
    "rand_augment": 9.0,
    "erase": 0.25,
    "mixup": 0.8,
    "cutmix": 1.0,
    "crop_fraction": 0.875,
}

# Published weights on other classes. The rates are those with which the same
# code fine-tunes SimMIM's; fewer epochs and milder crops, since a user's own set
# is smaller than ImageNet and its objects are often framed.
_FINETUNE = {
    **_PUBLISHED,
    "epochs": 30,
    "batch_size": 64,
    "learning_rate": 1.25e-3,
    "min_learning_rate": 2.5e-7,
    "warmup_epochs": 5.0,
    "layer_decay": 0.8,
    "min_crop_area": 0.35,
}

# Only the classes' weights learn.
_LINEAR_PROBE = {
    **_SMALL,
    "epochs": 20,
    "batch_size": 128,
    "learning_rate": 3e-3,
    "warmup_epochs": 1.0,
    "weight_decay": 0.0,
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "min_crop_area": 0.5,
    "rotate": 0.0,
    "crop_fraction": 0.875,
    "freeze_stages": "all",
}

# Swin with UPerNet on ADE20K, as the published code for segmentation:
# github.com/SwinTransformer/Swin-Transformer-Semantic-Segmentation. It counts 160,000
# steps of 16 images, of which 1,500 warm up; a user's own set wants epochs.
_SEGMENT = {
    **_SMALL,
    "epochs": 100,
    "batch_size": 16,
    "learning_rate": 6e-5,
    "warmup_epochs": 1.0,
    "weight_decay": 0.01,
    "clip_norm": 0.0,
    "schedule": "linear",
    "label_smoothing": 0.0,
    "mixup": 0.0,
    "rotate": 0.0,
}

# From random weights, for images of about 100 pixels.
_SEGMENT_SMALL = {
    **_SEGMENT,
    "epochs": 30,
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "clip_norm": 5.0,
    "scale_range": (0.75, 1.5),
}

# Swin's detectors on COCO, as the published code for detection:
# github.com/SwinTransformer/Swin-Transformer-Object-Detection, its long schedule.
_DETECT = {
    **_SEGMENT,
    "epochs": 36,
    "learning_rate": 1e-4,
    "weight_decay": 0.05,
    "schedule": "cosine",
    "clip_norm": 5.0,
    "monitor": "val_map",  # the loss is mostly of a branch that is not exported
}

_DETECT_SMALL = {**_SEGMENT_SMALL, "schedule": "cosine", "monitor": "val_map"}

PRESETS = {
    "detect": _DETECT,
    "detect-small": _DETECT_SMALL,
    "segment": _SEGMENT,
    "segment-small": _SEGMENT_SMALL,
    "small": _SMALL,
    "published": _PUBLISHED,
    "finetune": _FINETUNE,
    "linear-probe": _LINEAR_PROBE,
}
OF_TASK = {"segment": "segment", "detect": "detect"}  # tasks with recipes of their own
SCALED = ("published", "finetune")  # whose rates are for 512 images
RATES = ("learning_rate", "min_learning_rate")


def default_preset(task: str, model: str, weights: str | None) -> str:
    """Return the preset of a run that names none.

    >>> default_preset("classify", "swin_tiny", None)
    'published'
    >>> default_preset("segment", "swin_nano", None)
    'segment-small'
    """
    if task in OF_TASK:
        is_small = model == "swin_nano" and weights is None
        return f"{OF_TASK[task]}-small" if is_small else OF_TASK[task]
    if weights is not None:
        return "finetune"
    return "small" if model == "swin_nano" else "published"


def check_preset(task: str, preset: str):
    """Refuse the preset of another task.

    Raises:
        UsageError: That names those of the task.
    """
    own = OF_TASK.get(task)
    fits = [
        name
        for name in PRESETS
        if (own and name.startswith(own))
        or not (own or name.startswith(tuple(OF_TASK.values())))
    ]
    if preset not in fits:
        raise UsageError(
            f"`preset` must be one for the task {task!r}: {', '.join(fits)}. "
            f"Received: {preset!r}."
        )


def preset_values(preset: str, batch_size: int | str | None = None) -> dict:
    """Return the values of a preset, its rates scaled to a batch size.

    Without a number for it, batch size and rates are `None`: they follow from the
    data; see `fitted_values`.
    """
    values = dict(PRESETS[preset])
    is_number = isinstance(batch_size, int)
    for name in RATES:
        values[name] = _rate(preset, name, batch_size) if is_number else None
    values["batch_size"] = batch_size
    return values


def fitted_values(preset: str, batch_size: int) -> dict:
    """Return a batch size below a preset's own, and the rates that go with it.

    >>> fitted_values("published", 64)["learning_rate"] * 4
    0.001
    """
    own = PRESETS[preset]["batch_size"]
    root = min(1.0, batch_size / own) ** 0.5
    rates = {name: root * _rate(preset, name, own) for name in RATES}
    return {"batch_size": batch_size, **rates}


def _rate(preset, name, batch_size):
    scale = batch_size / 512 if preset in SCALED else 1.0
    return PRESETS[preset][name] * scale
