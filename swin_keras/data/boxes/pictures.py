"""Which picture of a folder a file of annotations means."""

import os
from collections import defaultdict
from collections.abc import Iterable
from operator import attrgetter
from pathlib import PurePosixPath

from swin_keras.data.boxes.picture_paths import parts_of, same_end, same_start
from swin_keras.data.boxes.strays import near_files, without_strays
from swin_keras.data.split_folders import SPLIT_NAMES, WHOLE, title_of
from swin_keras.names import composed

LONGEST_END = 3  # parts of a path by which pictures are looked up


class PictureNames:
    """Finds pictures by the names that files of annotations give them.

    Nothing is opened that a file names: a name only chooses among pictures that
    were listed, so no path leads out of the folder.

    Args:
        paths: The pictures, below the folder, with "/".
    """

    def __init__(self, paths: Iterable[str]):
        self.paths = list(paths)
        self._of_end, self._of_stem = defaultdict(list), defaultdict(list)
        self._folders = {split_of_folders(path) for path in self.paths} - {None}
        for path in self.paths:
            parts = composed(path).split("/")
            for count in range(1, min(len(parts), LONGEST_END) + 1):
                self._of_end[tuple(parts[-count:])].append(path)
            self._of_stem[os.path.splitext(parts[-1])[0]].append(path)

    def find(self, name, beside: str = "", title: str | None = None) -> str:
        """Return the picture that a name means.

        A name may have folders, also those of the computer where it was written:
        the picture whose path ends like it in the most parts is meant; of equal
        ones that in a folder of the same split, or nearest to the file. Where its
        split has a folder of pictures, one in that of another must be named with it.
        "../" at the beginning, and how a letter with an accent is stored, mean nothing.

        Args:
            name: As the file has it.
            beside: The file, below the folder.
            title: The split that the file is for.

        Raises:
            ValueError: If there is none, or several. The message says it of the name.
        """
        parts = parts_of(name)
        for count in range(min(len(parts), LONGEST_END), 0, -1):
            if found := self._of_end.get(tuple(parts[-count:])):
                return self._nearest(found, parts, beside, title)
        raise ValueError("is not in the folder")

    def find_all(self, names, beside: str = "", title: str | None = None) -> list:
        """Return what `find` does for each name of a file, or its `ValueError`.

        One whose folder is here, but not it, finds no other: see `without_strays`.
        """
        found = [_or_error(self.find, name, beside, title) for name in names]
        return without_strays(names, found)

    def find_each(self, names: dict) -> dict:
        """Return file -> its picture, or a `ValueError`, for files of one picture each.

        The name in a file counts first, then the file's own: it may be renamed
        together with its picture. Neither finds another one: see `without_strays` and
        `near_files`.

        Args:
            names: File below the folder -> the name that it gives its picture.
        """
        names, found = dict(names), []
        for file, name in names.items():
            title, stem = split_of_folders(file), PurePosixPath(file).stem
            picture = _or_error(self.find, name, file, title)
            if isinstance(picture, ValueError):
                by_stem = _or_error(self.find_stem, stem, file, title)
                if not isinstance(by_stem, ValueError):
                    picture, names[file] = by_stem, PurePosixPath(by_stem).name
            found.append(picture)
        found = near_files(names, without_strays(names.values(), found))
        return dict(zip(names, found, strict=True))

    def find_stem(self, stem: str, beside: str = "", title: str | None = None) -> str:
        """Return the picture of a file's name without its ending, as `find` does."""
        found = self._of_stem.get(composed(stem), [])
        if not found:
            raise ValueError("is the name of no picture in the folder")
        return self._nearest(found, [stem], beside, title)

    def _nearest(self, found, parts, beside, title):
        nearest = _nearest(found, parts, beside, title)
        split = split_of_folders(nearest)
        is_elsewhere = title in self._folders and split not in (None, title)
        if is_elsewhere and split_of_folders("/".join(parts)) != split:
            raise ValueError(f"is only in a folder of another split, as {nearest}")
        return nearest


def split_of(path: str) -> str | None:
    """Return the split that a path's folders or its name speak of, or `None`.

    >>> split_of("annotations/instances_train2017.json"), split_of("valid/a.json")
    ('train', 'val')
    """
    *folders, name = path.split("/")
    for text in (os.path.splitext(name)[0], *reversed(folders)):
        letters = "".join(c if c.isalpha() else " " for c in text)
        titles = {title for word in letters.split() if (title := title_of(word))}
        if len(titles) == 1:
            return titles.pop()
    return None


def split_of_folders(path: str) -> str | None:
    """Return the split that the folders of a path stand for, or `None`."""
    folders = path.split("/")[:-1]
    return next(filter(None, map(title_of, reversed(folders))), None)


def by_folders(items, path_of=attrgetter("path")):
    """Return title -> items by the folders of their pictures, and notes.

    Beside a folder for validation or the test, pictures in no such folder are for
    training unless there is a folder for that, too. "all" is the only title where
    no picture is in a folder of another split.

    Args:
        items: What belongs to pictures.
        path_of: Returns the path of the picture of one.
    """
    splits = defaultdict(list)
    for item in items:
        splits[split_of_folders(path_of(item))].append(item)
    others = splits.pop(None, [])
    if not splits or not (others or "train" in splits):
        return {WHOLE: list(items)}, []
    if "train" in splits:
        note = f"Pictures in no split folder, left out: {len(others)}."
    else:
        note = f"Pictures in no split folder are for training: {len(others)}."
        splits["train"] = others
    notes = [note] * bool(others)
    return {title: splits[title] for title in SPLIT_NAMES if title in splits}, notes


def _nearest(found, parts, beside, title):
    if len(found) == 1:
        return found[0]
    folders = os.path.dirname(beside).split("/")

    def nearness(path):
        ours = composed(path).split("/")
        is_same_split = title is not None and split_of_folders(path) == title
        start = same_start(path.split("/")[:-1], folders)
        return same_end(ours, parts), is_same_split, start

    near = list(map(nearness, found))
    best = max(near)
    nearest = [path for path, its in zip(found, near, strict=True) if its == best]
    if len(nearest) > 1:
        raise ValueError(f"may be {nearest[0]} or {nearest[1]}")
    return nearest[0]


def _or_error(find, *args):
    """Return what is found, or the `ValueError` that says why nothing is."""
    try:
        return find(*args)
    except ValueError as problem:
        return problem
