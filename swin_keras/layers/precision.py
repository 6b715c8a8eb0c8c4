"""Where half of the digits are too few."""


def full_precision(compute_dtype: str) -> str:
    """Return the dtype of what must be exact whatever a layer computes in.

    Scores, softmax and cosines are float32 under any policy with fewer digits.

    >>> full_precision("bfloat16"), full_precision("float64")
    ('float32', 'float64')
    """
    return "float64" if compute_dtype == "float64" else "float32"
