"""Shares that may be undefined: `nan`, in words a dash, in JSON null."""

import numpy as np


def mean_of_known(values) -> float:
    """Return the mean of the values that are defined; `nan` if none is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


def percent(value, digits: int = 1) -> str:
    """Return a share in percent; a dash where it is not defined.

    >>> percent(0.25), percent(float("nan")), percent(None)
    ('25.0%', '-', '-')
    """
    return "-" if value is None or value != value else f"{value:.{digits}%}"


def or_none(value) -> float | None:
    """Return a number for JSON, which has no `nan`."""
    return None if np.isnan(value) else float(value)
