"""Find the classes and images of a folder, opening no image."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from swin_keras.data.duplicates import same_files
from swin_keras.data.labelling import by_folder, by_name
from swin_keras.data.split_folders import (
    SPLIT_NAMES,
    WHOLE,
    enter,
    find_splits,
    title_of,
)
from swin_keras.data.table import is_table, read_table
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded
from swin_keras.names import printable

log = logging.getLogger(__name__)
NO_CLASS = ""  # in the place of a class, for images that have none of several
UNLABELLED = "unlabelled"  # in the place of a split, of images that are in none


@dataclass(frozen=True)
class Listing:
    """The image files of a folder.

    Args:
        root: The folder.
        splits: Title -> class -> sorted paths below `root`, with "/". The only
            title is "all" where the folder is not split. A path is in one class
            unless images may have several; in `NO_CLASS` then if it has none.
        notes: What was left out, for the user.
        multi_label: Whether an image may have any number of classes.
        lost: Path -> bytes that it had, of images that a run could not read.
        gone: Those of `lost` that are in `splits` only for their place.
    """

    root: Path
    splits: dict[str, dict[str, list[str]]]
    notes: tuple[str, ...] = ()
    multi_label: bool = False
    lost: Mapping[str, int] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Return the classes of all splits, in lexical order."""
        return tuple(sorted(set().union(*self.splits.values()) - {NO_CLASS}))

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

    def with_lost(self, lost, gone) -> "Listing":
        """Return the listing with the places of images that cannot be used any more.

        Args:
            lost: Path -> `(split, class, bytes)`, as a run keeps them.
            gone: Those that are not in the listing.
        """
        whole = WHOLE if WHOLE in self.splits else "train"  # which gives up the others
        splits = {title: dict(classes) for title, classes in self.splits.items()}
        for path in gone:
            title, name, _ = lost[path]
            title = title if title in splits else whole
            paths = splits[title].get(name, [])
            splits[title][name] = sorted([*paths, path])
        sizes = {path: size for path, (_, _, size) in lost.items()}
        return replace(self, splits=splits, lost=sizes, gone=frozenset(gone))


def with_shared_files(listing: Listing) -> Listing:
    """Return the listing with equal files of a split as one, in all their classes."""
    splits, count, pairs = {}, 0, []
    for title, classes in listing.splits.items():
        paths = sorted({path for paths in classes.values() for path in paths})
        first_of = {path: path for path in paths}
        for first, *others in same_files(listing.root, paths):
            first_of.update(dict.fromkeys(others, first))
            pairs += [f"{other} and {first}" for other in others]
        of_class = {
            name: {first_of[path] for path in paths} for name, paths in classes.items()
        }
        if NO_CLASS in of_class:
            of_class[NO_CLASS] -= set().union(
                *(paths for name, paths in of_class.items() if name != NO_CLASS)
            )
        splits[title] = {name: sorted(paths) for name, paths in of_class.items()}
        count += len(paths)
    if not pairs:
        return listing
    note = (
        f"{len(pairs)} of {count} images hold the same bytes as another one and count "
        f"once with it, in all classes of both ({examples(pairs)})."
    )
    return replace(listing, splits=splits, notes=(*listing.notes, note))


def list_source(
    path: Path,
    needs_train: bool = True,
    label_pattern: str | None = None,
    follow_links: bool = False,
    multi_label: bool = False,
) -> Listing:
    """List a folder, or the images that a table names.

    Raises:
        DataError: If it cannot be used.
        UsageError: If a table is given with a pattern.
    """
    if path.is_dir():
        listing = list_folder(path, needs_train, label_pattern, follow_links)
        return replace(listing, multi_label=multi_label)
    if not is_table(path):
        raise DataError(
            "Data must be a folder of images, or a .csv or .tsv table of files and "
            f"labels. Received: {printable(path)}."
        )
    if label_pattern:
        raise UsageError(
            "Labels come from a table or from file names, not from both. "
            f"Received: {printable(path)} and `label_pattern`."
        )
    return list_table(path, needs_train, follow_links, multi_label)


def list_folder(
    root: Path,
    needs_train: bool = True,
    label_pattern: str | None = None,
    follow_links: bool = False,
) -> Listing:
    """List `root/class/*`, or `root/train/class/*` and its sister folders.

    Classes are folders; images may lie at any depth below them. A folder that is
    the only one and holds nothing but folders is entered.

    Args:
        root: The folder.
        needs_train: Whether split folders without one for training are refused.
        label_pattern: Takes the classes from the files' names instead; see
            `load_dataset`.
        follow_links: Whether links may lead out of the folder; see `Walk`.

    Raises:
        DataError: If there are no class folders, or split folders that do not
            go together.
        UsageError: If `label_pattern` is none.
    """
    walk, notes = Walk(root, follow_links), []
    if label_pattern:
        list_labels = by_name(label_pattern)
    else:
        list_labels = by_folder
        root, notes = enter(walk, root, lambda name: title_of(name) is None)
    folders = find_splits(walk, root, needs_train, bool(label_pattern))
    splits = {}
    for title, folder in folders.items():
        if title != WHOLE and not label_pattern:
            folder, entered = enter(walk, folder, title_of)
            notes += entered
        splits[title], more = list_labels(walk, folder, root)
        notes += more
    if WHOLE not in folders:
        others = set(walk.folders(root)).difference(f.name for f in folders.values())
        notes += [
            f"{printable(name)}/ is not a split with class folders: left out."
            for name in sorted(others)
        ]
        if count := walk.loose_images(root):
            notes.append(f"Images in no class folder, left out: {count}.")
    return Listing(root, splits, (*notes, *walk.notes()))


def list_images(root: Path, folder: str = "", follow_links: bool = False) -> list[str]:
    """Return the images at any depth of a folder, sorted, as paths below `root`.

    What is left out is logged.
    """
    walk = Walk(root, follow_links)
    paths = walk.images(Path(root) / folder)
    for note in walk.notes():
        log.info("%s: %s", printable(root), note)
    return [Path(path).relative_to(root).as_posix() for path in paths]


def list_unlabelled(folder, follow_links: bool = False) -> Listing:
    """List the images of a folder, at any depth.

    Raises:
        DataError: If there is no such folder.
    """
    root = expanded(folder)
    if not str(folder) or not root.is_dir():
        raise DataError(
            f"`unlabelled` must be a folder of images. Received: {printable(folder)!r}."
        )
    images = list_images(root, follow_links=follow_links)
    return Listing(root, {UNLABELLED: {NO_CLASS: images}})


def list_table(
    path: Path,
    needs_train: bool = True,
    follow_links: bool = False,
    multi_label: bool = False,
) -> Listing:
    """List the images that a table names; see `read_table`.

    Raises:
        DataError: If it cannot be used.
    """
    splits = read_table(path, title_of, follow_links, multi_label)
    if None in splits:  # the table has no column of splits
        splits = {WHOLE: splits[None]}
        return Listing(path.parent, splits, multi_label=multi_label)
    if needs_train and "train" not in splits:
        raise DataError(
            f"{printable(path)} must have rows of the split train. "
            f"Received: {', '.join(splits)}."
        )
    splits = {title: splits[title] for title in SPLIT_NAMES if title in splits}
    return Listing(path.parent, splits, multi_label=multi_label)
