"""Find the image files of a folder, and say what is left out of it."""

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from swin_keras.data.image_file import FORMATS_OF, begins_as_image, kind_of
from swin_keras.names import printable

EXTENSIONS = tuple(FORMATS_OF)
OF_SYSTEMS = {"thumbs.db", "desktop.ini"}  # what nobody put there
SYSTEM = {"/proc", "/sys", "/dev"}
EXAMPLES = 3

ABOVE = "links to the folder itself or above it"
INSIDE = "links to folders that are listed already"
TO_SYSTEM = "links to files of the system"
OUTSIDE = "links that lead out of the folder, unless --follow-links true"
NO_ENDING = "files without an ending that are not pictures"
OURS = "folders of runs, exports or studies"
# What tells these, from before there is a picture in them.
_MARKS = (".lock", "log.txt"), ("card.json", "model.keras"), ("trials", "study.json")


@dataclass
class Walk:
    """Files and folders below a root, with what was left out on the way.

    A link is followed where it stands for a class or a split. Any other that leads
    out of the root is followed only when asked, and none is that leads to the
    root, above it, or to what is listed already. What this package writes is no data:
    no folder of a run is entered, and one that holds nothing else is no class.

    Args:
        root: The folder.
        follow_links: Whether links may lead out of it anywhere.

    Attributes:
        left_out: Kind -> paths below the root.
    """

    root: Path
    follow_links: bool = False
    left_out: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self):
        root = os.path.realpath(self.root)
        self._inside = {root}  # the root, and where links led
        self._above = set(lineage(root))
        self._folders = {}

    def folders(self, folder) -> list[str]:
        """Return the names of the folders for classes or splits, sorted."""
        if folder not in self._folders:  # asking again would find links listed
            self._folders[folder] = sorted(
                entry.name
                for entry in sorted(self._entries(folder), key=lambda e: e.name)
                if _is_folder(entry) and self._is_data(entry, True)
            )
        return self._folders[folder]

    def loose_images(self, folder) -> int:
        """Count the images that lie in a folder itself."""
        return sum(is_image(e.name) and _is_file(e) for e in self._entries(folder))

    def images(self, folder, is_expected=lambda name: False) -> list[str]:
        """Return the images at any depth of a folder, as sorted full paths.

        Args:
            folder: The folder.
            is_expected: Takes a name; whether a link of this name is followed.
        """
        found, waiting = [], [os.fspath(folder)]
        while waiting:
            for entry in self._entries(waiting.pop()):
                if not _is_folder(entry):
                    found += [entry.path] * self._is_wanted(entry)
                elif self._is_data(entry, is_expected(entry.name)):
                    waiting.append(entry.path)
        return sorted(found)

    def notes(self) -> tuple[str, ...]:
        """Report what was left out: each kind with its number and three examples."""
        return tuple(
            f"{len(paths)} left out: {kind} ({examples(paths)})."
            for kind, paths in sorted(self.left_out.items())
        )

    def _entries(self, folder) -> Iterator[os.DirEntry]:
        try:
            with os.scandir(folder) as entries:
                yield from (e for e in entries if is_visible(e.name))
        except OSError as error:
            self._leave_out(f"folders that cannot be read ({error.strerror})", folder)

    def _is_wanted(self, entry):
        kind = self._reason_against(entry)
        if kind:
            self._leave_out(kind, entry.path)
        return not kind

    def _reason_against(self, entry) -> str | None:
        if entry.is_symlink():
            try:
                mode = entry.stat().st_mode
            except OSError:  # leads nowhere: an image that cannot be read
                return None if is_image(entry.name) else "links that lead nowhere"
            target = os.path.realpath(entry.path)
            if is_below(target, SYSTEM):
                return TO_SYSTEM
            if not (is_below(target, self._inside) or self.follow_links):
                return OUTSIDE
        elif not entry.is_file():
            mode = entry.stat().st_mode
        if not entry.is_file():
            return f"{kind_of(mode)}, which is not a file"
        if is_image(entry.name):
            return None
        ending = os.path.splitext(entry.name)[1].lower()
        if ending:
            return f"{printable(ending)} files, which are not read"
        return None if begins_as_image(entry.path) else NO_ENDING

    def _may_enter(self, link, is_expected) -> bool:
        """Return whether to follow a link to a folder, and remember where it led."""
        target = os.path.realpath(link)
        if target in self._above:
            kind = ABOVE
        elif is_below(target, self._inside):
            kind = INSIDE
        elif is_below(target, SYSTEM):
            kind = TO_SYSTEM
        elif not (is_expected or self.follow_links):
            kind = OUTSIDE
        else:
            self._inside.add(target)
            self._above.update(os.path.dirname(up) for up in lineage(target))
            return True
        self._leave_out(kind, link)
        return False

    def _is_data(self, entry, is_expected) -> bool:
        """Return whether a folder may hold data, and note why it does not."""
        if entry.is_symlink() and not self._may_enter(entry.path, is_expected):
            return False
        ours = written_here(entry.path)
        for path in ours:
            self._leave_out(OURS, path)
        return not ours

    def _leave_out(self, kind, path):
        self.left_out[kind].add(os.path.relpath(path, self.root))


def is_ours(folder) -> bool:
    """Return whether a folder is that of a run, an export or a study."""
    return any(
        all(os.path.exists(os.path.join(folder, m)) for m in ms) for ms in _MARKS
    )


def written_here(folder) -> list[str]:
    """Return the folders of runs and the like that a folder is, or holds alone."""
    if is_ours(folder):
        return [folder]
    found = []
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not is_visible(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                inside = written_here(entry.path)
                if not inside:
                    return []
                found += inside
            elif is_image(entry.name):
                return []
    return found


def _is_folder(entry) -> bool:
    """Return whether this is a folder or a link to one; no link to itself is."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def examples(paths) -> str:
    """Return three of some paths for a message: "a.xyz, b.xyz, c.xyz, ..."."""
    shown = [printable(path) for path in sorted(paths)[:EXAMPLES]]
    return ", ".join(shown + ["..."] * (len(paths) > EXAMPLES))


def is_visible(name: str) -> bool:
    return not name.startswith((".", "__MACOSX")) and name.lower() not in OF_SYSTEMS


def is_image(name: str) -> bool:
    return name.lower().endswith(EXTENSIONS)


def is_below(path: str, folders: set[str]) -> bool:
    """Return whether a real path is one of some folders or below it."""
    return not folders.isdisjoint(lineage(path))


def lineage(path: str) -> Iterator[str]:
    """Yield a real path and all folders above it.

    >>> list(lineage("/a/b"))
    ['/a/b', '/a', '/']
    """
    while path != "/":
        yield path
        path = os.path.dirname(path)
    yield path
