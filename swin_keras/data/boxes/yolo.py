"""Read boxes from YOLO's text files: one a picture, one line an object."""

import posixpath
import re
from pathlib import Path, PurePosixPath

import numpy as np

from swin_keras.data.boxes.files import lines_of, read_yaml
from swin_keras.data.boxes.numbers import array_of, extent, integer, number
from swin_keras.data.boxes.pictures import PictureNames, by_folders
from swin_keras.data.boxes.records import Annotations, RawBoxes, no_boxes, unusable
from swin_keras.data.class_names import problems_of
from swin_keras.data.findings import Finding
from swin_keras.data.listing import SPLIT_NAMES
from swin_keras.data.walk import examples
from swin_keras.errors import DataError
from swin_keras.names import printable

FORMAT = "YOLO txt"
NAMES = ("classes.txt", "obj.names", "_darknet.labels")
BEYOND = 1.5  # as a share of the picture: no box that merely leaves it
MOST_CLASSES = 2**31


def label_file(picture: str, files: set[str]) -> str | None:
    """Return the text file of a picture: in `labels/` for `images/`, or beside it."""
    path = PurePosixPath(picture).with_suffix(".txt")
    parts = list(path.parts)
    if "images" in parts[:-1]:
        place = len(parts) - 1 - parts[::-1].index("images")
        parts[place] = "labels"
    return next((p for p in ("/".join(parts), str(path)) if p in files), None)


def label_files(files, pictures) -> list[str]:
    """Return the text files that are the labels of a picture."""
    texts = {f for f in files if PurePosixPath(f).name not in NAMES}
    return sorted({f for p in pictures if (f := label_file(p, texts))})


def names_file(root, files) -> str | None:
    """Return the file that names the classes, if there is one."""
    of_names = (f for f in files if PurePosixPath(f).name in NAMES)
    return next(iter(yolo_yamls(root, files)), None) or next(of_names, None)


def yolo_yamls(root, files) -> dict[str, dict]:
    """Return path -> content of the YAML files that name classes."""
    found = {}
    for path in filter(is_yaml, files):
        try:
            content = read_yaml(Path(root) / path)
        except DataError:  # of something else, perhaps; see `_class_names`
            continue
        if isinstance(content, dict) and "names" in content:
            found[path] = content
    return found


def is_yaml(path: str) -> bool:
    return path.lower().endswith((".yaml", ".yml"))


def read_yolo(root, files: list[str], pictures: PictureNames) -> Annotations:
    """Read text files, with the classes and splits of `data.yaml` where there is one.

    A line is a class, counted from 0, and the centre, width and height of a box as
    shares of the picture; or a class and the points of an outline. A picture with
    an empty file, or none, has no objects.

    Args:
        root: The folder.
        files: Text and YAML files below it.
        pictures: The pictures of the folder.

    Raises:
        DataError: If there are no names of classes, or no files for the pictures.
    """
    root, texts = Path(root), {f for f in files if f.lower().endswith(".txt")}
    yamls = yolo_yamls(root, files)
    if len(yamls) > 1:
        why = f"it holds several lists of classes: {examples(yamls)}"
        raise unusable(printable(root), why)
    path, options = next(iter(yamls.items()), (None, {}))
    class_names = _class_names(root, path, options, files)
    members, notes = _members(root, path, options, texts, pictures)
    label_of = {
        picture: label_file(picture, texts)
        for picture in [p for split in members.values() for p in split]
    }
    without = sum(label is None for label in label_of.values())
    if label_of and without == len(label_of):
        raise unusable(
            printable(root),
            f"none of {without} pictures has a file of labels: for images/a/1.jpg it "
            "is labels/a/1.txt, for a/1.jpg in no folder of that name a/1.txt",
        )
    if without:
        notes.append(f"Pictures without a file of labels, so no objects: {without}.")
    unused = texts.difference(label_of.values())
    if unused := [f for f in unused if "/labels/" in f"/{f}"]:
        notes.append(f"{len(unused)} labels of no picture: {examples(unused)}.")
    splits, findings = {}, []
    for title, of_split in members.items():
        parts = [_read(root, picture, label_of[picture]) for picture in of_split]
        splits[title] = [record for record, _ in parts]
        findings += [finding for _, found in parts for finding in found]
    if _counts_from_one(splits, len(class_names)):
        notes.append(
            f"No box is of class 0 and some are of class {len(class_names)}: ids must "
            "count from 0, these seem to count from 1."
        )
    return Annotations(
        FORMAT,
        class_names,
        splits,
        tuple(range(len(class_names))),
        tuple(findings),
        tuple(notes),
    )


