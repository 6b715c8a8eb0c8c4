"""The parameters of a space: ranges and choices, read from a study's file."""

import json
import math
import sys
from dataclasses import dataclass

from swin_keras.errors import UsageError
from swin_keras.tuning.fields import check_field, check_value, takes_fractions

AUTO = ("batch_size", "learning_rate")  # which one run may find by itself
_RANGE, _CHOICE = {"min", "max", "step", "scale", "when"}, {"choices", "when"}


@dataclass(frozen=True)
class Range:
    """Numbers from one to another.

    Args:
        name: The field.
        low: The smallest.
        high: The largest; it belongs to the range.
        step: Distance between them, on a logarithmic scale their ratio; `None`
            for all numbers.
        is_log: Whether each order of magnitude is as likely.
        when: `(other parameter, its values)` under which this one counts.
    """

    name: str
    low: float
    high: float
    step: float | None = None
    is_log: bool = False
    when: tuple = ()

    def declare(self, hp):
        make = hp.Int if isinstance(self.low, int) else hp.Float
        scale, high = "log" if self.is_log else "linear", self.high
        if isinstance(high, float) and self.step is not None and not self.is_log:
            high += 1e-6 * self.step  # else `1 // 0.1`, which is 9, leaves the last out
        make(self.name, self.low, high, step=self.step, sampling=scale)

    def edits(self, value) -> dict:
        return {self.name: self._settled(value)}

    def _settled(self, value):
        """Return a number without what calculating it in steps has added."""
        if isinstance(self.low, int):  # a grid on a logarithmic scale is of floats
            return int(value)
        return value if self.step is None else float(f"{value:.12g}")

    @property
    def samples(self) -> list:
        """Values that stand for all: the smallest, and the largest that is reached."""
        if self.step is None:
            return [self.low, self.high]
        if self.is_log:
            steps = math.floor(math.log(self.high / self.low, self.step) + 1e-9)
            return [self.low, self._settled(self.low * self.step**steps)]
        steps = math.floor((self.high - self.low) / self.step + 1e-9)
        return [self.low, self._settled(self.low + steps * self.step)]


@dataclass(frozen=True)
class Choice:
    """One of several values, or one of several groups of fields.

    Args:
        name: The field, or any name for a choice between groups.
        options: What each choice changes, by its label: the value itself where all
            are numbers, else text.
        when: `(other parameter, its values)` under which this one counts.
    """

    name: str
    options: dict
    when: tuple = ()

    def declare(self, hp):
        hp.Choice(self.name, list(self.options))

    def edits(self, value) -> dict:
        return self.options[value]

    @property
    def samples(self) -> list:
        """Values that stand for all."""
        return list(self.options)


def read_parameter(name, values, known):
    """Read what a study's file says of one parameter.

    Args:
        name: Its name.
        values: A list of choices, or a mapping.
        known: The parameters before it, for its `when`.

    Raises:
        UsageError: If it cannot work; the message says why.
    """
    if name.startswith("tuner/"):
        raise UsageError(
            "Names that begin with tuner/ are KerasTuner's own: give the choice "
            f"another. Received: {name!r}."
        )
    given = {"choices": values} if isinstance(values, list) else values
    if not isinstance(given, dict):
        raise UsageError(
            f"`{name}` must be a list of choices, or a range with min and max. "
            f"Received: {values!r}."
        )
    expected = _CHOICE if "choices" in given else _RANGE
    unknown = [key for key in given if key not in expected]
    has_ends = given.get("min") is not None and given.get("max") is not None
    if unknown or not (has_ends or "choices" in given):
        raise UsageError(
            f"`{name}` must have min and max, and may have step, scale and when; or "
            f"choices, and may have when. Received: {given}."
        )
    when = _condition(name, given.get("when"), known)
    if "choices" in given:
        return Choice(name, _options(name, given["choices"]), when)
    return _range(name, given, when)


