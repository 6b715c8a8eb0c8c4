"""Labels from a table: a `.csv` of files and their classes."""

import csv
import io
import os
import re
from collections import defaultdict
from pathlib import Path

from swin_keras.data.class_names import problem_of
from swin_keras.data.image_file import open_file
from swin_keras.errors import DataError
from swin_keras.names import composed, printable

SEPARATORS = {".csv": ",", ".tsv": "\t"}
COLUMNS = {  # what a header may call them
    "file": ("file", "filename", "file_name", "path", "filepath", "image"),
    "label": ("label", "labels", "class", "classes", "class_name", "category", "tags"),
    "split": ("split", "set", "subset"),
}
SEVERAL = "[;|]"  # between the classes of an image that has several
MAX_PROBLEMS = 20
HEADER_HINT = " (if this row names the columns, call them file and label)"


def is_table(path: Path) -> bool:
    """Return whether a path is that of a table that exists, by its name."""
    return path.suffix.lower() in SEPARATORS and path.exists()


def read_table(
    path: Path, title_of, follow_links: bool = False, multi_label: bool = False
):
    """Return title -> class -> sorted paths below the table's folder.

    A row is a file, its label and perhaps its split. A header may name the columns
    and give them another order; without one, the first two count.

    Args:
        path: The table.
        title_of: Returns "train", "val" or "test" for a word, or `None`.
        follow_links: Whether files may lie out of the table's folder.
        multi_label: Whether a label may name several classes, "cat;dog", or none,
            which is the class "".

    Raises:
        DataError: If it is no such table. The message names the lines.
    """
    rows = list(_rows(path))
    _refuse_other_separators(path, rows)
    header = _columns(rows[0][1]) if rows else None
    columns = header or {"file": 0, "label": 1}
    if header:
        rows = rows[1:]
    if "split" not in columns:
        _refuse_unnamed_splits(path, rows, columns, title_of)
    splits, seen, problems = defaultdict(lambda: defaultdict(list)), {}, []
    root = os.path.realpath(path.parent)
    for line, cells in rows:
        try:
            title, labels, file = _read_row(cells, columns, title_of, multi_label)
            file = _below(root, path.parent, file, follow_links)
            if file in seen:
                raise ValueError(f"{file} stands in line {seen[file]} already")
        except ValueError as problem:
            may_be_header = header is None and cells is rows[0][1]
            problems.append(f"  line {line}: {problem}{HEADER_HINT * may_be_header}")
            continue
        seen[file] = line
        for label in labels:
            splits[title][label].append(file)
    if not multi_label:
        problems += _several_labels(splits)
    if problems or not seen:
        more = len(problems) - MAX_PROBLEMS
        lines = problems[:MAX_PROBLEMS] + [f"  ... and {more} more"] * (more > 0)
        raise DataError(
            f"{printable(path)} must have a file and its label in each row, such as "
            "cats/1.jpg,cat:\n" + ("\n".join(lines) or "  there are no rows")
        )
    return {
        title: {label: sorted(files) for label, files in classes.items()}
        for title, classes in splits.items()
    }


def _rows(path):
    """Yield the line and the cells of each row that is not empty."""
    try:
        with open_file(path) as file:
            text = file.read().decode("utf-8-sig")
        reader = csv.reader(
            io.StringIO(text, newline=""),  # other characters end no row
            delimiter=SEPARATORS[path.suffix.lower()],
            strict=True,
        )
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{printable(path)} cannot be read: {reason}.") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise DataError(
            f"{printable(path)} must be text in UTF-8. Line {line} is not."
        ) from error
    except csv.Error as error:
        raise DataError(
            f"{printable(path)} must be a table, as spreadsheets save it. "
            f"Line {reader.line_num}: {error}."
        ) from error


def _columns(cells):
    """Return name -> place of the columns if this row is a header, else `None`.

    Where two could be meant, such as "label" and "tags", the usual word is.
    """
    words = [cell.lower() for cell in cells]
    columns = {}
    for name, known in COLUMNS.items():
        places = [words.index(word) for word in known if word in words]
        if places:
            columns[name] = places[0]
    return columns if {"file", "label"} <= columns.keys() else None


def _refuse_other_separators(path, rows):
    """Refuse a table with one cell a row, if another separator makes several of it.

    Raises:
        DataError: That names it.
    """
    if any(len(cells) > 1 for _, cells in rows):
        return
    for separator in (";", "\t", ","):
        if rows and all(separator in cells[0] for _, cells in rows):
            wanted = SEPARATORS[path.suffix.lower()]
            raise DataError(
                f"{printable(path)} must have {wanted!r} between its cells. Received: "
                f"{separator!r} in every row. Save it as {path.suffix} anew."
            )


def _refuse_unnamed_splits(path, rows, columns, title_of):
    """Refuse a column that holds nothing but splits, and is not called so.

    Raises:
        DataError: That names its place.
    """
    width = min((len(cells) for _, cells in rows), default=0)
    for place in sorted(set(range(width)) - set(columns.values())):
        words = sorted({cells[place] for _, cells in rows})
        if all(map(title_of, words)):
            raise DataError(
                f"{printable(path)} must name its columns where it has splits, in a "
                "first row such as file,label,split. Received: column "
                f"{place + 1} holds {', '.join(words)}."
            )


def _read_row(cells, columns, title_of, multi_label):
    if len(cells) <= max(columns.values()):
        raise ValueError(
            f"must have {max(columns.values()) + 1} cells, has {len(cells)}"
        )
    # As the names of class folders, which systems write in different ways.
    label = composed(cells[columns["label"]])
    file = cells[columns["file"]]
    if not file:
        raise ValueError("names no file")
    labels = [label]
    if multi_label:
        parts = (part.strip() for part in re.split(SEVERAL, label))
        labels = sorted({part for part in parts if part})
    for label in labels:
        if problem := problem_of(label):
            raise ValueError(f"the label {label!r} {problem}")
    title = None
    if "split" in columns:
        title = title_of(cells[columns["split"]])
        if title is None:
            raise ValueError(
                f"the split {cells[columns['split']]!r} must be train, val or test"
            )
    return title, labels or [""], file


def _several_labels(splits):
    """Report which labels are several others in one, such as "cat;dog"."""
    labels = {label for classes in splits.values() for label in classes}
    parts = {label: re.split(SEVERAL, label) for label in sorted(labels)}
    several = [
        label
        for label, found in parts.items()
        if len(found) > 1 and any(part.strip() in labels for part in found)
    ]
    return [
        f"  {label!r} seems to name several classes: an image must have one, unless "
        "it may have several, with multi_label=True"
        for label in several
    ]


def _below(root, folder, file, follow_links):
    """Return a file's path below the folder, or outside of it if that may be."""
    full = os.path.join(folder, file)
    if not os.path.lexists(full):
        raise ValueError(f"there is no file {file!r}")
    target = os.path.realpath(full)
    if not (target.startswith(root.rstrip("/") + "/") or follow_links):
        raise ValueError(
            f"{file!r} lies out of the table's folder, which must be asked for: "
            "--follow-links true"
        )
    found = os.path.relpath(full, folder)
    if os.path.realpath(os.path.join(folder, found)) != target:  # a link is on the way
        real = os.path.realpath(os.path.dirname(full))
        found = os.path.relpath(os.path.join(real, os.path.basename(full)), root)
    return found
