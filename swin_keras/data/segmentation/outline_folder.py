"""Make a data set of a folder of pictures and outlines: COCO's or LabelMe's json."""

from pathlib import Path

from swin_keras.data.boxes.files import annotation_files
from swin_keras.data.boxes.looking import headers
from swin_keras.data.boxes.pictures import PictureNames
from swin_keras.data.boxes.reading import FORMATS, find_formats
from swin_keras.data.dataset import FileSplit, ImageDataset
from swin_keras.data.folder import shorten
from swin_keras.data.image_io import UPRIGHT
from swin_keras.data.listing import WHOLE
from swin_keras.data.segmentation.outlines import (
    READERS,
    FilledOutlines,
    Outlines,
    values_of,
)
from swin_keras.data.segmentation.pairs import LAYOUT
from swin_keras.data.splitting import HeldOut
from swin_keras.data.targets import Masks
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError
from swin_keras.masks import IGNORED
from swin_keras.names import printable


def load_outlines(
    path,
    held_out: HeldOut | None,
    *,
    on_bad: str = "stop",
    grey_range=None,
    follow_links: bool = False,
) -> ImageDataset:
    """Read pictures whose outlines stand in COCO's or LabelMe's json.

    Class 0 is the background: what no outline holds. The arguments are those of
    `load_masks`.

    Raises:
        DataError: If there are none, or some cannot be used. All are listed.
    """
    root = Path(path)
    walk = Walk(root, follow_links)
    paths = [Path(p).relative_to(root).as_posix() for p in walk.images(root)]
    pictures = PictureNames(paths)
    found, damaged = find_formats(root, annotation_files(root, follow_links), pictures)
    found = {name: parts for name, parts in found.items() if name in READERS}
    if damaged and not found:
        raise next(iter(damaged.values()))
    if not found:
        raise DataError(
            f"{printable(root)} must hold {LAYOUT}; or pictures and their outlines, as "
            "COCO json or LabelMe json. Received: "
            f"{examples(walk.folders(root)) or 'no folders'}."
        )
    if len(found) > 1:
        given = " and ".join(FORMATS[name] for name in found)
        raise DataError(
            f"{printable(root)} must hold one kind of outlines. Received: {given}."
        )
    ((name, contents),) = found.items()
    annotations, shapes, problems = READERS[name](contents, pictures)
    problems = dict(problems)
    problems |= {f.path: f.detail for f in annotations.findings if f.level == "error"}
    problems |= {path: str(error) for path, error in damaged.items()}
    problems |= _twice(annotations.splits)
    used = [r for split in annotations.splits.values() for r in split]
    looks = headers(root, sorted({record.path for record in used}))
    items = {}
    for record in used:
        try:
            shape_list = tuple(shapes[record.path])
            items[record.path] = _fitted(record, looks[record.path], shape_list)
        except ValueError as problem:
            problems.setdefault(record.path, str(problem))
    if problems and on_bad == "stop":
        raise DataError(
            f"{len(problems)} files in {printable(root)} cannot be used:\n"
            + shorten(f"{printable(p)}: {why}" for p, why in problems.items())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    splits = {}
    for title, records in annotations.splits.items():
        usable = [r.path for r in records if r.path not in problems]
        targets = Masks([items[path] for path in usable], FilledOutlines())
        splits[title] = FileSplit(usable, targets, title, root, grey_range=grey_range)
    class_names = tuple(values_of(annotations.class_names))
    notes = (f"Masks are filled outlines, read as {FORMATS[name]}.", *annotations.notes)
    if held_out:
        if WHOLE in splits:
            splits = {"train": splits[WHOLE]}
        if not len(splits.get("train", ())):
            raise DataError(
                f"{printable(root)} cannot be used: there is no image with outlines "
                "to train on."
            )
        splits, more = held_out.complete(splits)
        notes = (*notes, *more, *_unseen(splits["train"], class_names))
    return ImageDataset(
        name=root.resolve().name,
        class_names=class_names,
        splits=splits,
        notes=(
            *notes,
            *(note for note in walk.notes() if " files, which are not" not in note),
        ),
        skipped=tuple((printable(root / p), why) for p, why in problems.items()),
    )


def _twice(splits) -> dict[str, str]:
    """Return what is wrong with pictures that have outlines in two places."""
    seen, problems = {}, {}
    for title, records in splits.items():
        for record in records:
            if record.path in seen:
                where = f"in {seen[record.path]} and in {title}"
                problems[record.path] = f"has outlines twice, {where}"
            seen[record.path] = title
    return problems


def _fitted(record, look, shapes) -> Outlines:
    """Return the outlines of a picture, turned with it if they must be.

    Raises:
        ValueError: If they are of a picture of another size.
    """
    if look.reason:
        raise ValueError(look.reason)
    stored, turn = look.size, look.orientation
    upright = stored[::-1] if turn >= 5 else stored
    size = upright if record.size is None else tuple(map(int, record.size))
    if size == upright:
        return Outlines(size, shapes)
    if size == stored and turn in UPRIGHT:
        return Outlines(size, shapes, turn)
    raise ValueError(
        f"has {upright[0]} x {upright[1]} pixels, its outlines are of {size[0]} x "
        f"{size[1]}"
    )


def _unseen(split, class_names) -> list[str]:
    """Report which classes training does not see."""
    seen = {shape.value for item in split.targets.items for shape in item.shapes}
    missing = [name for n, name in enumerate(class_names) if n and n not in seen]
    if not missing or seen == {IGNORED}:
        return []
    listed = ", ".join(map(repr, missing[:5])) + ", ..." * (len(missing) > 5)
    return [f"No outline in train, cannot be learned: {listed}."]