def _range(name, given, when):
    check_field(name)
    low, high, step = (_number(name, given.get(k)) for k in ("min", "max", "step"))
    if given.get("scale", "linear") not in ("linear", "log"):
        raise UsageError(
            f"The scale of `{name}` must be linear or log. Received: {given['scale']}."
        )
    is_log = given.get("scale") == "log"
    if takes_fractions(name):
        low, high = _fraction(name, low), _fraction(name, high)
        step = step and _fraction(name, step)
    check_value(name, low)
    check_value(name, high)
    check_value(name, step or low)
    if not low < high or not all(map(math.isfinite, (low, high))):
        raise UsageError(
            f"The range of `{name}` is empty: min must be less than max. Received: "
            f"min={low}, max={high}."
        )
    if is_log and low <= 0:
        raise UsageError(
            f"A range on a logarithmic scale begins above 0. Received: {name} from "
            f"{low}."
        )
    if step is not None and step <= (1 if is_log else 0):
        raise UsageError(
            f"The step of `{name}` must be more than {1 if is_log else 0}. Received: "
            f"{step}."
        )
    return Range(name, low, high, step, is_log, when)


def _number(name, value):
    if value is None or isinstance(value, int | float):
        return value
    raise UsageError(f"The range of `{name}` must be of numbers. Received: {value!r}.")


def _options(name, choices):
    if not choices or not isinstance(choices, list | dict):
        raise UsageError(f"`{name}` needs at least one choice. Received: {choices!r}.")
    if isinstance(choices, dict):
        for edits in choices.values():
            if not isinstance(edits, dict) or not edits:
                raise UsageError(
                    f"Each choice of `{name}` must name fields and their values. "
                    f"Received: {edits!r}."
                )
            _check_edits(edits)
        return {as_text(label): edits for label, edits in choices.items()}
    check_field(name)
    if takes_fractions(name):
        choices = [_fraction(name, c) if type(c) is int else c for c in choices]
    for value in choices:
        _check_edits({name: value})
    return {_label(value, choices): {name: value} for value in choices}


def _fraction(name, number):
    try:
        return float(number)
    except OverflowError:
        raise UsageError(
            f"A number of `{name}` is too large: at most {sys.float_info.max:.1e}. "
            f"Received: a number of {len(str(abs(number)))} digits."
        ) from None


def _check_edits(edits):
    for field, value in edits.items():
        check_field(field)
        check_value(field, value)
        if value == "auto" and field in AUTO:
            raise UsageError(
                f"A trial needs a number for `{field}`, which cannot be 'auto'."
            )


def _label(value, choices):
    """Return what KerasTuner calls a choice: numbers as they are, else text."""
    if all(type(choice) is type(choices[0]) for choice in choices) and isinstance(
        value, int | float
    ):
        return value if not isinstance(value, bool) else str(value).lower()
    return as_text(value)


def as_text(value) -> str:
    """Return text as it is, and what YAML takes for another value as JSON does."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def refuse_auto(config):
    """Refuse a base configuration of which some numbers would be found anew each time.

    Raises:
        UsageError: That names them.
    """
    autos = [name for name in AUTO if getattr(config, name) == "auto"]
    if autos:
        raise UsageError(
            f"A study compares with the same {' and '.join(autos)}, which cannot be "
            "'auto'. Give a number, or search it."
        )


def _condition(name, when, known):
    if when is None:
        return ()
    if not isinstance(when, dict) or len(when) != 1:
        raise UsageError(
            f"The `when` of `{name}` must name one other parameter and its values. "
            f"Received: {when!r}."
        )
    ((other, values),) = when.items()
    other = as_text(other)
    parent = known.get(other)
    if not isinstance(parent, Choice):
        raise UsageError(
            f"The `when` of `{name}` must name a choice that stands before it. "
            f"Received: {other!r}."
        )
    values = values if isinstance(values, list) else [values]
    edits = [{other: value} for value in values]
    labels = [
        text
        for text, change in parent.options.items()
        if change in edits or text in values or text in map(as_text, values)
    ]
    if len(labels) < len(values) or not values:
        raise UsageError(
            f"The `when` of `{name}` must be among the choices of `{other}`: "
            f"{', '.join(map(str, parent.options))}. Received: {values}."
        )
    return (other, labels)
