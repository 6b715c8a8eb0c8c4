"""From what a file says of a picture to boxes that lie in it, and what was wrong."""

import math

import numpy as np

from swin_keras.data.boxes.records import BoxRecord, RawBoxes
from swin_keras.data.findings import Finding
from swin_keras.names import printable

FARTHEST = 1e6  # pixels; pictures have at most 30,000 a side
THINNEST = 0.01  # pixels; what is thinner has no area
SLACK = 1.0  # pixels that rounding explains
SAME_SHAPE = 0.01  # by which width over height of the same picture may differ


def tidy(raw: RawBoxes, size, orientation: int, class_names):
    """Return the record of a picture, and what was wrong with its boxes.

    Boxes that cannot be used are left out: without numbers, of no class, without
    area, outside, there twice. Others are bent right: corners in the wrong order are
    exchanged, and what leaves the picture is clipped.

    Args:
        raw: What the file says.
        size: `(width, height)` of the picture as stored.
        orientation: Its EXIF orientation, 1..8.
        class_names: Names of the classes.

    Returns:
        The record, `None` if the file means a picture of another shape; its
        findings; and whether the picture is turned without a word in the file on
        whether its boxes are, too. They are taken to be.
    """
    name, size = printable(raw.path), tuple(size)
    upright = size[::-1] if orientation >= 5 else size
    stated = raw.size or upright
    fits_stored, fits_upright = _fits(stated, size), _fits(stated, upright)
    if tuple(stated) == size:  # exactly, where a nearly square one fits both ways
        fits_upright = upright == size
    if not (fits_stored or fits_upright):
        detail = f"{size[0]} x {size[1]} pixels; its boxes are for {_words(stated)}"
        return None, [Finding("error", "another picture", name, detail)], False
    frame = upright if fits_upright else size
    scale = (1.0, 1.0)
    findings = []
    if np.abs(np.subtract(stated, frame)).max() > SLACK:
        scale = np.divide(frame, stated)
        detail = f"{_words(frame)} pixels; its boxes, for {_words(stated)}, are scaled"
        findings.append(Finding("warning", "another size", name, detail))
    boxes = raw.boxes.reshape(-1, 4) * np.tile(frame if raw.relative else scale, 2)
    if not fits_upright:
        boxes = turn_boxes(boxes, size, orientation)
    kept, boxes, found = _usable(boxes, raw, upright, class_names)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    if raw.areas is not None:
        given = raw.areas * np.prod(scale)
        areas = np.where((given > 0) & (given < FARTHEST**2), given, areas)
    count = len(boxes)
    record = BoxRecord(
        path=raw.path,
        width=int(upright[0]),
        height=int(upright[1]),
        boxes=boxes.astype(np.float32),
        classes=np.clip(raw.classes, -1, len(class_names)).astype(np.int32),
        crowd=np.zeros(count, bool) if raw.crowd is None else raw.crowd,
        difficult=np.zeros(count, bool) if raw.difficult is None else raw.difficult,
        areas=areas.astype(np.float32),
        image_id=raw.image_id,
    ).keep(kept)
    once, more = _once(record, class_names, name)
    guessed = count > 0 and is_guess(raw.size, size, orientation)
    return once, findings + found + more, guessed


def is_guess(stated, size, orientation: int) -> bool:
    """Return whether a file leaves open if its places are of the upright picture.

    Args:
        stated: `(width, height)` in the file, or `None`.
        size: That of the picture as stored.
        orientation: Its EXIF orientation, 1..8.
    """
    if stated is None or orientation == 1:
        return orientation != 1
    upright = size[::-1] if orientation >= 5 else size
    if tuple(stated) == tuple(size):  # where a nearly square one fits both ways
        return tuple(upright) == tuple(size)
    return _fits(stated, size) and _fits(stated, upright)


def turn_boxes(boxes, size, orientation: int) -> np.ndarray:
    """Turn boxes as a picture is turned upright, float64 `(N, 4)`.

    Args:
        boxes: `x1, y1, x2, y2` in pixels of the picture as stored.
        size: Its `(width, height)` as stored.
        orientation: Its EXIF orientation, 1..8.
    """
    (width, height), (x1, y1, x2, y2) = size, np.asarray(boxes, np.float64).T
    if orientation in (2, 3, 7, 8):  # what is right in the file goes first
        x1, x2 = width - x2, width - x1
    if orientation in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    if orientation >= 5:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.stack([x1, y1, x2, y2], axis=-1)


def _fits(stated, size) -> bool:
    """Return whether a size is that of a picture, or of a copy in another size."""
    if np.abs(np.subtract(stated, size)).max() <= SLACK:
        return True
    ratio = stated[0] / stated[1] / (size[0] / size[1])
    return abs(math.log(ratio)) < SAME_SHAPE


def _words(size) -> str:
    return f"{size[0]:g} x {size[1]:g}"


def _usable(boxes, raw, size, class_names):
    """Return places of boxes to keep, all boxes bent right, and findings."""
    classes, name = raw.classes, printable(raw.path)
    ids = classes if raw.class_ids is None else raw.class_ids
    findings, kept = [], np.ones(len(boxes), bool)
    with np.errstate(invalid="ignore"):
        has_numbers = (np.abs(boxes) < FARTHEST).all(1)
    ordered = np.where(has_numbers[:, None], boxes, 0)
    ordered = np.concatenate(
        [
            np.minimum(ordered[:, :2], ordered[:, 2:]),
            np.maximum(ordered[:, :2], ordered[:, 2:]),
        ],
        axis=1,
    )
    clipped = ordered.clip(0, (*size, *size))
    leaves = np.abs(ordered - clipped).max(1, initial=0) > SLACK
    for level, kind, is_so, words in (
        ("error", "not finite", ~has_numbers, "is left out"),
        (
            "error",
            "unknown class",
            (classes < 0) | (classes >= len(class_names)),
            "is left out: no category has its id",
        ),
        ("warning", "no area", _is_thin(ordered), "is left out"),
        ("warning", "outside", _is_thin(clipped), "is left out"),
        (
            "warning",
            "swapped corners",
            (boxes[:, :2] > boxes[:, 2:]).any(1),
            "has its corners in the wrong order; they are exchanged",
        ),
        ("warning", "leaves the picture", leaves, f"is clipped to {_words(size)}"),
    ):
        is_left_out = words.startswith("is left out")
        for place in np.flatnonzero(is_so & kept):
            what = _box_words(boxes[place], classes[place], class_names, ids[place])
            findings.append(Finding(level, kind, name, f"{what} {words}"))
        if is_left_out:
            kept &= ~is_so
    return kept, clipped, findings


def _once(record, class_names, name):
    """Return the record less boxes that are there twice, and findings on them."""
    if not record.count:
        return record, []
    rows = np.column_stack([record.boxes.round(2), record.classes, record.crowd])
    _, first = np.unique(rows, axis=0, return_index=True)
    again = np.setdiff1d(np.arange(record.count), first)
    findings = [
        Finding(
            "warning",
            "doubled",
            name,
            f"{_box_words(record.boxes[place], record.classes[place], class_names)} "
            "is there more than once",
        )
        for place in again
    ]
    return record.keep(np.sort(first)), findings


def _is_thin(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).min(1, initial=np.inf) < THINNEST


def _box_words(box, place, class_names, class_id=None) -> str:
    known = 0 <= place < len(class_names)
    what = class_names[place] if known else f"class {printable(class_id)}"
    return f"{what} at {', '.join(f'{value:.5g}' for value in box)}"
