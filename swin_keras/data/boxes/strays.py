"""Pictures that only have the name of another one, which is meant and is gone."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from swin_keras.data.boxes.picture_paths import parts_of, same_end, same_start
from swin_keras.names import composed


class _Found(NamedTuple):
    """A picture that was found by a name: the parts of that, and how many fit it."""

    path: str
    parts: list[str]
    fit: int

    def folders(self, count: int) -> tuple[str, ...]:
        """Return the last folders of the name."""
        return tuple(self.parts[-count - 1 : -1])

    @property
    def amiss(self) -> tuple[str, ...]:
        """The last folders of the name up to that which the picture is not in."""
        return self.folders(self.fit) if self.fit < len(self.parts) else ()


def without_strays(names: Iterable, found: list) -> list:
    """Return the pictures that names lead to, and a `ValueError` for each stray.

    A folder that some names fit is here: one that names it and fits a picture without
    it means another one, which is not there. So does one of several names that lead to
    the same picture, if it fits in fewer parts; its folder is another one, then.

    Args:
        names: Names of pictures, perhaps with folders.
        found: The picture of each, or a `ValueError`.
    """
    named = [_found(name, path) for name, path in zip(names, found, strict=True)]
    best, known = defaultdict(int), set()
    for one in filter(None, named):
        best[one.path] = max(best[one.path], one.fit)
    for one in filter(None, named):
        known |= {one.folders(count) for count in range(1, one.fit)}
        if one.fit < best[one.path]:
            known.add(one.amiss)
    known.discard(())
    return [
        ValueError("is not in the folder")
        if one and (one.fit < best[one.path] or one.amiss in known)
        else path
        for one, path in zip(named, found, strict=True)
    ]


def near_files(names: dict, found: list) -> list:
    """Return the pictures of files, and a `ValueError` for each that is too far away.

    A picture whose folder its file does not name must have as many folders in common
    with that as the pictures of other files beside it.

    Args:
        names: File -> the name that it gives its picture.
        found: The picture of each, or a `ValueError`.
    """
    named = [
        _found(name, path) for name, path in zip(names.values(), found, strict=True)
    ]
    nearness = [
        same_start(_folders_of(one.path), _folders_of(file)) if one else 0
        for one, file in zip(named, names, strict=True)
    ]
    nearest = defaultdict(int)
    for file, near in zip(names, nearness, strict=True):
        nearest[_folders_of(file)] = max(nearest[_folders_of(file)], near)
    return [
        ValueError(f"is only in another folder, as {one.path}")
        if one and one.fit < 2 and near < nearest[_folders_of(file)]
        else path
        for one, file, near, path in zip(named, names, nearness, found, strict=True)
    ]


def _found(name, path) -> _Found | None:
    if isinstance(path, ValueError):
        return None
    parts = parts_of(name)
    return _Found(path, parts, same_end(composed(path).split("/"), parts))


def _folders_of(path) -> tuple[str, ...]:
    return tuple(path.split("/")[:-1])
