"""Find the classes and images of a folder, opening no image."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from swin_keras.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
SPLIT_NAMES = {
    "train": ("train",),
    "val": ("val", "valid", "validation"),
    "test": ("test",),
}
WHOLE = "all"  # the title of a folder that is not split


@dataclass(frozen=True)
class Listing:
    """The image files of a folder.

    Args:
        root: The folder.
        splits: Title -> class -> sorted paths below `root`, with "/". The only
            title is "all" where the folder is not split.
        notes: What was left out, for the user.
    """

    root: Path
    splits: dict[str, dict[str, list[str]]]
    notes: tuple[str, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the classes of all splits, in lexical order."""
        return tuple(sorted(set().union(*self.splits.values())))

    def places(self) -> dict[str, tuple[str, str]]:
        """Return path -> (title, class), in the order of the paths."""
        return dict(
            sorted(
                (path, (title, name))
                for title, classes in self.splits.items()
                for name, paths in classes.items()
                for path in paths
            )
        )

    def without(self, left_out) -> "Listing":
        """Return the listing less some paths."""
        splits = {
            title: {
                name: [path for path in paths if path not in left_out]
                for name, paths in classes.items()
            }
            for title, classes in self.splits.items()
        }
        return replace(self, splits=splits)


def list_folder(root: Path, needs_train: bool = True) -> Listing:
    """List `root/class/*`, or `root/train/class/*` and its sister folders.

    Classes are folders; images may lie at any depth below them.

    Args:
        root: The folder.
        needs_train: Whether split folders without one for training are refused.

    Raises:
        DataError: If there are no class folders, or split folders that do not
            go together.
    """
    folders = visible_folders(root)
    if not folders:
        raise DataError(
            f"{root} must hold one folder of images for each class. "
            f"Received: no folders and {loose_images(root)} images."
        )
    found = {
        title: [f for f in folders if f.lower() in names and visible_folders(root / f)]
        for title, names in SPLIT_NAMES.items()
    }
    others = sorted(set(folders).difference(*found.values()))
    if not found["train"] and not (any(found.values()) and not needs_train):
        if not others:
            raise DataError(
                f"{root} must hold a train folder beside the others. "
                f"Received: {', '.join(folders)}."
            )
        return Listing(root, {WHOLE: list_classes(root, "")}, notes_on(root, []))
    for title, names in found.items():
        if len(names) > 1:
            raise DataError(
                f"{root} must hold one folder for {title}. "
                f"Received: {' and '.join(names)}. Rename or remove one."
            )
    splits = {
        title: list_classes(root, *names) for title, names in found.items() if names
    }
    return Listing(root, splits, notes_on(root, others))


def list_classes(root: Path, folder: str) -> dict[str, list[str]]:
    """Return class -> sorted paths below `root`, of the classes in a folder."""
    return {
        name: list_images(root, os.path.join(folder, name))
        for name in visible_folders(root / folder)
    }


def list_images(root: Path, folder: str) -> list[str]:
    """Return the images at any depth of a folder, sorted.

    Links are followed, but no folder is entered twice, so loops do no harm.
    """
    found, seen = [], set()
    for directory, subfolders, files in os.walk(root / folder, followlinks=True):
        status = os.stat(directory)
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if is_visible(name))
        below = Path(directory).relative_to(root)
        found += [(below / name).as_posix() for name in files if is_image(name)]
    return sorted(found)


def visible_folders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, less hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and is_visible(e.name))


def loose_images(folder: Path) -> int:
    """Count the images that lie in a folder itself."""
    with os.scandir(folder) as entries:
        return sum(entry.is_file() and is_image(entry.name) for entry in entries)


def is_visible(name: str) -> bool:
    return not name.startswith((".", "__MACOSX"))


def is_image(name: str) -> bool:
    return is_visible(name) and name.lower().endswith(EXTENSIONS)


def notes_on(root: Path, others: list[str]) -> tuple[str, ...]:
    """Say which folders and images of `root` are left out."""
    notes = [f"{name}/ is not a split with class folders: left out." for name in others]
    if count := loose_images(root):
        notes.append(f"Images in no class folder, left out: {count}.")
    return tuple(notes)


def structure_problems(listing: Listing) -> list[str]:
    """Say what is wrong with the classes, each in one sentence."""
    names = tuple(sorted(next(iter(listing.splits.values()))))
    problems = []
    if len(names) < 2:
        problems.append(f"There must be two classes or more, not only {names[0]!r}.")
    for title, classes in listing.splits.items():
        where = "" if title == WHOLE else f" in {title}"
        for name in sorted(set(names) | set(classes)):
            if name not in classes:
                problems.append(f"Class {name!r} of train is missing{where}.")
            elif name not in names:
                problems.append(f"Class {name!r}{where} is not in train.")
            elif not classes[name]:
                problems.append(f"Class {name!r} has no images{where}.")
    return problems


def emptiness(listing: Listing) -> list[str]:
    """Say that there are no images, if that is so."""
    return [] if listing.places() else ["There are no images in its class folders."]
