"""Read boxes from LabelMe's json: one file a picture, one shape an object."""

import math

import numpy as np

from swin_keras.data.boxes.numbers import array_of, extent, numbers, size
from swin_keras.data.boxes.pictures import PictureNames, by_folders
from swin_keras.data.boxes.records import Annotations, RawBoxes
from swin_keras.data.class_names import problem_of
from swin_keras.data.findings import Finding
from swin_keras.names import composed, printable

FORMAT = "LabelMe json"
NO_AREA = ("point", "points", "line", "linestrip")
NO_OBJECT = ("_background_", "__ignore__")


def is_labelme(content) -> bool:
    """Return whether what a JSON file holds is of LabelMe's form."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("shapes"), list)
        and isinstance(content.get("imagePath"), str)
    )


def read_labelme(contents: dict, pictures: PictureNames) -> Annotations:
    """Read files of shapes: the box of each is the smallest around it.

    Shapes of one label and one group are one object. Points and lines have no area,
    and are left out.

    Args:
        contents: Path of each file below the folder -> what it holds.
        pictures: The pictures of the folder.
    """
    findings, notes, found = [], [], {}
    labels, bad_names, without_area = set(), set(), 0
    for path, picture in pictures_of(contents, pictures).items():
        content = contents[path]
        if isinstance(picture, ValueError):
            detail = f"its picture {content['imagePath']!r:.100} {picture}"
            findings.append(Finding("error", "missing image", printable(path), detail))
            continue
        shapes = [s if isinstance(s, dict) else {} for s in content["shapes"]]
        shapes = [s for s in shapes if s.get("label") not in NO_OBJECT]
        objects = _objects([s for s in shapes if kind_of(s) not in NO_AREA])
        without_area += sum(kind_of(s) in NO_AREA for s in shapes)
        for label, _ in objects:
            (bad_names if problem_of(label) else labels).add(label)
        stated = size(content.get("imageWidth"), content.get("imageHeight"))
        found[path] = picture, stated, objects
    if without_area:
        notes.append(f"Points and lines, which have no area, left out: {without_area}.")
    for name in sorted(bad_names, key=repr):
        notes.append(f"{name!r:.200} cannot name a class: it {problem_of(name)}.")
    class_names = tuple(sorted(labels))
    place_of = {name: place for place, name in enumerate(class_names)}
    records = [
        RawBoxes(
            picture,
            array_of([box for _, box in objects]),
            np.array([place_of.get(label, -1) for label, _ in objects], np.int64),
            stated,
        )
        for picture, stated, objects in found.values()
    ]
    splits, more = by_folders(records)
    return Annotations(
        FORMAT,
        class_names,
        splits,
        findings=tuple(findings),
        notes=(*notes, *more),
    )


def pictures_of(contents: dict, pictures: PictureNames) -> dict:
    """Return path -> its picture, or a `ValueError`, for each file of shapes."""
    return pictures.find_each(
        {path: content["imagePath"] for path, content in sorted(contents.items())}
    )


def kind_of(shape: dict) -> str:
    """Return the word for what a shape is; files of old say nothing of polygons."""
    return shape.get("shape_type") or "polygon"


def label_of(shape: dict) -> str:
    """Return the class of a shape, composed; as a text where it is a number."""
    label = shape.get("label")
    return composed(label) if isinstance(label, str) else repr(label)


def _objects(shapes) -> list[tuple[object, list[float]]]:
    """Return label and box of each object: of a shape, or of a group of shapes."""
    objects, groups = [], {}
    for shape in shapes:
        label, group, box = label_of(shape), shape.get("group_id"), _box(shape)
        if isinstance(group, int | str) and (label, group) in groups:
            place = groups[label, group]
            (left, top, right, bottom), other = objects[place][1], box
            joined = [
                *np.minimum((left, top), other[:2]),
                *np.maximum((right, bottom), other[2:]),
            ]
            objects[place] = label, joined
            continue
        if isinstance(group, int | str):
            groups[label, group] = len(objects)
        objects.append((label, box))
    return objects


def _box(shape) -> list[float]:
    points = shape.get("points")
    points = [numbers(p, 2) for p in points] if isinstance(points, list) else []
    if len(points) < 2:
        return [math.nan] * 4
    if kind_of(shape) == "circle":  # its centre, and a point on it
        (x, y), (edge_x, edge_y) = points[:2]
        radius = math.hypot(edge_x - x, edge_y - y)
        return [x - radius, y - radius, x + radius, y + radius]
    left, top, right, bottom = extent(points)
    is_painted = kind_of(shape) == "mask"  # from the first pixel to the last
    return [left, top, right + is_painted, bottom + is_painted]
