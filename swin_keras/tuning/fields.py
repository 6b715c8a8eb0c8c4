"""The fields that a space may change: their names, and the values they take."""

import dataclasses
import types
import typing

from swin_keras.errors import UsageError, nearest_name
from swin_keras.models import SwinConfig, SwinV2Config
from swin_keras.training.config import TrainConfig

SIZES = "sizes."
# What decides a study itself, or where and how a trial is kept.
_FIXED = {
    *("data", "data_dir", "preset", "sizes", "name", "runs_dir", "on_bad"),
    *("label_pattern", "grey_range", "follow_links"),
    *("strategy", "checkpoint_minutes", "tensorboard"),
}
_TRAIN = typing.get_type_hints(TrainConfig)
_SIZE = typing.get_type_hints(SwinConfig) | typing.get_type_hints(SwinV2Config)
_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def check_field(name: str):
    """Refuse a field that a space cannot change.

    Raises:
        UsageError: If there is none of this name; the message names the nearest.
    """
    if name not in tunable_fields():
        known = tunable_fields()
        raise UsageError(
            "A space is over options of training, or sizes of the model as "
            f"{SIZES}NAME. Received: {name!r}.{nearest_name(name, known)}"
        )


def tunable_fields() -> list[str]:
    """Return the names of all fields that a space may change."""
    train = [field.name for field in dataclasses.fields(TrainConfig)]
    return [name for name in train if name not in _FIXED] + [
        SIZES + name for name in _SIZE if name != "input_shape"
    ]


def check_value(name: str, value):
    """Refuse a value of another type than the field's.

    Raises:
        UsageError: That says what the field takes.
    """
    hint = _hint(name)
    if not _fits(value, hint):
        raise UsageError(f"`{name}` must be {_in_words(hint)}. Received: {value!r}.")


def check_options(options: dict):
    """Refuse options of training that are of another type, also within `sizes`."""
    for name, value in options.items():
        if name in _TRAIN:
            check_value(name, value)
    for name, value in (options.get("sizes") or {}).items():
        check_field(SIZES + name)
        check_value(SIZES + name, value)


def takes_fractions(name: str) -> bool:
    """Tell whether a field takes numbers that are not whole."""
    return float in _kinds(_hint(name))


def _hint(name):
    is_size = name.startswith(SIZES)
    return _SIZE[name.removeprefix(SIZES)] if is_size else _TRAIN[name]


def _kinds(hint):
    """Return the parts of `a | b | c`."""
    is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if is_union else (hint,)


def _fits(value, hint):
    kinds = _kinds(hint)
    return any(_is_of(value, kind) for kind in kinds)


def _is_of(value, kind):
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return value in typing.get_args(kind)
    if origin is tuple:
        first = typing.get_args(kind)[0]
        return isinstance(value, list | tuple) and all(_fits(v, first) for v in value)
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, origin or kind)


def _in_words(hint):
    words = []
    for kind in _kinds(hint):
        origin = typing.get_origin(kind)
        if origin is typing.Literal:
            words += map(str, typing.get_args(kind))
        elif origin is tuple:
            words.append("a list of " + _in_words(typing.get_args(kind)[0]))
        elif kind is not types.NoneType:
            words.append(_WORDS.get(kind, "a mapping"))
    return " or ".join(words)
