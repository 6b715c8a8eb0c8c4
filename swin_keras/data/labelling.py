"""What decides the class of an image: the folder it is in, or its name."""

import os
import re
from collections import defaultdict
from pathlib import Path

from swin_keras.data.class_names import class_of, problems_of
from swin_keras.data.walk import Walk, examples
from swin_keras.errors import DataError, UsageError
from swin_keras.names import composed, printable


def by_folder(walk: Walk, folder: Path, root: Path):
    """Return class -> sorted paths below `root`, by class folders, and notes.

    Raises:
        DataError: If a folder's name cannot name a class.
    """
    classes, notes, nested = {}, [], []
    for name in walk.folders(folder):
        label = class_of(name)
        if label in classes:
            raise DataError(
                f"Class folders must have different names. Received two for {label!r} "
                f"in {printable(folder)}."
            )
        classes[label] = below(root, walk.images(folder / name))
        depths = {Path(path).parent for path in classes[label]}
        if len(depths) > 1 and (folder / name).relative_to(root) not in depths:
            nested.append(label)
    if problems := problems_of(classes):
        raise DataError(
            f"{printable(folder)} cannot be used:\n  " + "\n  ".join(problems)
        )
    if nested:
        notes.append(
            "The images of some classes lie in folders below theirs, and count for "
            f"them: {examples(nested)}."
        )
    if count := walk.loose_images(folder):
        notes.append(f"Images in no class folder, left out: {count}.")
    return classes, notes


def by_name(label_pattern: str):
    """Return what lists a folder's images as `by_folder`, by a pattern of names.

    Raises:
        UsageError: If `label_pattern` is none.
    """
    label_of = compiled(label_pattern)

    def list_labels(walk, folder, root):
        classes, others = defaultdict(list), []
        for path in below(root, walk.images(folder)):
            stem = os.path.splitext(path)[0]
            fitting = label_of.fullmatch(
                stem if "/" in label_of.pattern else Path(stem).name
            )
            label = fitting and composed(fitting["label"] or "")
            (classes[label] if label else others).append(path)
        if problems := problems_of(classes):
            raise DataError("\n".join(problems))
        if not classes:
            raise DataError(
                f"`label_pattern` must fit file names without their ending. None of "
                f"{len(others)} images in {printable(folder)} fits "
                f"{label_of.pattern!r}: {examples(others)}."
            )
        notes = []
        if others:
            notes.append(
                f"{len(others)} left out: images whose names do not fit the label "
                f"pattern ({examples(others)})."
            )
        return dict(classes), notes

    return list_labels


def compiled(label_pattern: str) -> re.Pattern:
    """Compile a label pattern.

    Raises:
        UsageError: If it is not a regular expression with a group "label".
    """
    try:
        pattern = re.compile(label_pattern)
    except re.error as error:
        raise UsageError(
            "`label_pattern` must be a regular expression. "
            f"Received: {label_pattern!r} ({error})."
        ) from None
    if "label" not in pattern.groupindex:
        raise UsageError(
            "`label_pattern` must have a group that takes the label, such as "
            f"'(?P<label>[a-z]+)_\\d+'. Received: {label_pattern!r}."
        )
    return pattern


def below(root: Path, paths) -> list[str]:
    """Return paths below `root`, with "/"."""
    return [Path(path).relative_to(root).as_posix() for path in paths]
