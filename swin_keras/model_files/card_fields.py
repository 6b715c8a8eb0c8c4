"""What each field of a card must be, when the card comes from outside."""

import re

from swin_keras.names import check_name, is_printable

DEEPEST = 10  # levels; our own cards have four
LARGEST_SIDE = 100_000  # pixels
LARGEST = 1 << 63  # of whole numbers: larger ones have no float
FIGURES = (  # of a check, which tables show with so many digits
    "megabytes",
    "difference",
    "sqnr",
    "agreement",
    "score",
    "latency_ms",
)


def require_fields(values: dict):
    """Refuse fields of a card that are not what they must be.

    Args:
        values: Some fields of a `ModelCard`, as JSON has them.

    Raises:
        ValueError: That names the first such field, and what it must be.
    """
    for field, (holds, words) in RULES.items():
        if field not in values:
            continue
        if _depth_exceeds(values[field], DEEPEST):
            raise ValueError(f"`{field}` is nested too deeply")
        if not holds(values[field]):
            raise ValueError(f"`{field}` must be {words}, not {values[field]!r:.80}")
    check_name(values["name"], "`name`")


def _is_line(value):
    return isinstance(value, str) and is_printable(value)


def _is_text(value):
    return isinstance(value, str)


def _is_number(value):
    return isinstance(value, float) or (_is_whole(value) and abs(value) < LARGEST)


def _is_count(value):
    return _is_whole(value) and 0 <= value < LARGEST


def _is_whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _is_fraction(value):
    return _is_number(value) and 0 < value <= 1


def _is_mapping(value):
    return isinstance(value, dict)


def _are_lines(value):
    return isinstance(value, list) and all(map(_is_line, value))


def _is_model(value):
    return _is_mapping(value) and (
        "input_shape" not in value or _is_shape(value["input_shape"])
    )


def _is_shape(value):
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(side is None or _is_side(side) for side in value)
    )


def _is_size(value):
    return isinstance(value, list) and len(value) == 2 and all(map(_is_side, value))


def _is_side(value):
    return _is_count(value) and 1 <= value <= LARGEST_SIDE


def _are_shapes(value):
    return _is_mapping(value) and all(
        _is_line(name)
        and isinstance(shape, list)
        and all(side is None or _is_count(side) for side in shape)
        for name, shape in value.items()
    )


def _is_range(value):
    return value is None or (
        isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
    )


def _is_train(value):
    return (
        _is_mapping(value)
        and all(
            value.get(name) is None or _is_text(value[name])
            for name in ("data", "data_dir")
        )
        and _is_count(value.get("seed", 0))
    )


def _are_metrics(value):
    return _is_mapping(value) and all(
        _is_line(name) and (number is None or _is_number(number))
        for name, number in value.items()
    )


def _are_checks(value):
    return _is_mapping(value) and all(
        _is_line(form)
        and _is_mapping(check)
        and all(check.get(f) is None or _is_number(check[f]) for f in FIGURES)
        for form, check in value.items()
    )


def _are_files(value):
    return _is_mapping(value) and all(
        _is_mapping(file)
        and _is_count(file.get("bytes"))
        and isinstance(file.get("sha256"), str)
        and re.fullmatch("[0-9a-f]{64}", file["sha256"])
        for file in value.values()
    )


def _depth_exceeds(value, levels) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return not levels or any(_depth_exceeds(part, levels - 1) for part in value)


RULES = {
    "variant": (_is_line, "a name on one line"),
    "model": (_is_model, "sizes by name, with three whole numbers as `input_shape`"),
    "class_names": (_are_lines, "a list of names without control characters"),
    "task": (_is_line, "the name of a task"),
    "crop_fraction": (_is_fraction, "a number above 0 and at most 1"),
    "letter_box": (lambda value: isinstance(value, bool), "true or false"),
    "grey_range": (_is_range, "the values of black and white, or null"),
    "resized_to": (
        lambda value: value is None or _is_size(value),
        "a height and a width in pixels, or null",
    ),
    "normalizes": (lambda value: isinstance(value, bool), "true or false"),
    "outputs": (_are_shapes, "shapes by name"),
    "train": (_is_train, "options by name, with a text as `data`"),
    "data": (_is_mapping, "facts by name"),
    "metrics": (_are_metrics, "numbers by name"),
    "checks": (_are_checks, "figures by form"),
    "litert_batch_size": (_is_count, "a whole number"),
    "files": (_are_files, "`bytes` and `sha256` by file"),
    "command": (_is_text, "a text"),
    "versions": (_is_mapping, "versions by name"),
}
