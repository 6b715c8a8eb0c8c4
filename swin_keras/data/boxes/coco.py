"""Read boxes from COCO's json: images, annotations and categories in one file."""

import math

import numpy as np

from swin_keras.data.boxes.numbers import (
    array_of,
    extent,
    integer,
    number,
    numbers,
    size,
)
from swin_keras.data.boxes.pictures import PictureNames, split_of
from swin_keras.data.boxes.records import Annotations, RawBoxes, unusable
from swin_keras.data.class_names import BACKGROUND, problem_of
from swin_keras.data.findings import Finding
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.walk import examples
from swin_keras.names import composed, printable

FORMAT = "COCO json"


def is_coco(content) -> bool:
    """Return whether what a JSON file holds is of COCO's form, with boxes."""
    if not isinstance(content, dict):
        return False
    keys = ("images", "annotations", "categories")
    if not all(isinstance(content.get(key), list) for key in keys):
        return False
    first = content["annotations"][:1000]
    return not first or any(map(_shows_a_place, first))


def _shows_a_place(annotation) -> bool:
    return isinstance(annotation, dict) and (
        "bbox" in annotation or bool(annotation.get("segmentation"))
    )


def read_coco(contents: dict, pictures: PictureNames) -> Annotations:
    """Read one or several files: each is a split if its name or folder says so.

    `bbox` is x, y, width and height in pixels. Ids of categories may begin anywhere
    and have gaps: classes are numbered in their order, those of further files by
    their names. A category without boxes that is called background, or that all
    others are kinds of, is not a class; one of these may have its name.

    Args:
        contents: Path of each file below the folder -> what it holds.
        pictures: The pictures of the folder.

    Raises:
        DataError: If categories cannot be told apart, or two files are for a split.
    """
    files, notes = files_of_splits(contents)
    listed = {path: _listed(path, contents[path]) for path in files.values()}
    dropped = _no_classes(contents, listed)
    categories = {path: _told_apart(path, listed[path], dropped) for path in listed}
    ids = {}  # name -> id, in the order of the classes
    for of_file in categories.values():
        for category_id, name in sorted(of_file.items()):
            ids.setdefault(name, category_id)
    notes += [
        f"The category {name!r} has no boxes: no class."
        for name in dict.fromkeys(name for name, _ in dropped)
        if name not in ids
    ]
    places = {name: place for place, name in enumerate(ids)}
    splits, findings = {}, []
    for title, path in files.items():
        class_of = {i: places.get(name, -1) for i, name in categories[path].items()}
        splits[title], found = _read(path, contents[path], class_of, pictures, title)
        findings += found
    numbers = list(ids.values())
    if len(set(numbers)) < len(numbers):  # files that number their classes otherwise
        numbers = range(1, len(numbers) + 1)
    return Annotations(
        FORMAT, tuple(ids), splits, tuple(numbers), tuple(findings), tuple(notes)
    )


def files_of_splits(paths) -> tuple[dict[str, str], list[str]]:
    """Return title -> file, "all" for one alone, and notes on what is left out.

    Of several files for one split that called "instances" is meant: others describe
    the same pictures in another manner.

    Raises:
        DataError: If it cannot be told which file is for which split.
    """
    found = {}
    for path in sorted(paths):
        found.setdefault(split_of(path), []).append(path)
    for title, several in found.items():
        instances = [path for path in several if "instances" in path.split("/")[-1]]
        if len(several) > 1:
            found[title] = instances or several
    ambiguous = next((several for several in found.values() if len(several) > 1), None)
    if ambiguous or (None in found and len(found) > 1):
        raise unusable(
            "The folder",
            "it must hold one json of boxes, or one for each split with train, val "
            f"or test in its name. Received: {examples(ambiguous or paths)}",
        )
    files = {title: path for title, (path,) in found.items()}
    if "train" not in files and len(files) == 1:
        files = dict(zip([WHOLE], files.values(), strict=True))
    others = sorted(set(paths) - set(files.values()))
    notes = [f"Further json, left out: {examples(others)}."] if others else []
    return files, notes


def _listed(path, content) -> list[tuple[int, str, str | None]]:
    """Return id, name and supercategory of each of a file's categories."""
    listed = []
    for category in content["categories"]:
        given = category if isinstance(category, dict) else {}
        category_id, name = integer(given.get("id")), name_of(given)
        if category_id is None or (problem := problem_of(name)):
            what = "no whole number as its id" if category_id is None else problem
            why = f"the category {category!r:.100} has {what}"
            if category_id is not None:
                why = f"the name of category {category_id}, {name!r:.100}, {problem}"
            raise unusable(printable(path), why)
        above = given.get("supercategory")
        above = composed(above) if isinstance(above, str) else None
        listed.append((category_id, name, above))
    if not listed:
        raise unusable(printable(path), "it has no categories")
    return listed


