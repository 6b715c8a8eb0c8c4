"""Which classes the values or colours of masks stand for."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.data.class_names import problem_of
from swin_keras.data.image_file import open_file
from swin_keras.errors import DataError
from swin_keras.masks import IGNORED
from swin_keras.names import composed, printable

NAMES = ("classes.txt", "class_names.txt", "labels.txt")  # one name a line
COLOURS = ("classes.csv", "class_dict.csv", "colors.csv")  # name, r, g, b
CVAT = "labelmap.txt"  # name:r,g,b:parts:actions
NO_CLASSES = {"ignore", "ignored", "unlabeled", "unlabelled", "void"}
MAX_BYTES = 2**20


@dataclass(frozen=True)
class ClassTable:
    """Names of the values of masks, and perhaps their colours.

    A name such as "void" is not a class: its pixels are ignored.

    Args:
        file: Where they come from, for messages.
        rows: Names in the order of their values.
        colours: RGB of each, or `None` where masks hold values.
    """

    file: str
    rows: tuple[str, ...]
    colours: tuple[tuple[int, int, int], ...] | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the names that are classes."""
        return tuple(name for name in self.rows if not _is_no_class(name))

    @property
    def classes(self) -> np.ndarray:
        """Return the class of each row, `IGNORED` for none: uint8."""
        places = {name: place for place, name in enumerate(self.class_names)}
        return np.array([places.get(name, IGNORED) for name in self.rows], np.uint8)


def find_table(root: Path) -> ClassTable | None:
    """Read the classes that a folder names, or return `None` where it names none.

    That is a `classes.txt` of one name a line, a `classes.csv` of name, r, g, b, or
    CVAT's `labelmap.txt`.

    Raises:
        DataError: If the file cannot be used.
    """
    for name in (*COLOURS, CVAT, *NAMES):
        path = root / name
        if path.is_file():
            return _read(path)
    return None


def _read(path):
    lines = [line for line in _text(path).splitlines() if line.strip()]
    if path.name in COLOURS:
        rows = [_colour_row(path, cells) for cells in _cells(path, lines)]
    elif path.name == CVAT:
        lines = [line for line in lines if not line.lstrip().startswith("#")]
        rows = [_colour_row(path, re.split("[:,]", line)[:4]) for line in lines]
    else:
        rows = [(line.strip(), None) for line in lines]
    names = [composed(name) for name, _ in rows]
    colours = [colour for _, colour in rows]
    file = printable(path)
    for name in names:
        if problem := problem_of(name):
            raise DataError(f"{file}: the class {name!r:.100} {problem}.")
    for what, values in (("name", names), ("colour", [c for c in colours if c])):
        twice = next((v for v in values if values.count(v) > 1), None)
        if twice is not None:
            raise DataError(f"{file}: two classes have the {what} {twice}.")
    has_colours = any(colours)
    table = ClassTable(file, tuple(names), tuple(colours) if has_colours else None)
    count = len(table.class_names)
    if not count or len(names) > IGNORED:
        raise DataError(
            f"{file} must name 1 to {IGNORED} classes. "
            f"Received: {count if not count else len(names)}."
        )
    return table


def _text(path):
    try:
        with open_file(path) as file:
            return file.read(MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{printable(path)} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{printable(path)} must be text in UTF-8.") from error


def _cells(path, lines):
    rows = list(csv.reader(lines, skipinitialspace=True))
    if rows and len(rows[0]) >= 4 and not rows[0][1].strip().isdecimal():
        rows = rows[1:]  # a header
    return rows


def _colour_row(path, cells):
    name, *colour = [cell.strip() for cell in cells]
    values = [int(cell) for cell in colour if cell.isdecimal() and int(cell) < 256]
    if len(values) != 3 or len(colour) != 3:
        raise DataError(
            f"{printable(path)} must have rows such as road,128,64,128: a name and "
            f"its red, green and blue, 0 to 255. Received: {','.join(cells)!r:.100}."
        )
    return name, tuple(values)


def _is_no_class(name):
    return name.lower() in NO_CLASSES
