"""What must hold of a listing before anything can be trained on it."""

import numpy as np

from swin_keras.data.dataset import FileSplit, Split
from swin_keras.data.listing import WHOLE, Listing
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError


def problems_to_train(listing: Listing, held_out: HeldOut = USUAL) -> list[str]:
    """Say why a listing cannot be trained on, each reason in one sentence."""
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


def file_splits(listing: Listing, grey_range=None) -> dict[str, Split]:
    """Number the classes by name and put each split in the order of its paths."""
    label_of = {name: label for label, name in enumerate(listing.class_names)}
    splits = {}
    for title, classes in listing.splits.items():
        label_at = {
            path: label_of[name] for name, paths in classes.items() for path in paths
        }
        items = sorted(label_at)
        labels = np.array([label_at[path] for path in items], np.int64)
        splits[title] = FileSplit(
            *(items, labels, title, listing.root),
            grey_range=grey_range,
            lost=listing.lost,
            gone=listing.gone,
        )
    return splits
