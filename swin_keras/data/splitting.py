"""Hold images out for validation and test, class by class and repeatably."""

import numpy as np

from swin_keras.data.dataset import Split
from swin_keras.errors import DataError


def stratified(labels, fractions, seed: int) -> list[np.ndarray]:
    """Deal indices out so that every part has its share of every class.

    A pure function of its arguments. Each fraction gets at least one image of
    every class that has enough for all parts.

    Args:
        labels: Class index of each image, `(N,)`.
        fractions: Share of each held-out part.
        seed: Chooses which images.

    Returns:
        `1 + len(fractions)` sorted index arrays: what is left, then the parts.

    Example:

    >>> train, val = stratified([0, 0, 0, 0, 1, 1, 1, 1], [0.25], seed=0)
    >>> len(train), len(val)
    (6, 2)
    """
    labels = np.asarray(labels)
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    parts = [[] for _ in range(1 + len(fractions))]
    for label, members in zip(classes, np.split(order, starts[1:]), strict=True):
        members = np.random.default_rng([seed, label]).permutation(members)
        most = (len(members) - 1) // len(fractions)
        counts = [min(most, max(1, round(share * len(members)))) for share in fractions]
        *held_out, left = np.split(members, np.cumsum(counts))
        for part, chosen in zip(parts, [left, *held_out], strict=True):
            part.append(chosen)
    return [np.sort(np.concatenate(part)) for part in parts]


def complete_splits(splits: dict[str, Split], val_fraction: float, seed: int):
    """Return train, val and test, and notes on how the missing ones were made.

    `train` alone gives up `val_fraction` of its images twice; `train` and
    `test` once; with `train` and `val`, the validation images serve for both.
    """
    missing = [title for title in ("val", "test") if title not in splits]
    if not missing:
        return splits, ()
    if missing == ["test"]:
        note = "There is no test split: the val images serve as test too."
        return {**splits, "test": splits["val"]}, (note,)
    train = splits["train"]
    left, *parts = stratified(train.labels, [val_fraction] * len(missing), seed)
    if not all(map(len, parts)):
        raise DataError(
            f"To make a {' and a '.join(missing)} split, there must be at least "
            f"{'two' if len(missing) == 1 else 'three'} images of a class. "
            f"Received: at most {np.bincount(train.labels).max()}."
        )
    held_out = {
        title: train.subset(part, title)
        for title, part in zip(missing, parts, strict=True)
    }
    note = (
        f"There is no {' or '.join(missing)} split: {val_fraction:.0%} of the images "
        f"are held out for {', and as many for '.join(missing)} (seed {seed})."
    )
    return {**splits, "train": train.subset(left, "train"), **held_out}, (note,)