def _class_names(root, path, options, files) -> tuple[str, ...]:
    """Return the names in `data.yaml` or in a text file of one a line."""
    if path is None:
        path = next((f for f in files if PurePosixPath(f).name in NAMES), None)
        if path is None:
            for damaged in filter(is_yaml, files):
                read_yaml(root / damaged)  # says what is wrong with it
            raise unusable(
                printable(root),
                "text files of boxes need the names of their classes, in a data.yaml "
                "with `names: [cat, dog]` or in a classes.txt with one a line",
            )
        names = [line for _, line in lines_of(root / path)]
    else:
        names = options["names"]
    if isinstance(names, dict):
        if sorted(map(repr, names)) != sorted(map(repr, range(len(names)))):
            why = f"its names must count from 0 without gaps, not {list(names)!r:.100}"
            raise unusable(printable(path), why)
        names = [names[place] for place in range(len(names))]
    if not isinstance(names, list) or not names:
        raise unusable(printable(path), f"its names must be a list, not {names!r:.100}")
    names = [str(n) if type(n) in (int, float) else n for n in names]
    problems = problems_of(names)
    if len(set(map(str, names))) < len(names):
        problems.append("Two classes have the same name.")
    if options.get("nc", len(names)) != len(names):
        problems.append(f"It names {len(names)} classes, but nc is {options['nc']!r}.")
    if problems:
        raise DataError(
            f"{printable(path)} cannot be used:\n  " + "\n  ".join(problems[:20])
        )
    return tuple(names)


def _members(root, path, options, texts, pictures):
    """Return title -> pictures of each split, and notes."""
    by_title, notes = {}, []
    for title, keys in SPLIT_NAMES.items():
        key = next((key for key in keys if options.get(key)), None)
        if key is None:
            continue
        places = options[key] if isinstance(options[key], list) else [options[key]]
        found = set()
        for place in places:
            found |= _pictures_at(root, path, options, place, texts, pictures, title)
        if found:
            by_title[title] = sorted(found)
        else:
            where = f"{key}, {options[key]!r:.100}"
            notes.append(f"{printable(path)}: {where}, is not in the folder.")
    if not by_title:
        by_title, more = by_folders(pictures.paths, str)
        return by_title, notes + more
    if "train" not in by_title:
        raise unusable(printable(path), notes[0] if notes else "it has no train")
    left = len(pictures.paths) - len(set().union(*by_title.values()))
    notes += [f"Pictures in no split, left out: {left}."] * bool(left)
    return by_title, notes


def _pictures_at(root, path, options, place, texts, pictures, title) -> set[str]:
    """Return the pictures in a folder or a list that `data.yaml` names."""
    for where in _candidates(path, options.get("path"), place):
        inside = f"{where}/" if where != "." else ""
        found = {picture for picture in pictures.paths if picture.startswith(inside)}
        if found and where not in texts:
            return found
        if where in texts:
            listed = (line for _, line in lines_of(root / where))
            return {_listed(pictures, line, where, title) for line in listed} - {None}
    return set()


def _candidates(path, base, place):
    """Yield what a place may be below the folder, never one that leads out of it.

    Tools write places that were right somewhere else: "../train/images".
    """
    here = posixpath.dirname(path)
    if not isinstance(place, str):
        return
    inner = re.sub(r"^(\.\.?/)+", "", place)
    bases = [base] * isinstance(base, str) + [""]
    for start, end in [*((b, place) for b in bases), ("", inner)]:
        where = posixpath.normpath(posixpath.join(here, start, end))
        if not where.startswith(("/", "..")):
            yield where


def _listed(pictures, line, where, title):
    try:
        return pictures.find(re.sub(r"^(\.\.?/)+", "", line), where, title)
    except ValueError:
        return None


def _read(root, picture, label) -> tuple[RawBoxes, list[Finding]]:
    classes, boxes, findings = [], [], []
    try:
        lines = list(lines_of(root / label)) if label else []
    except DataError as error:
        return RawBoxes(picture, no_boxes(), np.zeros(0, np.int64)), [
            Finding("error", "damaged", printable(label), str(error))
        ]
    for line, text in lines:
        try:
            class_id, box = _object(text.split())
        except ValueError as problem:
            detail = f"line {line}, {text!r:.100}, {problem}"
            findings.append(Finding("error", "no such line", printable(label), detail))
        else:
            classes.append(class_id)
            boxes.append(box)
    classes = np.array(classes, np.int64)
    return RawBoxes(picture, array_of(boxes), classes, relative=True), findings


def _object(words) -> tuple[int, list[float]]:
    class_id, values = integer(words[0]), [number(word) for word in words[1:]]
    if class_id is None or abs(class_id) > MOST_CLASSES:
        raise ValueError("must begin with the number of a class")
    if len(values) != 4 and (len(values) < 6 or len(values) % 2):
        raise ValueError("must have a class and four numbers, or points of an outline")
    if max(map(abs, values)) > BEYOND:
        raise ValueError("must have shares of the picture, between 0 and 1")
    if len(values) > 4:
        return class_id, extent(list(zip(values[::2], values[1::2], strict=True)))
    x, y, width, height = values
    return class_id, [x - width / 2, y - height / 2, x + width / 2, y + height / 2]


def _counts_from_one(splits, count) -> bool:
    classes = [record.classes for split in splits.values() for record in split]
    classes = np.concatenate(classes) if classes else np.zeros(0)
    return bool(len(classes) and classes.min() == 1 and classes.max() == count)
