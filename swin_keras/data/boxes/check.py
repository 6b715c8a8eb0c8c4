"""Look over a folder of pictures with boxes before training does."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from swin_keras.data.boxes.reading import read_boxes
from swin_keras.data.boxes.records import BoxSet
from swin_keras.data.boxes.sheet import require_sheet, save_sheet
from swin_keras.data.boxes.splitting import complete
from swin_keras.data.check import MAX_READ, TIMES
from swin_keras.data.duplicates import same_files
from swin_keras.data.findings import LEVELS, Finding, Report
from swin_keras.data.grey import check_grey_range
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splitting import USUAL, left_out
from swin_keras.data.walk import examples
from swin_keras.errors import DataError
from swin_keras.names import printable

MAX_OBJECTS = 100  # that a model returns for a picture
SMALL, MEDIUM = 32**2, 96**2  # pixels below which COCO calls an object so
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class BoxReport(Report):
    """What `check_boxes` found.

    Args:
        format: What the boxes were read as: "COCO json".
        pictures: Split -> "pictures", "empty" ones of these, "objects" and
            "ignored" ones of these (crowds and difficult ones).
        sizes: Split -> class -> "small", "medium" and "large" -> number of objects,
            by COCO's limits of 32 x 32 and 96 x 96 pixels.
        notes: What was decided on the way.
    """

    format: str
    pictures: dict[str, dict[str, int]]
    sizes: dict[str, dict[str, dict[str, int]]]
    notes: tuple[str, ...]


def check_boxes(
    path,
    *,
    quick: bool = False,
    box_format: str | None = None,
    follow_links: bool = False,
    max_objects: int = MAX_OBJECTS,
    grey_range=None,
    sheet=None,
    progress: Callable[[int, int], None] | None = None,
) -> BoxReport:
    """Check the boxes of a folder, and its pictures. Changes no file there.

    Args:
        path: The folder.
        quick: Read the headers of pictures only, as training does.
        box_format: As for `load_boxes`.
        follow_links: As for `load_boxes`.
        max_objects: How many objects a model will return for a picture at most.
        grey_range: As for `load_dataset`.
        sheet: A PNG to write: pictures with their boxes.
        progress: Called with `(done, total)` after each picture.

    Raises:
        DataError: If there are no boxes to be read.
        UsageError: If the sheet cannot be written; see `require_sheet`.
    """
    if sheet is not None:
        require_sheet(sheet)
    boxes = read_boxes(
        path,
        box_format=box_format,
        follow_links=follow_links,
        decode=not quick,
        grey_range=check_grey_range(grey_range),
        progress=progress,
    )
    if sheet is not None:
        save_sheet(boxes, sheet, grey_range=grey_range)
    findings = [*boxes.findings, *on_set(boxes, max_objects)]
    findings += [
        Finding("warning", "no labels", "", left_out(title, len(records)))
        for title, records in boxes.splits.items()
        if title in ("val", "test") and records and not boxes.counts(title).sum()
    ]
    if problem := _why_not_ready(boxes):
        findings.append(Finding("error", "splits", "", problem))
    return BoxReport(
        folder=printable(path),
        quick=quick,
        counts={title: count_objects(boxes, title) for title in boxes.splits},
        findings=tuple(sorted(findings, key=lambda f: LEVELS.index(f.level))),
        format=boxes.format,
        pictures={t: count_pictures(split) for t, split in boxes.splits.items()},
        sizes={title: count_sizes(boxes, title) for title in boxes.splits},
        notes=boxes.notes,
    )


def _why_not_ready(boxes: BoxSet) -> str | None:
    """Explain why nothing could be trained on a set, or return `None`."""
    from swin_keras.data.boxes.loading import problem_to_train

    try:
        return problem_to_train(complete(boxes, USUAL))
    except DataError as error:
        return str(error)


def count_objects(boxes: BoxSet, title: str) -> dict[str, int]:
    """Count the objects of each class; ignored ones do not count."""
    counts = boxes.counts(title).tolist()
    return dict(zip(boxes.class_names, counts, strict=True))


def count_pictures(records) -> dict[str, int]:
    """Count pictures, those without objects, objects and those that are ignored."""
    return {
        "pictures": len(records),
        "empty": sum(record.count == 0 for record in records),
        "objects": sum(record.count for record in records),
        "ignored": sum(int(record.ignored.sum()) for record in records),
    }


def count_sizes(boxes: BoxSet, title: str) -> dict[str, dict[str, int]]:
    """Count the objects of each class by size; ignored ones do not count."""
    counts = np.zeros((len(boxes.class_names), len(SIZES)), np.int64)
    for record in boxes.splits[title]:
        sizes = np.digitize(record.areas, (SMALL, MEDIUM))
        chosen = ~record.ignored
        np.add.at(counts, (record.classes[chosen], sizes[chosen]), 1)
    return {
        name: dict(zip(SIZES, row, strict=True))
        for name, row in zip(boxes.class_names, counts.tolist(), strict=True)
    }


def on_set(boxes: BoxSet, max_objects: int = MAX_OBJECTS) -> list[Finding]:
    """Describe what is unusual about the pictures and classes together.

    Args:
        boxes: The set.
        max_objects: How many objects a model will return for a picture at most.
    """
    findings = []
    for title, records in boxes.splits.items():
        counts = boxes.counts(title)
        use = "learned" if title in ("train", WHOLE) else "judged"
        for name in np.array(boxes.class_names, object)[counts == 0]:
            where = "any picture" if title == WHOLE else title
            detail = f"class {name!r} has no box in {where}: it cannot be {use}"
            findings.append(Finding("warning", "no boxes", "", detail))
        some = {n: c for n, c in count_objects(boxes, title).items() if c}
        most, least = (f(some, key=some.get, default=None) for f in (max, min))
        if some and some[most] >= TIMES * some[least]:
            detail = (
                f"class {most!r} has {some[most]} boxes in {title}, "
                f"{least!r} has {some[least]}"
            )
            findings.append(Finding("info", "unbalanced", "", detail))
        for record in records:
            count = int((~record.ignored).sum())
            if count > max_objects:
                detail = f"{count} objects; a model returns {max_objects} at most"
                path = printable(record.path)
                findings.append(Finding("warning", "crowded", path, detail))
        empty = [record.path for record in records if not record.count]
        if empty:
            detail = f"{len(empty)} of {len(records)} in {title} ({examples(empty)})"
            findings.append(Finding("info", "pictures without objects", "", detail))
    return findings + leaks(boxes)


def leaks(boxes: BoxSet) -> list[Finding]:
    """Report which pictures of one split are in another one, too."""
    if boxes.root is None:
        return []
    titles = {r.path: title for title, split in boxes.splits.items() for r in split}
    findings = []
    for first, *others in same_files(boxes.root, titles, MAX_READ):
        detail = f"same bytes as {examples(others)}"
        if len({titles[path] for path in (first, *others)}) > 1:
            detail += ", in another split"
        kind = "leak" if detail.endswith("split") else "duplicate"
        findings.append(Finding("warning", kind, printable(first), detail))
    return findings
