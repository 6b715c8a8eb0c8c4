"""What must hold of a listing before anything can be trained on it."""

from collections import defaultdict

import numpy as np

from swin_keras.data.listing import NO_CLASS, Listing
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splits import FileSplit, Split
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.data.targets import Classes, MultiLabel
from swin_keras.errors import DataError


def problems_to_train(listing: Listing, held_out: HeldOut = USUAL) -> list[str]:
    """Explain why a listing cannot be trained on, each reason in one sentence."""
    problems = structure_problems(listing)
    if not problems:
        try:
            splits_to_train(listing, held_out)
        except DataError as error:
            problems.append(str(error))
    return problems


def splits_to_train(listing: Listing, held_out: HeldOut, grey_range=None):
    """Return train, val and test, and notes on how the missing ones were made.

    Raises:
        DataError: If there are too few images to hold some out.
    """
    splits = file_splits(listing, grey_range)
    if WHOLE in splits:
        splits = {"train": splits[WHOLE]}
    return held_out.complete(splits)


def structure_problems(listing: Listing) -> list[str]:
    """Describe what is wrong with the classes, each in one sentence."""
    names = tuple(sorted(set(next(iter(listing.splits.values()))) - {NO_CLASS}))
    problems = []
    if listing.multi_label:
        if not names:
            problems.append("There must be an image that has a class.")
        for title, classes in listing.splits.items():
            if not any(classes.values()):
                problems.append(f"There are no images in {title}.")
        others = sorted(set(listing.class_names) - set(names))
        return problems + [f"Class {name!r} is not in train." for name in others]
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


def file_splits(listing: Listing, grey_range=None) -> dict[str, Split]:
    """Number the classes by name and put each split in the order of its paths."""
    label_of = {name: label for label, name in enumerate(listing.class_names)}
    make_targets = _several_classes if listing.multi_label else _one_class
    splits = {}
    for title, classes in listing.splits.items():
        labels_at = defaultdict(list)
        for name, paths in classes.items():
            for path in paths:
                labels_at[path] += [label_of[name]] if name != NO_CLASS else []
        items = sorted(labels_at)
        targets = make_targets([labels_at[path] for path in items], len(label_of))
        splits[title] = FileSplit(
            items,
            targets,
            title,
            listing.root,
            grey_range=grey_range,
            lost=listing.lost,
            gone=listing.gone,
        )
    return splits


def _one_class(labels, classes):
    return Classes(np.array([label for (label,) in labels], np.int64))


def _several_classes(labels, classes):
    vectors = np.zeros((len(labels), classes), bool)
    for row, chosen in zip(vectors, labels, strict=True):
        row[chosen] = True
    return MultiLabel(vectors)
