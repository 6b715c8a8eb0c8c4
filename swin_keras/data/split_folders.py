"""Which folders are splits, and which only wrap others."""

from pathlib import Path

from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError
from swin_keras.names import printable

SPLIT_NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing"),
}
WHOLE = "all"  # the title of a folder that is not split


def find_splits(walk: Walk, root: Path, needs_train: bool, any_images: bool):
    """Return title -> folder of each split; "all" -> `root` without splits.

    Args:
        walk: Knows the folders.
        root: Where they are.
        needs_train: Whether the others are splits only beside one for training.
        any_images: Whether a split may do without class folders.

    Raises:
        DataError: If the folders do not go together.
    """
    folders = walk.folders(root)
    if not folders and not any_images:
        raise DataError(
            f"{printable(root)} must hold one folder of images for each class. "
            f"Received: no folders and {walk.loose_images(root)} images. Labels in "
            "file names are read by a label pattern, labels in a table from its .csv."
        )
    found = {}
    for name in folders:
        title = title_of(name)
        if title and (any_images or walk.folders(root / name)):
            found.setdefault(title, []).append(name)
    for title, names in found.items():
        if len(names) > 1:
            raise DataError(
                f"{printable(root)} must hold one folder for {title}. "
                f"Received: {' and '.join(names)}. Rename or remove one."
            )
    if found and needs_train and "train" not in found:
        if len(found) == len(folders):
            raise DataError(
                f"{printable(root)} must hold a train folder beside the others. "
                f"Received: {', '.join(folders)}."
            )
        if any_images:  # no folder is a class, so a split can be nothing else
            splits = {name for names in found.values() for name in names}
            raise DataError(
                f"{printable(root)} must hold a train folder beside the others. "
                f"Received: {examples(sorted(splits))}, and beside it "
                f"{examples(sorted(set(folders) - splits))}."
            )
        _refuse_half_split(walk, root, folders, found)
        return {WHOLE: root}
    titles = [title for title in SPLIT_NAMES if title in found]
    return {title: root / found[title][0] for title in titles} or {WHOLE: root}


def _refuse_half_split(walk, root, folders, found):
    """Refuse classes beside a split of the same classes, which is none of them.

    Raises:
        DataError: That names the split.
    """
    splits = {name for names in found.values() for name in names}
    for name in sorted(splits):
        if shared := set(walk.folders(root / name)) & (set(folders) - splits):
            raise DataError(
                f"{printable(root)} must hold classes, or splits with the classes in "
                f"them. Received: {name}/ with {examples(sorted(shared))}, and beside "
                f"it {examples(sorted(set(folders) - splits))}. Put those into "
                f"{printable(root / 'train')}/."
            )


def title_of(folder: str) -> str | None:
    """Return the split that a folder's name stands for, or `None`."""
    return next(
        (t for t, names in SPLIT_NAMES.items() if folder.lower() in names), None
    )


def enter(walk: Walk, folder: Path, is_wrapper) -> tuple[Path, list[str]]:
    """Enter a folder's only folder while that holds nothing but folders.

    Args:
        walk: Knows the folders.
        folder: Where to begin.
        is_wrapper: Tells by its name whether a folder may be entered.

    Returns:
        The innermost folder, and a note on each that was entered.
    """
    notes = []
    while len(names := walk.folders(folder)) == 1 and is_wrapper(names[0]):
        inner = folder / names[0]
        if (
            walk.loose_images(folder)
            or walk.loose_images(inner)
            or not walk.folders(inner)
        ):
            break
        notes.append(
            f"{printable(inner.relative_to(walk.root))}/ is the only folder, so the "
            f"folders in it are taken: {examples(walk.folders(inner))}."
        )
        folder = inner
    return folder, notes
