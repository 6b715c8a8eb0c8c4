"""A folder of pictures with boxes -> records, whatever format it is in."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from swin_keras.data.boxes import coco, labelme, voc, yolo, yolo_yaml
from swin_keras.data.boxes.files import annotation_files, is_part, read_json
from swin_keras.data.boxes.looking import headers, on_pictures
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.data.boxes.records import Annotations, BoxSet, unusable
from swin_keras.data.boxes.tidy import tidy
from swin_keras.data.findings import Finding
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError, UsageError, nearest_name
from swin_keras.files import expanded
from swin_keras.names import printable

FORMATS = {
    "coco": coco.FORMAT,
    "yolo": yolo.FORMAT,
    "voc": voc.FORMAT,
    "labelme": labelme.FORMAT,
}
LISTS = "/ImageSets/Main/"  # the folder of VOC's lists


def read_boxes(
    root,
    *,
    box_format: str | None = None,
    voc_from_zero: bool = False,
    follow_links: bool = False,
    decode: bool = False,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> BoxSet:
    """Read a folder of pictures and their boxes; which format it is, is seen.

    What is wrong with files, pictures and boxes is among the
    `findings`; pictures that cannot be used are left out.

    Args:
        root: The folder.
        box_format: "coco", "yolo", "voc" or "labelme", for a folder of several.
        voc_from_zero: Whether pixels of Pascal VOC count from 0 even if no 0 occurs.
        follow_links: Whether links may lead out of the folder.
        decode: Whether to decode the pixels of all pictures, to find damaged ones.
        grey_range: As for `load_dataset`.
        progress: Called with `(done, total)` after each picture.

    Raises:
        DataError: If there are no boxes to be read, or those of two formats.
        UsageError: If `box_format` is none.
    """
    if box_format not in (None, *FORMATS):
        raise UsageError(
            f"`box_format` must be one of {', '.join(FORMATS)}. "
            f"Received: {box_format!r}.{nearest_name(box_format, FORMATS)}"
        )
    root = expanded(root)
    if not root.is_dir():
        raise DataError(
            "Pictures and their boxes must be in a folder. "
            f"Received: {printable(root)}."
        )
    walk = Walk(root, follow_links)
    pictures = pictures_of(root, walk)
    if not pictures.paths:
        raise unusable(printable(root), "it holds no pictures")
    annotations = read_annotations(
        root, pictures, box_format, follow_links, voc_from_zero
    )
    looked_at = {raw.path for split in annotations.splits.values() for raw in split}
    looks = headers(
        root,
        sorted(looked_at),
        decode=decode,
        grey_range=grey_range,
        progress=progress,
    )
    splits, findings, notes = tidy_splits(annotations, looks)
    notes += notes_on_others(pictures, looked_at)
    return BoxSet(
        root=root,
        name=printable(root.resolve().name),
        format=annotations.format,
        class_names=annotations.class_names,
        splits=splits,
        category_ids=annotations.category_ids
        or tuple(range(1, len(annotations.class_names) + 1)),
        findings=(
            *annotations.findings,
            *findings,
            *on_pictures(looks, grey_range),
        ),
        notes=(
            f"Boxes are read as {annotations.format}.",
            *annotations.notes,
            *notes,
            *(note for note in walk.notes() if " files, which are not" not in note),
        ),
        voc_from_zero=annotations.voc_from_zero,
    )


def notes_on_others(pictures: PictureNames, used: set[str]) -> list[str]:
    """Report the pictures of a folder that are not used, without any an empty list."""
    left_out = sorted(set(pictures.paths) - used)
    if not left_out:
        return []
    return [
        "Pictures left out, which no annotations speak of or which are in no split: "
        f"{len(left_out)} ({examples(left_out)})."
    ]


def holds_boxes(root, follow_links: bool = False) -> str | None:
    """Return as which format a folder's boxes would be read, `None` without any."""
    root = Path(root)
    files, _ = annotation_files(root, follow_links)
    if not files:
        return None
    found, _ = find_formats(root, files, pictures_of(root, Walk(root, follow_links)))
    is_named_only = list(found.get("yolo", ())) == [yolo_yaml.names_file(root, files)]
    names = [name for name in found if not (name == "yolo" and is_named_only)]
    return " and ".join(FORMATS[name] for name in names) or None


def pictures_of(root, walk) -> PictureNames:
    """Return the pictures of a folder that holds annotations, too."""
    found = walk.images(root, is_part)
    return PictureNames(Path(path).relative_to(root).as_posix() for path in found)


