"""A YOLO set's `data.yaml`: its classes and its splits."""

import posixpath
import re
from pathlib import Path, PurePosixPath

from swin_keras.data.boxes.files import lines_of, read_yaml
from swin_keras.data.boxes.pictures import by_folders
from swin_keras.data.boxes.records import unusable
from swin_keras.data.class_names import problems_of
from swin_keras.data.findings import Finding
from swin_keras.data.split_folders import SPLIT_NAMES
from swin_keras.data.walk import examples
from swin_keras.errors import DataError
from swin_keras.names import composed, printable

NAMES = ("classes.txt", "obj.names", "_darknet.labels")
UPWARDS = re.compile(r"^(\.\.?/)+")


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
        except DataError:  # of something else, perhaps; see `class_names_of`
            continue
        if isinstance(content, dict) and "names" in content:
            found[path] = content
    return found


def is_yaml(path: str) -> bool:
    return path.lower().endswith((".yaml", ".yml"))


def class_names_of(root, path, options, files) -> tuple[str, ...]:
    """Return the names in `data.yaml`, or in a text file of one a line.

    Args:
        root: The folder.
        path: The YAML file below it, or `None`.
        options: What the YAML holds.
        files: All files that may hold annotations.

    Raises:
        DataError: If there are none, or they cannot be names of classes.
    """
    if path is None:
        lists = {f: _lines(root, f) for f in files if PurePosixPath(f).name in NAMES}
        if len(set(map(tuple, lists.values()))) > 1:
            why = f"it holds several lists of classes: {examples(lists)}"
            raise unusable(printable(root), why)
        path, names = next(iter(lists.items()), (None, None))
        if path is None:
            for damaged in filter(is_yaml, files):
                read_yaml(root / damaged)  # says what is wrong with it
            raise unusable(
                printable(root),
                "text files of boxes need the names of their classes, in a data.yaml "
                "with `names: [cat, dog]` or in a classes.txt with one a line",
            )
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
    names = tuple(composed(str(name)) for name in names)
    if len(set(names)) < len(names):
        problems.append("Two classes have the same name.")
    if options.get("nc", len(names)) != len(names):
        problems.append(f"It names {len(names)} classes, but nc is {options['nc']!r}.")
    if problems:
        raise DataError(
            f"{printable(path)} cannot be used:\n  " + "\n  ".join(problems[:20])
        )
    return names


def _lines(root, path) -> list[str]:
    return [line for _, line in lines_of(root / path)]


def keypoints_of(path, options) -> int:
    """Return how many numbers of keypoints stand after each box: 0 without any.

    Raises:
        DataError: If what `kpt_shape` says is no number of points and of numbers each.
    """
    shape = options.get("kpt_shape")
    if shape is None:
        return 0
    if (
        not isinstance(shape, list)
        or [type(size) for size in shape] != [int, int]
        or min(shape) < 1
    ):
        why = f"kpt_shape must be [points, numbers of each], not {shape!r:.100}"
        raise unusable(printable(path), why)
    return shape[0] * shape[1]


def members_of(root, path, options, texts, pictures):
    """Return title -> pictures of each split, findings on lists, and notes.

    A split all of whose pictures are in one before it, as in sets to try things out,
    counts as missing.

    Args:
        root: The folder.
        path: The YAML file below it, or `None`.
        options: What the YAML holds.
        texts: The text files, of which some may list pictures.
        pictures: The pictures of the folder.

    Raises:
        DataError: If the YAML has splits, but none for training.
    """
    by_title, findings, lost, notes = {}, [], {}, []
    for title, keys in SPLIT_NAMES.items():
        key = next((key for key in keys if options.get(key)), None)
        if key is None:
            continue
        places = options[key] if isinstance(options[key], list) else [options[key]]
        found = set()
        for place in places:
            for where in _candidates(path, options.get("path"), place):
                at_place, missing = _pictures_at(root, where, texts, pictures, title)
                if at_place or missing:
                    found |= at_place
                    findings += missing
                    break
            else:
                why = f"{key}, {place!r:.100}, is not in the folder"
                lost.setdefault(title, []).append(why)
        if whole := [t for t, other in by_title.items() if found and found <= other]:
            notes.append(
                f"{printable(path)}: {key}, left out: its {len(found)} pictures are in "
                f"{whole[0]}, too."
            )
        elif found:
            by_title[title] = found
        elif title not in lost:  # a list, of which no picture is there
            lost[title] = [f"{key}, {options[key]!r:.100}, is not in the folder"]
    notes += [f"{printable(path)}: {why}." for whys in lost.values() for why in whys]
    if not by_title:
        by_title, more = by_folders(pictures.paths, str)
        return by_title, findings, notes + more
    if "train" not in by_title:
        why = ", ".join(lost.get("train", ["it has no train"]))
        raise unusable(printable(path), why)
    left = len(pictures.paths) - len(set().union(*by_title.values()))
    notes += [f"Pictures in no split, left out: {left}."] * bool(left)
    members = {title: sorted(found) for title, found in by_title.items()}
    return members, list(dict.fromkeys(findings)), notes  # a list may stand for two


def _pictures_at(root, where, texts, pictures, title):
    """Return the pictures in a folder or in a list, and findings on the list."""
    if where not in texts:
        inside = f"{where}/" if where != "." else ""
        return {p for p in pictures.paths if p.startswith(inside)}, []
    lines = list(lines_of(root / where))
    names = [re.sub(UPWARDS, "", line) for _, line in lines]
    found, findings = set(), []
    for (number, line), picture in zip(
        lines, pictures.find_all(names, where, title), strict=True
    ):
        if isinstance(picture, ValueError):
            detail = f"line {number}: {line!r:.200} {picture}"
            findings.append(
                Finding("error", "missing image", printable(where), printable(detail))
            )
        else:
            found.add(picture)
    return found, findings


def _candidates(path, base, place):
    """Yield what a place may be below the folder, never one that leads out of it.

    Tools write places that were right somewhere else: "../train/images".
    """
    here = posixpath.dirname(path)
    if not isinstance(place, str):
        return
    inner = re.sub(UPWARDS, "", place)
    bases = [base] * isinstance(base, str) + [""]
    for start, end in [*((b, place) for b in bases), ("", inner)]:
        where = posixpath.normpath(posixpath.join(here, start, end))
        if not where.startswith(("/", "..")):
            yield where
