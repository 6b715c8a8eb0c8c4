"""The fields that a space may change: their names, and the values they take."""

from swin_keras.errors import UsageError, nearest_name
from swin_keras.models import SwinConfig, SwinV2Config
from swin_keras.options import check_type, kinds, type_hints
from swin_keras.training.config import TrainConfig

SIZE_PREFIX = "sizes."
# What decides a study itself, on which images, or where and how a trial is kept.
_FIXED = {
    "task",
    "data",
    "data_dir",
    "preset",
    "sizes",
    "name",
    "runs_dir",
    "on_bad",
    "label_pattern",
    "reduce_zero_label",
    "box_format",
    "grey_range",
    "follow_links",
    "val_fraction",
    "test_fraction",
    "seed",  # of the images that are held out, too
    "strategy",
    "checkpoint_minutes",
    "tensorboard",
    "restarts",
    "planned_ends",
    "lost",
    "deterministic",
    "workers",
    "compile_cache",
}
_TRAIN = type_hints(TrainConfig)
_SIZE = type_hints(SwinConfig) | type_hints(SwinV2Config)


def check_field(name: str):
    """Refuse a field that a space cannot change.

    Raises:
        UsageError: If there is none of this name; the message names the nearest.
    """
    if name in _FIXED and name != "sizes":
        raise UsageError(
            f"A space cannot be over `{name}`: what trials are judged on, and where "
            "they are kept, is the same for all. Give it in `train`, the base."
        )
    if name not in tunable_fields():
        known = tunable_fields()
        raise UsageError(
            "A space is over options of training, or sizes of the model as "
            f"{SIZE_PREFIX}NAME. Received: {name!r}.{nearest_name(name, known)}"
        )


def tunable_fields() -> list[str]:
    """Return the names of all fields that a space may change."""
    return [name for name in _TRAIN if name not in _FIXED] + [
        SIZE_PREFIX + name for name in _SIZE if name != "input_shape"
    ]


def check_value(name: str, value):
    """Refuse a value of another type than the field's.

    Raises:
        UsageError: That says what the field takes.
    """
    check_type(name, value, _hint(name))


def check_options(options: dict):
    """Refuse options of training that are of another type, also within `sizes`."""
    for name, value in options.items():
        if name in _TRAIN:
            check_value(name, value)
    for name, value in (options.get("sizes") or {}).items():
        check_field(SIZE_PREFIX + name)
        check_value(SIZE_PREFIX + name, value)


def takes_fractions(name: str) -> bool:
    """Return whether a field takes numbers that are not whole."""
    return float in kinds(_hint(name))


def _hint(name):
    is_size = name.startswith(SIZE_PREFIX)
    return _SIZE[name.removeprefix(SIZE_PREFIX)] if is_size else _TRAIN[name]
