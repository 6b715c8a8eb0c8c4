"""Read boxes from YOLO's text files: one a picture, one line an object."""

from pathlib import Path, PurePosixPath

import numpy as np

from swin_keras.data.boxes.files import lines_of
from swin_keras.data.boxes.numbers import array_of, extent, integer, number
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.data.boxes.records import Annotations, RawBoxes, unusable
from swin_keras.data.boxes.yolo_yaml import (
    NAMES,
    class_names_of,
    keypoints_of,
    members_of,
    yolo_yamls,
)
from swin_keras.data.findings import Finding
from swin_keras.data.walk import examples
from swin_keras.errors import DataError
from swin_keras.names import composed, printable

FORMAT = "YOLO txt"
BEYOND = 1.5  # as a share of the picture: no box that merely leaves it
MAX_CLASSES = 2**31


def labels_of(pictures, files) -> dict[str, str | None]:
    """Return picture -> its text file: in `labels/` for `images/`, or beside it.

    How a letter with an accent is stored and how ".txt" is written mean nothing.
    """
    texts = {composed(_as_text(file)): file for file in files}
    found = {}
    for picture in pictures:
        path = composed(_as_text(picture))
        parts = path.split("/")
        if "images" in parts[:-1]:
            parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
        found[picture] = texts.get("/".join(parts), texts.get(path))
    return found


def label_files(files, pictures) -> list[str]:
    """Return the text files that are the labels of a picture."""
    texts = [
        file
        for file in files
        if file.lower().endswith(".txt") and PurePosixPath(file).name not in NAMES
    ]
    return sorted(set(labels_of(pictures, texts).values()) - {None})


def _as_text(path):
    return str(PurePosixPath(path).with_suffix(".txt"))


def read_yolo(root, files: list[str], pictures: PictureNames) -> Annotations:
    """Read text files, with the classes and splits of `data.yaml` where there is one.

    A line is a class, counted from 0, and the centre, width and height of a box as
    shares of the picture; or a class and the points of an outline. Where `data.yaml`
    has a `kpt_shape`, the keypoints that follow a box are left out. A picture with an
    empty file, or none, has no objects.

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
    class_names = class_names_of(root, path, options, files)
    keypoints = keypoints_of(path, options)
    members, missing, notes = members_of(root, path, options, texts, pictures)
    label_of = labels_of([p for split in members.values() for p in split], texts)
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
    splits, findings = {}, missing
    for title, of_split in members.items():
        parts = [
            _read(root, picture, label_of[picture], keypoints) for picture in of_split
        ]
        splits[title] = [record for record, _ in parts if record is not None]
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


def _read(root, picture, label, keypoints) -> tuple[RawBoxes | None, list[Finding]]:
    """Return a picture's boxes, `None` if its labels cannot be read; and findings."""
    classes, boxes, findings = [], [], []
    try:
        lines = list(lines_of(root / label)) if label else []
    except DataError as error:
        return None, [Finding("error", "damaged", printable(label), str(error))]
    for line, text in lines:
        try:
            class_id, box = _object(text.split(), keypoints)
        except ValueError as problem:
            detail = f"line {line}, {text!r:.100}, {problem}"
            findings.append(Finding("error", "no such line", printable(label), detail))
        else:
            classes.append(class_id)
            boxes.append(box)
    classes = np.array(classes, np.int64)
    return RawBoxes(picture, array_of(boxes), classes, relative=True), findings


def _object(words, keypoints: int) -> tuple[int, list[float]]:
    """Return class and box of a line, after which there may be numbers of keypoints."""
    class_id, values = integer(words[0]), [number(word) for word in words[1:]]
    if class_id is None or abs(class_id) > MAX_CLASSES:
        raise ValueError("must begin with the number of a class")
    if keypoints:
        if len(values) not in (4, 4 + keypoints):
            raise ValueError(f"must have a class, a box and {keypoints} of keypoints")
        values = values[:4]
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
