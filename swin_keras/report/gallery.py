"""Which pictures of a split are worth a look."""

import numpy as np

SHOWN = 6  # pictures of each kind
MAX_ROWS = 30  # of a table of classes


def best_median_worst(shares: np.ndarray, count: int):
    """Yield a title and indices for the worst, the median and the best pictures.

    Args:
        shares: How well each picture went; `nan` for those left out.
        count: Pictures of each kind; fewer where there are not so many.

    Example:

    >>> [indices for _, indices in best_median_worst(np.array([0.3, 0.1, 0.2]), 1)]
    [[1], [2], [0]]
    """
    order = [
        int(i) for i in np.argsort(shares, kind="stable") if shares[i] == shares[i]
    ]
    middle = max(0, len(order) // 2 - count // 2)
    yield "Worst", order[:count]
    yield "Median", order[middle : middle + count]
    yield "Best", order[::-1][:count]


def lowest(values):
    """Return all places in order, or of too many those of the lowest values."""
    if len(values) <= MAX_ROWS:
        return range(len(values))
    return np.argsort(values, kind="stable")[:MAX_ROWS]  # nan comes last


def table_of_classes(evaluation, figures) -> dict:
    """Return an evaluation's table for the page: of many classes, the worst.

    Rows that are of no class come after them.

    Args:
        evaluation: The task's, whose rows begin with one for each class.
        figures: How well each class went; `nan` where it cannot be told.
    """
    columns, *rows = evaluation.table()
    shown = lowest(figures)
    return {
        "columns": columns,
        "rows": [rows[place] for place in shown] + rows[len(figures) :],
        "classes_shown": len(shown),
        "left_out": len(figures) - len(shown),
    }
