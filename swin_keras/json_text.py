"""JSON that every reader takes."""

import json
import math


def to_json(values, indent: int | None = 2) -> str:
    """Return plain values as JSON; NaN and infinity, which JSON lacks, are null.

    >>> to_json({"loss": float("nan"), "steps": [1, 2]}, indent=None)
    '{"loss": null, "steps": [1, 2]}'
    """
    return json.dumps(_finite(values), indent=indent, allow_nan=False)


def _finite(values):
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values
