"""Masks from outlines: the polygons of COCO's and LabelMe's json, filled."""

import base64
import math
import pickle
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from swin_keras.data.boxes.coco import files_of_splits, name_of, read_coco
from swin_keras.data.boxes.labelme import (
    NO_AREA,
    kind_of,
    label_of,
    pictures_of,
    read_labelme,
)
from swin_keras.data.boxes.numbers import integer, number, numbers
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.data.boxes.tidy import FARTHEST
from swin_keras.data.image_file import ImageError, open_image
from swin_keras.data.segmentation.filling import (
    fill_bitmap,
    fill_circle,
    fill_polygon,
    fill_runs,
)
from swin_keras.data.segmentation.mask_file import open_mask, turned
from swin_keras.data.targets.target import Reader
from swin_keras.masks import IGNORED

BACKGROUND = "background"  # class 0: what no outline holds
LABELMES_BACKGROUND, LABELMES_IGNORED = "_background_", "__ignore__"


class Shape(NamedTuple):
    """One outline: parts that are filled together.

    Args:
        value: Its class, or `IGNORED`.
        polygons: `(N, 2)` of each.
        circles: Centre and radius of each.
        runs: COCO's run lengths, or `None`.
        bitmap: LabelMe's `(left, top, PNG)`, or `None`.
    """

    value: int
    polygons: tuple = ()
    circles: tuple = ()
    runs: list | str | None = None
    bitmap: tuple[int, int, bytes] | None = None

    def fill(self, size) -> np.ndarray:
        """Return the pixels inside, bool `(height, width)`."""
        width, height = size
        inside = np.zeros((height, width), bool)
        for points in self.polygons:
            inside |= fill_polygon(points, size)
        for centre, radius in self.circles:
            inside |= fill_circle(centre, radius, size)
        if self.runs is not None:
            inside |= fill_runs(self.runs, size)
        if self.bitmap is not None:
            left, top, content = self.bitmap
            inside |= fill_bitmap(np.asarray(open_mask(content)) > 0, (left, top), size)
        return inside


class Outlines(NamedTuple):
    """The outlines of one picture, the uppermost last.

    Args:
        size: `(width, height)` of the picture that they were drawn on.
        shapes: What is painted, one over the other.
        orientation: How the mask is turned then; 1 for not at all.
    """

    size: tuple[int, int]
    shapes: tuple[Shape, ...]
    orientation: int = 1


@dataclass(frozen=True)
class FilledOutlines(Reader):
    """Paints the mask of a picture: each item is its `Outlines`."""

    def __call__(self, item):
        width, height = item.size
        mask = np.zeros((height, width), np.uint8)
        for shape in item.shapes:
            mask[shape.fill(item.size)] = shape.value
        return turned(mask, item.orientation)

    def has_labels(self, item):
        return bool(item.shapes)

    def contents(self, item):
        return pickle.dumps(item, protocol=5)


def values_of(class_names) -> dict[str, int]:
    """Return name -> class, the background's before all others."""
    others = (name for name in class_names if name != BACKGROUND)
    return {name: value for value, name in enumerate((BACKGROUND, *others))}


def coco_outlines(contents: dict, pictures: PictureNames):
    """Return what COCO's files say, and picture -> its shapes with their areas.

    Smaller objects are painted over larger ones.

    Args:
        contents: Path of each file -> what it holds.
        pictures: The pictures of the folder.

    Returns:
        `Annotations`, whose splits name the pictures and their sizes; and, for
        each picture, a list of `Shape`; and what is wrong: `(picture, what)`.
    """
    annotations = read_coco(contents, pictures)
    files, _ = files_of_splits(contents)
    place_of = values_of(annotations.class_names)
    shapes, problems = {}, []
    for title, records in annotations.splits.items():
        content = contents[files[title]]
        value_of = {
            integer(category.get("id")): place_of.get(name_of(category))
            for category in content["categories"]
        }
        of_image = {}
        for one in content["annotations"]:
            if isinstance(one, dict) and isinstance(one.get("image_id"), int | str):
                of_image.setdefault(one["image_id"], []).append(one)
        for record in records:
            found = []
            for one in of_image.get(record.image_id, []):
                value = value_of.get(integer(one.get("category_id")))
                try:
                    if value is None:
                        raise ValueError("has an outline of no category")
                    shape = _coco_shape(one, value, record.size)
                    found.append((_area(one, shape), shape))
                except ValueError as problem:
                    problems.append((record.path, str(problem)))
            found.sort(key=lambda pair: -pair[0])
            shapes[record.path] = [shape for _, shape in found]
    return annotations, shapes, problems


