"""Find the pictures of a folder and their masks, opening neither."""

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from swin_keras.data.split_folders import SPLIT_NAMES, WHOLE, title_of
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError
from swin_keras.names import printable

IMAGES = ("images", "image", "imgs", "jpegimages")
MASKS = ("masks", "mask", "annotations", "labels", "segmentationclass")
LAYOUT = (
    "images/ and masks/ whose files have the same names but for the ending, with or "
    "without folders train, val and test around or in them"
)


@dataclass(frozen=True)
class Pairs:
    """Pictures and their masks, as paths below a folder.

    Args:
        root: The folder.
        splits: Title -> picture -> mask; "all" is the only title of a folder that
            is not split.
        problems: `(path, what is wrong)` of what has no partner.
        notes: What was left out, for the user.
    """

    root: Path
    splits: dict[str, dict[str, str]]
    problems: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def list_pairs(root: Path, follow_links: bool = False) -> Pairs:
    """List `images/` and `masks/`, whole or in split folders.

    Raises:
        DataError: If the folder is not laid out so.
    """
    walk = Walk(root, follow_links)
    folders = find_folders(walk, root)
    if not folders:
        raise DataError(
            f"{printable(root)} must hold {LAYOUT}. "
            f"Received: {examples(walk.folders(root)) or 'no folders'}."
        )
    splits, problems = {}, []
    for title, (images, masks) in folders.items():
        pictures, found = by_stem(walk, images, root)
        problems += found
        outlines, found = by_stem(walk, masks, root)
        problems += found
        for stem in sorted(pictures.keys() - outlines.keys()):
            where = printable(masks.relative_to(root))
            problems.append((pictures[stem], f"has no mask in {where}/"))
        for stem in sorted(outlines.keys() - pictures.keys()):
            where = printable(images.relative_to(root))
            problems.append((outlines[stem], f"has no image in {where}/"))
        splits[title] = {
            pictures[stem]: outlines[stem]
            for stem in sorted(pictures.keys() & outlines.keys())
        }
    known = {path for path, _ in problems}
    for pairs in splits.values():
        known.update(pairs, pairs.values())
    notes = (*walk.notes(), *_beside(walk, root, known))
    return Pairs(root, splits, tuple(problems), notes)


def _beside(walk, root, known):
    """Report which pictures lie elsewhere than in the folders that are read."""
    found = Walk(root, walk.follow_links).images(root)
    others = sorted({Path(p).relative_to(root).as_posix() for p in found} - known)
    if not others:
        return ()
    return (
        f"Pictures elsewhere in the folder, left out: {len(others)} "
        f"({examples(others)}).",
    )


def holds_pairs(root: Path, follow_links: bool = False) -> bool:
    """Return whether a folder looks as if it held pictures and masks."""
    try:
        return bool(find_folders(Walk(root, follow_links), root))
    except DataError:  # there are some, and it cannot be told which
        return True


def find_folders(walk: Walk, root: Path) -> dict[str, tuple[Path, Path]]:
    """Return title -> the folders of the pictures and of the masks, if there are any.

    Raises:
        DataError: If there are two for one purpose, or one is missing.
    """
    pair = _pair_in(walk, root)
    found = {}
    if pair:
        for place, folder in enumerate(pair):
            for name in walk.folders(folder):
                if title := title_of(name):
                    found.setdefault(title, {}).setdefault(place, []).append(
                        folder / name
                    )
        if not found:
            return {WHOLE: pair}
    else:
        for name in walk.folders(root):
            title, inside = title_of(name), _pair_in(walk, root / name)
            if title and inside:
                for place, folder in enumerate(inside):
                    found.setdefault(title, {}).setdefault(place, []).append(folder)
    for title, places in found.items():
        if sorted(places) != [0, 1] or any(len(f) > 1 for f in places.values()):
            folders = [str(f.relative_to(root)) for fs in places.values() for f in fs]
            raise DataError(
                f"{printable(root)} must hold one folder of images and one of masks "
                f"for {title}. Received: {examples(folders)}."
            )
    return {
        title: (found[title][0][0], found[title][1][0])
        for title in SPLIT_NAMES
        if title in found
    }


def _pair_in(walk, folder):
    """Return the folders of pictures and of masks in a folder, or `None`.

    Masks are pictures: `labels/` of text and `annotations/` of json hold none.
    """
    pair = []
    for known in (IMAGES, MASKS):
        names = [
            name
            for name in walk.folders(folder)
            if name.lower() in known and _has_pictures(walk, folder / name)
        ]
        if len(names) > 1:
            raise DataError(
                f"{printable(folder)} must hold one folder of {known[0]}. "
                f"Received: {examples(names)}."
            )
        pair += [folder / name for name in names]
    return tuple(pair) if len(pair) == 2 else None


def _has_pictures(walk, folder) -> bool:
    return bool(Walk(folder, walk.follow_links).images(folder))


def by_stem(walk: Walk, folder: Path, root: Path):
    """Return name without ending -> path below `root`, and the names that are two."""
    found, problems = {}, []
    for full in walk.images(folder):
        stem = str(PurePosixPath(os.path.splitext(os.path.relpath(full, folder))[0]))
        path = Path(full).relative_to(root).as_posix()
        if stem in found:
            other = printable(os.path.basename(found[stem]))
            problems.append((path, f"has the name of {other} but for its ending"))
        else:
            found[stem] = path
    return found, problems
