"""Read a folder of images: `root/class/*.jpg`, or `root/train/class/*.jpg`."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from swin_keras.data.dataset import FileSplit, ImageDataset
from swin_keras.data.image_io import ImageError, open_image
from swin_keras.data.splitting import complete_splits
from swin_keras.errors import DataError, UsageError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")
SPLIT_NAMES = {
    "train": ("train",),
    "val": ("val", "valid", "validation"),
    "test": ("test",),
}
WHOLE = "all"  # the title of a folder that is not split


@dataclass(frozen=True)
class Listing:
    """The image files of a folder, opened by nobody yet.

    Args:
        root: The folder.
        splits: Title -> class -> sorted paths below `root`, with "/". The only
            title is "all" where the folder is not split.
        notes: What was left out, for the user.
    """

    root: Path
    splits: dict[str, dict[str, list[str]]]
    notes: tuple[str, ...] = ()

    def paths(self) -> list[str]:
        """Return all paths, sorted."""
        return sorted(
            path
            for classes in self.splits.values()
            for paths in classes.values()
            for path in paths
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


def load_folder(
    root, *, val_fraction: float = 0.1, seed: int = 0, on_bad: str = "stop"
) -> ImageDataset:
    """Read a folder of class folders, with or without split folders above them.

    Headers are read, pixels are not: `check_folder` decodes every image.

    Args:
        root: The folder.
        val_fraction: Share of the images held out for each missing split.
        seed: Chooses which.
        on_bad: "stop" at files that are no usable images, or "skip" them.

    Raises:
        DataError: If files or classes are not as they must be. All are listed.
    """
    if on_bad not in ("stop", "skip"):
        raise UsageError(f"`on_bad` must be 'stop' or 'skip'. Received: {on_bad!r}.")
    listing = list_folder(Path(root))
    bad = bad_headers(listing)
    if bad and on_bad == "stop":
        raise DataError(
            f"{len(bad)} of {len(listing.paths())} files in {root} cannot be used:\n"
            + shorten(f"  {path}: {reason}" for path, reason in bad.items())
            + "\nRepair or remove them, or leave them out with on_bad='skip'."
        )
    listing = listing.without(bad)
    problems = structure_problems(listing)
    if problems:
        raise DataError(
            f"{root} cannot be used:\n" + shorten(f"  {p}" for p in problems)
        )
    splits = file_splits(listing)
    if WHOLE in splits:
        splits = {"train": splits[WHOLE]}
    splits, notes = complete_splits(splits, val_fraction, seed)
    if bad:
        notes = (f"{len(bad)} files that cannot be used are left out.", *notes)
    return ImageDataset(
        name=Path(root).resolve().name,
        class_names=class_names(listing),
        splits=splits,
        notes=listing.notes + notes,
        skipped=tuple((str(listing.root / path), bad[path]) for path in bad),
    )


def list_folder(root: Path) -> Listing:
    """Find the classes and images of a folder; open none.

    Raises:
        DataError: If there are no class folders, or split folders that do not
            go together.
    """
    folders = visible_folders(root)
    if not folders:
        raise DataError(
            f"{root} must hold one folder of images for each class. "
            f"Received: no folders{_loose(root)}."
        )
    titled = {
        title: [f for f in folders if f.lower() in names and visible_folders(root / f)]
        for title, names in SPLIT_NAMES.items()
    }
    split_folders = [folder for found in titled.values() for folder in found]
    if not titled["train"]:
        if len(split_folders) == len(folders):
            raise DataError(
                f"{root} must hold a train folder beside the others. "
                f"Received: {', '.join(folders)}."
            )
        return Listing(root, {WHOLE: list_classes(root, "")}, _left_out(root, []))
    for title, found in titled.items():
        if len(found) > 1:
            raise DataError(
                f"{root} must hold one folder for {title}. "
                f"Received: {' and '.join(found)}. Rename or remove one."
            )
    splits = {
        title: list_classes(root, found[0]) for title, found in titled.items() if found
    }
    others = [folder for folder in folders if folder not in split_folders]
    return Listing(root, splits, _left_out(root, others))


def list_classes(root: Path, folder: str) -> dict[str, list[str]]:
    """Return class -> sorted paths below `root`, of the classes in a folder."""
    return {
        name: list_images(root, os.path.join(folder, name))
        for name in visible_folders(root / folder)
    }


def list_images(root: Path, folder: str) -> list[str]:
    """Return the images at any depth of a folder, sorted, each folder once.

    Links are followed; one that leads back to a folder already seen is not.
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
    """Return the names of the folders in a folder, sorted, without hidden ones."""
    with os.scandir(folder) as entries:
        return sorted(e.name for e in entries if e.is_dir() and is_visible(e.name))


def is_visible(name: str) -> bool:
    return not name.startswith((".", "__MACOSX"))


def is_image(name: str) -> bool:
    return is_visible(name) and name.lower().endswith(EXTENSIONS)


def bad_headers(listing: Listing) -> dict[str, str]:
    """Read every header; return path -> reason of those that cannot be used."""
    bad = {}
    for path in listing.paths():
        try:
            open_image(str(listing.root / path)).close()
        except ImageError as error:
            bad[path] = error.reason
    return bad


def class_names(listing: Listing) -> tuple[str, ...]:
    """Return the classes of the training images, in lexical order."""
    return tuple(sorted(next(iter(listing.splits.values()))))


def structure_problems(listing: Listing) -> list[str]:
    """Say what is wrong with the classes, each in one sentence."""
    names = class_names(listing)
    problems = []
    if len(names) < 2:
        problems.append(f"There must be two classes or more, not only {names[0]!r}.")
    for title, classes in listing.splits.items():
        where = "" if title == WHOLE else f" in {title}"
        problems += [
            f"Class {name!r} has no images{where}."
            for name, paths in sorted(classes.items())
            if not paths
        ]
        for name in sorted(set(names) - set(classes)):
            problems.append(f"Class {name!r} of train is missing{where}.")
        for name in sorted(set(classes) - set(names)):
            problems.append(f"Class {name!r}{where} is not in train.")
    return problems


def file_splits(listing: Listing) -> dict[str, FileSplit]:
    """Number the classes by name and put each split in the order of its paths."""
    label_of = {name: label for label, name in enumerate(class_names(listing))}
    splits = {}
    for title, classes in listing.splits.items():
        pairs = sorted(
            (path, label_of[name]) for name, paths in classes.items() for path in paths
        )
        items, labels = zip(*pairs, strict=True)
        splits[title] = FileSplit(
            list(items), np.array(labels, np.int64), title, listing.root
        )
    return splits


def shorten(lines, most: int = 20) -> str:
    """Join lines, at most 20 of them: "... and 7 more"."""
    lines = list(lines)
    more = [f"  ... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join(lines[:most] + more)


def _left_out(root: Path, others: list[str]) -> tuple[str, ...]:
    notes = [
        f"Folder {name!r} is neither train, val nor test: left out." for name in others
    ]
    if loose := _loose(root):
        notes.append(f"Left out:{loose}")
    return tuple(notes)


def _loose(root: Path) -> str:
    with os.scandir(root) as entries:
        count = sum(e.is_file() and is_image(e.name) for e in entries)
    return f", {count} images" if count else ""
