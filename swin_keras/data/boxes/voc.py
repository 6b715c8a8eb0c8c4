"""Read boxes from Pascal VOC's xml: one file a picture."""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from swin_keras.data.boxes.files import lines_of, read_xml
from swin_keras.data.boxes.numbers import array_of, integer, number, size
from swin_keras.data.boxes.pictures import PictureNames, by_folders
from swin_keras.data.boxes.records import Annotations, RawBoxes
from swin_keras.data.class_names import problem_of
from swin_keras.data.findings import Finding
from swin_keras.data.image_file import open_file
from swin_keras.data.split_folders import SPLIT_NAMES
from swin_keras.errors import DataError
from swin_keras.names import composed, printable

FORMAT = "Pascal VOC xml"
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def is_voc(file) -> bool:
    """Return whether an XML file is of VOC's form, by its beginning."""
    try:
        with open_file(file) as stream:
            start = stream.read(2**12)
    except OSError:
        return False
    return b"<annotation" in start.replace(b"\0", b"")  # which UTF-16 has


def read_voc(
    root,
    files: list[str],
    lists: list[str],
    pictures: PictureNames,
    from_zero: bool = False,
) -> Annotations:
    """Read files of annotations, in the splits of `ImageSets/Main` or of folders.

    Corners are pixels counted from 1, and the last belongs to the box. Files in which
    a 0 occurs were written by tools that count from 0 and measure from edge to edge.

    Args:
        root: The folder.
        files: The xml files below it.
        lists: The text files below it, of which some may list a split.
        pictures: The pictures of the folder.
        from_zero: Whether pixels count from 0 even if no 0 occurs.
    """
    read, found, findings, notes = {}, {}, [], []
    for path in files:
        try:
            read[path] = _read(root, path)
        except DataError as error:
            findings.append(Finding("error", "damaged", printable(path), str(error)))
    named = {path: record.path for path, (record, _) in read.items()}
    for path, picture in pictures.find_each(named).items():
        if isinstance(picture, ValueError):
            detail = f"its picture {named[path]!r:.100} {picture}"
            findings.append(Finding("error", "missing image", printable(path), detail))
        else:
            found[path] = replace(read[path][0], path=picture)
    names_of = {path: read[path][1] for path in found}
    class_names = sorted({name for names in names_of.values() for name in names})
    for name in list(filter(problem_of, class_names)):
        class_names.remove(name)  # its boxes are of no class, which is an error
        notes.append(f"{name!r:.200} cannot name a class: it {problem_of(name)}.")
    place_of = {name: place for place, name in enumerate(class_names)}
    holds_zero = any(_holds_zero(record) for record in found.values())
    is_from_zero = holds_zero or from_zero
    notes.append(_origin_in_words(is_from_zero, holds_zero))
    records = {
        path: replace(
            record,
            boxes=record.boxes if is_from_zero else _from_zero(record.boxes),
            classes=np.array([place_of.get(n, -1) for n in names_of[path]], np.int64),
        )
        for path, record in found.items()
    }
    if chosen := _lists_of_splits(lists):
        splits, more = _by_lists(root, chosen, records)
        findings += more
    else:
        splits, more = by_folders(list(records.values()))
        notes += more
    return Annotations(
        FORMAT,
        tuple(class_names),
        splits,
        findings=tuple(findings),
        notes=tuple(notes),
        voc_from_zero=is_from_zero,
    )


def _origin_in_words(is_from_zero, holds_zero) -> str:
    if not is_from_zero:
        return "Pixels are counted from 1, as VOC does: there is no corner at 0."
    why = "corners at 0 occur" if holds_zero else "as asked, though no corner is at 0"
    return (
        f"Pixels are counted from 0 and boxes reach from edge to edge: {why}. "
        "VOC itself counts from 1."
    )


def _from_zero(boxes):
    """Count pixels from 0: left and top edges move by one, right and bottom stay.

    Also where corners were written in the wrong order.
    """
    is_first = boxes[:, :2] <= boxes[:, 2:]
    return boxes - np.concatenate([is_first, ~is_first], axis=1)


def _read(root, path) -> tuple[RawBoxes, list[str]]:
    """Return a file's boxes with the path and corners that stand there, and names."""
    annotation = read_xml(Path(root) / path)
    objects = annotation.findall("object")
    boxes = [[number(_text(o, f"bndbox/{c}")) for c in CORNERS] for o in objects]
    record = RawBoxes(
        _text(annotation, "filename"),
        array_of(boxes),
        np.zeros(len(boxes), np.int64),
        size(_text(annotation, "size/width"), _text(annotation, "size/height")),
        difficult=np.array(
            [integer(_text(o, "difficult")) == 1 for o in objects], bool
        ),
    )
    return record, [composed(_text(o, "name")) for o in objects]


def _text(element, path) -> str:
    return (element.findtext(path) or "").strip()


def _holds_zero(record) -> bool:
    """Return whether the first pixel of a side is called 0 in a file."""
    first = record.boxes[:, :2]
    return bool(((first > -1) & (first < 1)).any())


def _lists_of_splits(lists) -> dict[str, list[str]]:
    """Return title -> lists, one for each year that a folder holds.

    One of train and val together is for training, where a year has none for it alone.
    """
    years = {}
    for path in sorted(lists):
        if "/ImageSets/Main/" in f"/{path}":
            name = PurePosixPath(path).stem.lower()
            years.setdefault(_year_of(path), {}).setdefault(name, path)
    chosen = {title: [] for title in SPLIT_NAMES}
    for found in years.values():
        of_year = {
            title: [found[name] for name in names if name in found]
            for title, names in SPLIT_NAMES.items()
        }
        if not of_year["train"] and "trainval" in found:
            of_year |= {"train": [found["trainval"]], "val": []}
        for title, paths in of_year.items():
            chosen[title] += paths
    return {title: paths for title, paths in chosen.items() if paths}


def _year_of(path) -> str:
    """Return the folder in which a list's `ImageSets` is, "" or with "/" at its end."""
    return path[: f"/{path}".index("/ImageSets/Main/")]


def _by_lists(root, lists, records):
    """Return the records in the splits of lists, and what is wrong with these."""
    of_stem, splits, findings, seen = {}, {}, [], {}
    for path in records:
        of_stem.setdefault(PurePosixPath(path).stem, []).append(path)
    for title, paths in lists.items():
        splits[title] = []
        for path in paths:
            for line, text in lines_of(Path(root) / path):
                try:
                    listed = _listed(text, of_stem, _year_of(path))
                    if listed in seen:
                        stem = printable(PurePosixPath(listed).stem)
                        raise ValueError(f"{stem} stands in {seen[listed]}, too")
                except ValueError as problem:
                    detail = f"line {line}: {problem}"
                    findings.append(Finding("error", "list", printable(path), detail))
                else:
                    seen[listed] = printable(path)
                    splits[title].append(records[listed])
    return splits, findings


def _listed(text, of_stem, year) -> str:
    """Return the file of annotations that a line of a list means.

    Lists of one class have 1 or -1 after the name; names may have spaces, and folders.
    """
    for name in (text, text.rsplit(None, 1)[0]):
        found = of_stem.get(PurePosixPath(name).name, [])
        found = [p for p in found if p.startswith(year)] or found
        inner = [p for p in found if f"/{p}".endswith(f"/{name}.xml")]
        if len(inner or found) > 1:
            first, second = map(printable, (inner or found)[:2])
            raise ValueError(f"{printable(name)} may be {first} or {second}")
        if found:
            return (inner or found)[0]
    raise ValueError(f"there are no annotations of {printable(name)}")
