"""YAML as people and this package write it, read without surprises."""

import re
from pathlib import Path

import yaml

from swin_keras.errors import UsageError
from swin_keras.names import printable

MAX_BYTES = 2**20
MAX_VALUES = 100_000  # once that aliases are written out
MAX_DEPTH = 50  # of values within others; each level slows the reader down
EXPONENT = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")  # YAML 1.2's numbers


class _Loader(yaml.SafeLoader):
    """Takes 1e-3 for a number, for which YAML 1.1 wants 1.0e-3."""


class _Dumper(yaml.SafeDumper):
    """Quotes text that `_Loader` would take for a number."""


for _side in (_Loader, _Dumper):
    _side.add_implicit_resolver("tag:yaml.org,2002:float", EXPONENT, "-+0123456789")


def read_yaml(path):
    """Return what a YAML file holds.

    Raises:
        UsageError: If it cannot be read, is not YAML, or is too large; also where few
            bytes stand for many, by aliases of aliases.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise UsageError(f"{path} must be a file.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} must be a file of options, under 1 MiB.")
        return _parse(path.read_text("utf-8"))
    except UsageError:
        raise
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise UsageError(
            "Options must stand in a YAML file that can be read. "
            f"{path}: {_reason(error)}."
        ) from error


def to_yaml(values) -> str:
    """Return plain values as `read_yaml` will read them, in their order."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False)


def can_be_read(text: str) -> bool:
    """Return whether `read_yaml` will take a text that is to be written."""
    try:
        _parse(text)
    except (UsageError, ValueError, RecursionError, yaml.YAMLError):
        return False
    return len(text.encode()) <= MAX_BYTES


def _parse(text: str):
    """Return what a YAML text holds.

    Raises:
        yaml.YAMLError: If it is not YAML, or stands for too many values.
    """
    _check_depth(text)
    node = yaml.compose(text, Loader=_Loader)
    if node is not None and _size(node, {}) > MAX_VALUES:
        raise yaml.YAMLError("its aliases stand for too many values")
    return yaml.load(text, Loader=_Loader)  # noqa: S506  a safe loader


def _check_depth(text):
    """Refuse deep nesting, over which PyYAML takes quadratic time, as it comes."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested too deep, over {MAX_DEPTH} levels")


def _reason(error) -> str:
    """Explain in a few words, and by line, why a file cannot be read."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    problem, mark = (getattr(error, name, None) for name in ("problem", "problem_mark"))
    if problem and mark:
        return f"{problem}, line {mark.line + 1}"
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return printable(reason[:200])


def _size(node, known):
    """Count the values below a node, those of an alias as often as it stands."""
    if id(node) not in known:
        known[id(node)] = MAX_VALUES  # of an alias within itself: without end
        parts = [] if isinstance(node, yaml.ScalarNode) else node.value
        if isinstance(node, yaml.MappingNode):
            parts = [one for pair in parts for one in pair]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
