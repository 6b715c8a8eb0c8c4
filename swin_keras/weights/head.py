"""Decides what becomes of a head: its rows follow the names of the classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.names import composed, some_names

NEW = -1


@dataclass(frozen=True)
class HeadRows:
    """Where the rows of a model's head come from.

    Args:
        words: One sentence for the report.
        rows: For each class of the model, its row in the file's head, or `NEW`.
    """

    words: str
    rows: np.ndarray

    def apply(self, given, own):
        """Put the file's rows into the model's own, `(classes, ...)`."""
        kept = self.rows != NEW
        own = np.array(own)
        own[kept] = given[self.rows[kept]]
        return own


def rows_by_position(given: int, wanted: int) -> HeadRows:
    """Take the head as it is, if it has as many classes; else none of it."""
    if given == wanted:
        return HeadRows("", np.arange(wanted))
    return HeadRows(
        f"head: new, for {wanted} classes instead of {given}; train it",
        np.full(wanted, NEW),
    )


def rows_by_name(given: Sequence[str], wanted: Sequence[str]) -> HeadRows:
    """Take the row of each class that the file has under the same name.

    >>> rows_by_name(["cat", "dog"], ["owl", "cat"]).words
    "head: 1 of the file's 2 classes kept, by name (cat); new: owl; train it"
    """
    given, wanted = (list(map(composed, names)) for names in (given, wanted))
    if given == wanted:
        return HeadRows("", np.arange(len(wanted)))
    # A name that stands for two classes says nothing about either.
    rows = np.array(
        [
            given.index(name) if given.count(name) == wanted.count(name) == 1 else NEW
            for name in wanted
        ]
    )
    kept = [name for name, row in zip(wanted, rows, strict=True) if row != NEW]
    new = [name for name, row in zip(wanted, rows, strict=True) if row == NEW]
    if not kept:
        words = (
            f"head: new; the file's classes are {some_names(given)}, the model's "
            f"{some_names(wanted)}; train it"
        )
    elif new:
        words = (
            f"head: {len(kept)} of the file's {len(given)} classes kept, by name "
            f"({some_names(kept)}); new: {some_names(new)}; train it"
        )
    elif len(kept) == len(given):
        words = f"head: its {len(given)} classes put in the model's order, by name"
    else:
        words = f"head: {len(kept)} of the file's {len(given)} classes, by name"
    return HeadRows(words, rows)


def check_names(source: str, given: Sequence[str], classes: int):
    """Refuse names of a file that are not as many as its head has classes.

    Raises:
        WeightsError: If they are not.
    """
    if given and len(given) != classes:
        raise WeightsError(
            f"{source} must name each of its {classes} classes. It names "
            f"{len(given)}. Say which rows to take by `head_rows`, or `new_head=True`."
        )