def name_of(category: dict):
    """Return the name of a category, composed; what is no text as it is."""
    name = category.get("name")
    return composed(name) if isinstance(name, str) else name


def _no_classes(contents, listed) -> list[tuple[str, str | None]]:
    """Return name and supercategory of the categories that stand for no objects."""
    used, found = set(), {}
    for path, categories in listed.items():
        annotations = filter(_is_dict, contents[path]["annotations"])
        ids = {integer(one.get("category_id")) for one in annotations}
        used |= {(name, above) for i, name, above in categories if i in ids}
        found |= dict.fromkeys((name, above) for _, name, above in categories)

    def stands_above_all(category):
        name = category[0]
        others = [other for other in found if other != category]
        is_above = [above == name for _, above in others]
        return any(is_above) and all(name in other for other in others)

    return [
        category
        for category in found
        if category not in used
        and len(found) > 1
        and (category[0].lower() in BACKGROUND or stands_above_all(category))
    ]


def _is_dict(value) -> bool:
    return isinstance(value, dict)


def _told_apart(path, listed, dropped) -> dict[int, str]:
    """Return id -> name of the categories of a file that are classes."""
    names = {}
    for category_id, name, above in listed:
        if (name, above) in dropped:
            continue
        shared = f"the id {category_id}" if category_id in names else None
        if shared or name in names.values():
            shared = shared or f"the name {name!r}"
            raise unusable(printable(path), f"two categories share {shared}")
        names[category_id] = name
    return names


def _read(path, content, class_of, pictures, title):
    """Return the pictures of a file, and what is wrong with it."""
    images, findings, file = {}, [], printable(path)
    unknown = set()  # ids of pictures that are reported already

    def report(kind, what, detail):
        findings.append(Finding("error", kind, printable(what), detail))

    listed = [i if isinstance(i, dict) else {} for i in content["images"]]
    names = [image.get("file_name") for image in listed]
    places = pictures.find_all(names, path, title)
    for image, name, place in zip(listed, names, places, strict=True):
        image_id = image.get("id")
        if isinstance(image_id, bool) or not isinstance(image_id, int | str):
            report("image without id", name, f"{file} gives it {image_id!r:.50}")
            continue
        if image_id in images:
            place = ValueError(f"has the id {image_id} of another picture")
        if isinstance(place, ValueError):
            unknown.add(image_id)
            report("missing image", name, f"{file} names it, but it {place}")
            continue
        stated = size(image.get("width"), image.get("height"))
        images[image_id] = place, stated, []
    for annotation in content["annotations"]:
        annotation = annotation if isinstance(annotation, dict) else {}
        image_id = annotation.get("image_id")
        if isinstance(image_id, int | str) and image_id in images:
            images[image_id][2].append(annotation)
        elif not isinstance(image_id, int | str) or image_id not in unknown:
            detail = f"a box is for the picture {image_id!r:.50}, which is not listed"
            report("box of no image", path, detail)
    records = [
        _record(place, stated, annotations, class_of, image_id)
        for image_id, (place, stated, annotations) in images.items()
    ]
    return records, findings


def _record(path, stated, annotations, class_of, image_id):
    return RawBoxes(
        path,
        array_of([_corners(one) for one in annotations]),
        np.array(
            [class_of.get(integer(a.get("category_id")), -1) for a in annotations],
            np.int64,
        ),
        stated,
        crowd=np.array([_is_crowd(a.get("iscrowd")) for a in annotations], bool),
        areas=np.array([number(a.get("area")) for a in annotations], np.float64),
        image_id=image_id,
        class_ids=[annotation.get("category_id") for annotation in annotations],
    )


def _is_crowd(value) -> bool:
    return value is True or integer(value) == 1


def _corners(annotation) -> list[float]:
    outline = annotation.get("segmentation")
    if "bbox" not in annotation and isinstance(outline, list) and outline:
        parts = [numbers(p, len(p)) for p in outline if isinstance(p, list)]
        x, y = ([n for part in parts for n in part[i::2]] for i in (0, 1))
        fits = 0 < len(x) == len(y)
        return extent(np.column_stack([x, y])) if fits else [math.nan] * 4
    x, y, width, height = numbers(annotation.get("bbox"), 4)
    return [x, y, x + width, y + height]