def read_annotations(
    root,
    pictures: PictureNames,
    box_format=None,
    follow_links: bool = False,
    voc_from_zero: bool = False,
) -> Annotations:
    """Read what the files of annotations say, and open no picture.

    Raises:
        DataError: If there are no boxes to be read, or those of two formats.
    """
    files, links = annotation_files(root, follow_links)
    found, damaged = find_formats(root, files, pictures)
    if box_format:
        found = {name: parts for name, parts in found.items() if name == box_format}
    if damaged and not found:
        raise next(iter(damaged.values()))
    if damaged and set(found) == {"coco"}:  # it may be a whole split that is gone
        raise next(iter(damaged.values()))
    if not found:
        raise unusable(
            printable(root),
            f"it holds no {FORMATS[box_format] if box_format else 'boxes'}. Boxes are "
            "read from COCO json, YOLO txt with a data.yaml, Pascal VOC xml and "
            "LabelMe json",
        )
    if len(found) > 1:
        several = " and ".join(
            f"{FORMATS[name]} ({printable(next(iter(parts)))})"
            for name, parts in found.items()
        )
        raise unusable(
            printable(root),
            f"it holds {several}, and only one of them can be meant. Remove the "
            f"others, or choose one, such as with box_format={next(iter(found))!r}",
        )
    ((name, parts),) = found.items()
    if name == "coco":
        annotations = coco.read_coco(parts, pictures)
    elif name == "labelme":
        annotations = labelme.read_labelme(parts, pictures)
    elif name == "voc":
        lists = [f for f in files if f.endswith(".txt") and LISTS in f"/{f}"]
        annotations = voc.read_voc(root, list(parts), lists, pictures, voc_from_zero)
    else:
        annotations = yolo.read_yolo(root, files, pictures)
    more = [
        Finding("error", "damaged", printable(path), str(error))
        for path, error in damaged.items()
        if name == "labelme"
    ]
    return replace(
        annotations,
        findings=(*annotations.findings, *more),
        notes=(
            *annotations.notes,
            *notes_on_json(files, {**parts, **damaged}),
            *links,
        ),
    )


def notes_on_json(files, read) -> tuple[str, ...]:
    """Report which JSON files of a folder hold nothing that is read."""
    others = [f for f in files if f.lower().endswith(".json") and f not in read]
    if not others:
        return ()
    return (f"JSON that is not read: {len(others)} ({examples(others)}).",)


def find_formats(root, files, pictures: PictureNames):
    """Return format -> its files, with what is read of them; and path -> error.

    Args:
        root: The folder.
        files: What may hold annotations, below it.
        pictures: The pictures of the folder.
    """
    found, damaged = {name: {} for name in FORMATS}, {}
    for path in files:
        try:
            if path.lower().endswith(".json"):
                content = read_json(Path(root) / path)
                if coco.is_coco(content):
                    found["coco"][path] = content
                elif labelme.is_labelme(content):
                    content.pop("imageData", None)  # the picture itself, perhaps
                    found["labelme"][path] = content
            elif path.lower().endswith(".xml") and voc.is_voc(Path(root) / path):
                found["voc"][path] = None
        except DataError as error:
            damaged[path] = error
    labels = yolo.label_files(files, pictures.paths)
    named = yolo_yaml.names_file(root, files)
    others = any(found.values())
    if any("/labels/" in f"/{path}" for path in labels) or (
        named and (labels or not others)
    ):
        found["yolo"] = dict.fromkeys(labels or [named])
    return {name: parts for name, parts in found.items() if parts}, damaged


def tidy_splits(annotations: Annotations, looks):
    """Return title -> records, findings on pictures and boxes, and notes.

    Args:
        annotations: What the files say.
        looks: Path -> header of each picture that they speak of.
    """
    splits, findings, guessed, seen = {}, [], [], {}
    for title, raws in annotations.splits.items():
        splits[title] = []
        for raw in raws:
            name, look = printable(raw.path), looks[raw.path]
            if raw.path in seen:
                detail = f"has boxes twice, in {seen[raw.path]} and in {title}"
                findings.append(Finding("error", "picture twice", name, detail))
                continue
            seen[raw.path] = title
            if look.reason:
                findings.append(Finding("error", "unreadable", name, look.reason))
                continue
            record, found, is_guess = tidy(
                raw, look.size, look.orientation, annotations.class_names
            )
            findings += found
            if is_guess:
                guessed.append(raw.path)
            if record is not None:
                splits[title].append(record)
    return splits, findings, list(notes_on_turning(guessed, "boxes"))


def notes_on_turning(guessed, what: str) -> tuple[str, ...]:
    """Report pictures of which nothing says on which side up boxes were drawn."""
    if not guessed:
        return ()
    return (
        f"{len(guessed)} pictures are turned upright as their EXIF asks, and "
        f"nothing says whether their {what} were drawn on the turned picture; they "
        f"are taken to be ({examples(guessed)}).",
    )
