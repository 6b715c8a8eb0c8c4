"""Options as people give them: names that there are, and values of the right type.

For dataclasses whose fields have type hints: `@named` refuses a name that is none,
and `settle_types`, first in `__post_init__`, a value that is of another type.
"""

import dataclasses
import functools
import os
import types
import typing

from swin_keras.errors import UsageError, nearest_name
from swin_keras.names import is_unicode

LARGEST = 1e300  # of numbers: whole ones can be too large to calculate with
_WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def named(cls):
    """Let a dataclass refuse names that are none of its fields, in words.

    Raises:
        UsageError: From the class, where a dataclass raises a bare TypeError.
    """
    begin = cls.__init__
    known = [field.name for field in dataclasses.fields(cls)]

    @functools.wraps(begin)
    def __init__(self, *args, **options):  # noqa: N807  it becomes the class'
        for name in options:
            if name not in known:
                raise UsageError(
                    f"There is no option {name!r} of {cls.__name__}."
                    f"{nearest_name(name, known)}"
                )
        begin(self, *args, **options)

    cls.__init__ = __init__
    return cls


def option_words(name: str, *values) -> list[str]:
    """Return an option as words of a command; a value may begin with a dash.

    >>> option_words("class-names", "cat", "dog")
    ['--class-names', 'cat', 'dog']
    >>> option_words("class-names", "-cat", "dog")
    ['--class-names=-cat', '--class-names=dog']
    """
    texts = [str(value) for value in values]
    if any(text.startswith("-") for text in texts):
        return [f"--{name}={text}" for text in texts]
    return [f"--{name}", *texts]


def require_unicode(option: str, value):
    """Refuse a value of an option that no file of text could hold.

    Raises:
        UsageError: If it stands for bytes that are not UTF-8.
    """
    if not is_unicode(str(value)):
        raise UsageError(
            f"`{option}` must have another name: {str(value)!r:.200} holds bytes that "
            "are not text (UTF-8)."
        )


def path_word(path) -> str:
    """Return a path as a word of a command, which no option is mistaken for.

    >>> path_word("-photos")
    './-photos'
    """
    return f"./{path}" if str(path).startswith("-") else str(path)


def settle_types(options):
    """Make values plain, and refuse those of another type than their field's.

    A path becomes text, a number of NumPy one of Python, a list a tuple where the
    field is one, and a tuple in a mapping a list, so that every value can be written
    down and is the same when it is read again.

    Args:
        options: A dataclass; changed in place, also if it is frozen.

    Raises:
        UsageError: That says what the field takes.
    """
    for name, hint in type_hints(type(options)).items():
        given = getattr(options, name)
        value = _plain(given, hint)
        check_type(name, value, hint)
        if value is not given:
            object.__setattr__(options, name, value)


@functools.cache
def type_hints(cls) -> dict:
    """Return the type hint of every field of a dataclass."""
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def check_type(name: str, value, hint):
    """Refuse a value of another type than its field's.

    Raises:
        UsageError: That says what the field takes, and names the nearest word.
    """
    if any(_is_of(value, kind) for kind in kinds(hint)):
        return
    words = [word for kind in kinds(hint) for word in _literals(kind)]
    nearest = nearest_name(value, words) if isinstance(value, str) else ""
    raise UsageError(
        f"`{name}` must be {_in_words(hint)}. Received: {value!r:.200}.{nearest}"
    )


def kinds(hint) -> tuple:
    """Return the parts of `a | b | c`."""
    is_union = typing.get_origin(hint) in (types.UnionType, typing.Union)
    return typing.get_args(hint) if is_union else (hint,)


def _plain(value, hint):
    if isinstance(value, os.PathLike) and str in kinds(hint):
        return os.fspath(value)
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass, such as an enumeration's
    if isinstance(value, dict):
        plain = {key: _plain(one, None) for key, one in value.items()}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()}
    if isinstance(value, list | tuple):
        takes_tuple = any(typing.get_origin(kind) is tuple for kind in kinds(hint))
        kind = tuple if takes_tuple else type(value)
        return kind(_plain(one, None) for one in value)
    is_number_of_numpy = hasattr(value, "item") and not getattr(value, "shape", True)
    return value.item() if is_number_of_numpy else value


def _is_of(value, kind):
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return any(type(value) is type(a) and value == a for a in typing.get_args(kind))
    if origin is tuple:
        return isinstance(value, list | tuple) and _fill(value, typing.get_args(kind))
    if kind is typing.Any:
        return True
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and abs(value) < LARGEST
    return isinstance(value, origin or kind)


def _fill(values, parts):
    """Return whether values fill `tuple[a, b]` or `tuple[a, ...]`."""
    if parts[1:] == (...,):
        parts = parts[:1] * len(values)
    return len(values) == len(parts) and all(
        any(_is_of(value, kind) for kind in kinds(part))
        for value, part in zip(values, parts, strict=True)
    )


def _literals(kind):
    is_literal = typing.get_origin(kind) is typing.Literal
    return [str(word) for word in typing.get_args(kind)] if is_literal else []


def _in_words(hint):
    words = []
    for kind in kinds(hint):
        origin = typing.get_origin(kind)
        if origin is tuple:
            first, *rest = typing.get_args(kind)
            count = "" if rest == [...] else f" of {1 + len(rest)}"
            words.append(f"a list{count}, each {_in_words(first)}")
        elif kind is not types.NoneType:
            words += _literals(kind) or [_WORDS.get(origin or kind, "a mapping")]
    return " or ".join(words)
