"""Pictures and their outlines, looked at: COCO's or LabelMe's json."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from swin_keras.data.boxes.files import annotation_files
from swin_keras.data.boxes.looking import Header, headers
from swin_keras.data.boxes.reading import (
    FORMATS,
    find_formats,
    notes_on_json,
    notes_on_others,
    notes_on_turning,
    pictures_of,
)
from swin_keras.data.boxes.tidy import is_guess
from swin_keras.data.image_io import UPRIGHT
from swin_keras.data.inspection import Look
from swin_keras.data.segmentation.outlines import (
    READERS,
    FilledOutlines,
    Outlines,
    values_of,
)
from swin_keras.data.segmentation.pairs import LAYOUT
from swin_keras.data.splits import FileSplit
from swin_keras.data.targets import Masks
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError
from swin_keras.masks import IGNORED
from swin_keras.names import printable


@dataclass(frozen=True)
class OutlineFolder:
    """Pictures and their outlines; asked as a `MaskFolder` is.

    Args:
        root: The folder.
        class_names: The background's, then those of the outlines.
        pictures: Title -> pictures; "all" is the only title without splits.
        outlines: Picture -> its outlines, of what can be used.
        looks: Picture -> what its header tells.
        problems: Path -> why it cannot be used.
        notes: What was decided on the way, for the user.
    """

    root: Path
    class_names: tuple[str, ...]
    pictures: dict[str, list[str]]
    outlines: dict[str, Outlines]
    looks: dict[str, Header]
    problems: dict[str, str]
    notes: tuple[str, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        return tuple(self.pictures)

    @property
    def turned(self) -> list[str]:
        """The pictures whose outlines are turned with them."""
        return [path for path, one in self.outlines.items() if one.orientation != 1]

    def usable(self, title: str) -> list[str]:
        """Return the pictures of a split that can be used."""
        return [path for path in self.pictures[title] if path in self.outlines]

    def image_looks(self, title: str) -> dict[str, Look]:
        """Return picture -> what was found of it, of those that were decoded."""
        looks = {path: self.looks[path].look for path in self.usable(title)}
        return {path: look for path, look in looks.items() if look}

    def pixels(self, title: str) -> np.ndarray:
        """Return the pixels of each class in what can be used: `(classes,)`."""
        return self._counts_of(title).sum(0)

    def images(self, title: str) -> np.ndarray:
        """Return how many usable pictures show each class: `(classes,)`."""
        return (self._counts_of(title) > 0).sum(0)

    def area(self, title: str) -> int:
        """Return the pixels of all masks that can be used."""
        sizes = [self.outlines[path].size for path in self.usable(title)]
        return sum(width * height for width, height in sizes)

    def split(self, title: str, grey_range=None) -> FileSplit:
        """Return what can be used of a split."""
        usable = self.usable(title)
        targets = Masks([self.outlines[path] for path in usable], FilledOutlines())
        return FileSplit(usable, targets, title, self.root, grey_range=grey_range)

    def unseen(self, split) -> tuple[str, ...]:
        """Report which classes a split for training does not show."""
        seen = {shape.value for item in split.targets.items for shape in item.shapes}
        missing = [n for v, n in enumerate(self.class_names) if v and v not in seen]
        if not missing or seen == {IGNORED}:
            return ()
        listed = ", ".join(map(repr, missing[:5])) + ", ..." * (len(missing) > 5)
        return (f"No outline in train, cannot be learned: {listed}.",)

    @cached_property
    def _counts(self) -> dict[str, np.ndarray]:
        fill, classes = FilledOutlines(), len(self.class_names)
        return {
            path: np.bincount(fill(item).ravel(), minlength=IGNORED + 1)[:classes]
            for path, item in self.outlines.items()
        }

    def _counts_of(self, title):
        counts = [self._counts[path] for path in self.usable(title)]
        return np.array(counts, np.int64).reshape(-1, len(self.class_names))


def look_into_outlines(
    path,
    *,
    decode: bool,
    follow_links: bool = False,
    grey_range=None,
    progress: Callable[[int, int], None] | None = None,
) -> OutlineFolder:
    """Read the outlines of a folder, and look at the pictures that they are of.

    Class 0 is the background: what no outline holds.

    Args:
        path: The folder.
        decode: Whether to decode the pictures.
        follow_links: Whether links may lead out of the folder.
        grey_range: What pictures will be read with.
        progress: Called with `(done, total)` after each picture.

    Raises:
        DataError: If there are none, or those of two formats.
    """
    root = Path(path)
    walk = Walk(root, follow_links)
    pictures = pictures_of(root, walk)
    files, links = annotation_files(root, follow_links)
    found, damaged = find_formats(root, files, pictures)
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
    class_names = tuple(values_of(annotations.class_names))
    if len(class_names) > IGNORED:
        raise DataError(
            f"Masks must have at most {IGNORED} classes, the background among them: "
            f"their pixels are bytes, of which {IGNORED} is ignored. Received: "
            f"{len(class_names)} in {printable(root)}."
        )
    problems = dict(problems)
    problems |= {f.path: f.detail for f in annotations.findings if f.level == "error"}
    problems |= {path: str(error) for path, error in damaged.items()}
    problems |= _twice(annotations.splits)
    used = [r for split in annotations.splits.values() for r in split]
    paths = {record.path for record in used}
    looks = headers(
        root,
        sorted(paths),
        decode=decode,
        grey_range=grey_range,
        progress=progress,
    )
    outlines, guessed = {}, []
    for record in used:
        look, of_picture = looks[record.path], tuple(shapes[record.path])
        try:
            outlines[record.path] = _fitted(record, look, of_picture)
        except ValueError as problem:
            problems.setdefault(record.path, str(problem))
        else:
            if of_picture and is_guess(record.size, look.size, look.orientation):
                guessed.append(record.path)
    splits = annotations.splits
    return OutlineFolder(
        root=root,
        class_names=class_names,
        pictures={title: [r.path for r in split] for title, split in splits.items()},
        outlines={p: one for p, one in outlines.items() if p not in problems},
        looks=looks,
        problems=problems,
        notes=(
            f"Masks are filled outlines, read as {FORMATS[name]}.",
            *annotations.notes,
            *notes_on_others(pictures, paths),
            *notes_on_turning(guessed, "outlines"),
            *notes_on_json(files, {**contents, **damaged}),
            *links,
            *(note for note in walk.notes() if " files, which are not" not in note),
        ),
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