def _area(annotation, shape) -> float:
    """Return the stated area; without one, that of the outline or of its box."""
    area = number(annotation.get("area"))
    if math.isfinite(area) and area > 0:
        return area
    if shape.polygons:
        return sum(map(_enclosed, shape.polygons))
    box = annotation.get("bbox")
    sides = [number(side) for side in box[2:]] if isinstance(box, list) else [math.nan]
    return math.prod(sides) if all(map(math.isfinite, sides)) else 0.0


def _enclosed(points) -> float:
    """Return the area of a polygon `(N, 2)`, by the shoelace formula."""
    (x, y), (next_x, next_y) = points.T, np.roll(points, -1, axis=0).T
    return abs(float((x * next_y - next_x * y).sum())) / 2


def _coco_shape(annotation, value, size) -> Shape:
    outline = annotation.get("segmentation")
    if isinstance(outline, dict):
        stated = numbers(outline.get("size"), 2)
        counts = outline.get("counts")
        if not isinstance(counts, list | str) or size is None:
            raise ValueError("has run lengths without counts or size")
        if tuple(stated) != (size[1], size[0]):
            raise ValueError("has run lengths of another size than its picture's")
        try:
            fill_runs(counts, (int(size[0]), int(size[1])))
        except ValueError as problem:
            raise ValueError(f"has run lengths that {problem}") from None
        return Shape(value, runs=counts)
    if not isinstance(outline, list) or not outline:
        raise ValueError("has an object without an outline (segmentation)")
    return Shape(value, polygons=tuple(_polygon(part) for part in outline))


def _polygon(flat):
    """Return the corners of `[x, y, x, y, ...]`: `(N, 2)`."""
    values = numbers(flat, len(flat)) if isinstance(flat, list) else []
    if len(values) < 6 or len(values) % 2 or not np.isfinite(values).all():
        raise ValueError("has a polygon that is not a list of three or more x, y")
    _check_near(values)
    return np.array(values, np.float64).reshape(-1, 2)


def _check_near(values):
    """Refuse coordinates that no picture has."""
    farthest = np.abs(values).max()
    if farthest > FARTHEST:
        raise ValueError(f"has a corner at {farthest:g}, which no picture has")


def labelme_outlines(contents: dict, pictures: PictureNames):
    """Return what LabelMe's files say, as `coco_outlines` does.

    Later shapes are painted over earlier ones; `__ignore__` is ignored.
    """
    annotations = read_labelme(contents, pictures)
    value_of = values_of(annotations.class_names)
    value_of |= {LABELMES_BACKGROUND: 0, LABELMES_IGNORED: IGNORED}
    shapes, problems = {}, []
    for path, picture in pictures_of(contents, pictures).items():
        if isinstance(picture, ValueError):  # is among the findings already
            continue
        shapes[picture] = []
        for one in contents[path]["shapes"]:
            one = one if isinstance(one, dict) else {}
            if kind_of(one) in NO_AREA:
                continue
            try:
                value = value_of.get(label_of(one))
                if value is None:
                    raise ValueError("has a shape whose label cannot name a class")
                shapes[picture].append(_labelme_shape(one, value))
            except ValueError as problem:
                problems.append((picture, str(problem)))
    return annotations, shapes, problems


def _labelme_shape(shape, value) -> Shape:
    kind, points = kind_of(shape), shape.get("points")
    points = [numbers(p, 2) for p in points] if isinstance(points, list) else []
    least = 3 if kind in ("polygon", "rotation") else 2
    if len(points) < least or not np.isfinite(points).all():
        raise ValueError(f"has a {kind} without {least} points x, y")
    _check_near(points)
    if kind == "mask":
        (left, top), (right, bottom) = np.rint([np.min(points, 0), np.max(points, 0)])
        size = (int(right - left) + 1, int(bottom - top) + 1)
        content = _bitmap(shape.get("mask"), size)
        return Shape(value, bitmap=(int(left), int(top), content))
    if kind == "circle":
        centre, edge = points[:2]
        return Shape(value, circles=((tuple(centre), math.dist(centre, edge)),))
    if kind == "rectangle":
        (x1, y1), (x2, y2) = points[:2]
        points = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    return Shape(value, polygons=(np.array(points, np.float64),))


def _bitmap(text, size) -> bytes:
    """Return the PNG of a shape that was painted, of `(width, height)`."""
    damaged = ValueError("has a mask that is not a PNG in base64")
    try:
        content = base64.b64decode(text)
        with open_image(content) as image:  # before its pixels fill the memory
            found, channels = image.size, len(image.getbands())
    except (TypeError, ValueError, ImageError):
        raise damaged from None
    if found != size:
        raise ValueError(
            f"has a mask of {found[0]} x {found[1]} pixels, its points are of "
            f"{size[0]} x {size[1]}"
        )
    if channels != 1:
        raise ValueError("has a mask in colours, not of 0 and 1")
    try:
        open_mask(content)
    except ImageError:
        raise damaged from None
    return content


READERS = {"coco": coco_outlines, "labelme": labelme_outlines}
