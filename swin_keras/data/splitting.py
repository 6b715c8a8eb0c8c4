"""Hold images out for validation and test, class by class and repeatably."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from swin_keras.data.splits import Split
from swin_keras.errors import DataError, UsageError


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
    parts = [[] for _ in range(1 + len(fractions))]
    for members in _by_class(labels, seed):
        most = (len(members) - 1) // len(fractions)
        counts = [min(most, max(1, round(share * len(members)))) for share in fractions]
        *held_out, left = np.split(members, np.cumsum(counts))
        for part, chosen in zip(parts, [left, *held_out], strict=True):
            part.append(chosen)
    return [np.sort(np.concatenate(part)) for part in parts]


def some_of(labels, count: int, seed: int) -> np.ndarray:
    """Choose images so that every class has its share of them, and at least one.

    A pure function of its arguments.

    Args:
        labels: Class index of each image, `(N,)`.
        count: How many to choose, up to `N`. More are, if there are more classes.
        seed: Chooses which images.

    Returns:
        Their sorted indices.

    Example:

    >>> some_of([0, 0, 0, 0, 1, 1], 3, seed=0).size
    3
    """
    classes = list(_by_class(labels, seed))
    shares = _shares(np.array([len(members) for members in classes]), count)
    chosen = [one[-share:] for one, share in zip(classes, shares, strict=True)]
    return np.sort(np.concatenate(chosen))


def _shares(sizes, count: int) -> np.ndarray:
    """Deal a number out to classes by their sizes: at least one to each.

    By the largest remainder, so that the shares add up to it.
    """
    is_tiny = sizes * count < sizes.sum()
    shares = np.ones_like(sizes)
    if is_tiny.all():
        return shares
    if is_tiny.any():
        shares[~is_tiny] = _shares(sizes[~is_tiny], count - is_tiny.sum())
        return shares
    shares, rest = np.divmod(sizes * count, sizes.sum())
    shares[np.argsort(-rest, kind="stable")[: count - shares.sum()]] += 1
    return shares


def _by_class(labels, seed):
    """Yield the indices of each class, shuffled."""
    labels = np.asarray(labels)
    order = np.argsort(labels, kind="stable")
    classes, starts = np.unique(labels[order], return_index=True)
    for label, members in zip(classes, np.split(order, starts[1:]), strict=True):
        yield np.random.default_rng([seed, label]).permutation(members)


def left_out(title: str, count: int) -> str:
    """Return the note on a split that judges nothing."""
    return (
        f"Nothing is labelled in the {count} images of {title}, which judge no model: "
        "they are left out."
    )


@dataclass(frozen=True)
class HeldOut:
    """What is held out of the training images where a split is missing.

    Args:
        val: Share of the images for a val split.
        test: Share for a test split; 0 lets the val images serve as test, too.
        seed: Chooses which images.

    Raises:
        UsageError: If a number is out of its range.
    """

    val: float = 0.1
    test: float = 0.1
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.val < 0.5:
            raise UsageError(
                "`val_fraction` must lie between 0 and 0.5. "
                f"Received: val_fraction={self.val}."
            )
        if not 0 <= self.test < 0.5:
            raise UsageError(
                "`test_fraction` must be 0 or lie between 0 and 0.5. "
                f"Received: test_fraction={self.test}."
            )
        if self.seed < 0:
            raise UsageError(
                f"`seed` must not be negative. Received: seed={self.seed}."
            )

    def complete(self, splits: Mapping[str, Split]):
        """Return train, val and test, and notes on how the missing ones were made.

        A val or test split in which nothing is labelled, as where the makers keep the
        masks secret, counts as missing. `train` alone gives up images for both;
        `train` and `test` for val; with `train` and `val`, the validation images
        serve for both.

        Raises:
            DataError: If there are too few images.
        """
        shares = {"val": self.val, "test": self.test}
        for title in shares:
            if title in splits and splits[title].targets.is_blank:
                others = {t: split for t, split in splits.items() if t != title}
                completed, notes = self.complete(others)
                return completed, (left_out(title, len(splits[title])), *notes)
        missing = [title for title in shares if title not in splits]
        if not missing:
            return dict(splits), ()
        if missing == ["test"]:
            note = "There is no test split: the val images serve as test too."
            return {**splits, "test": splits["val"]}, (note,)
        drawn = [title for title in missing if shares[title]]
        splits, note = self._hold_out(splits, {title: shares[title] for title in drawn})
        if drawn == missing:
            return splits, (note,)
        note = f"{note} The val images serve as test too."
        return {**splits, "test": splits["val"]}, (note,)

    def _hold_out(self, splits, shares):
        train = splits["train"]
        strata = train.targets.strata
        left, *parts = stratified(strata, list(shares.values()), self.seed)
        if not all(map(len, parts)):
            raise DataError(
                f"To make a {' and a '.join(shares)} split, there must be at least "
                f"{'two' if len(shares) == 1 else 'three'} images of a class. "
                f"Received: at most {np.bincount(strata).max()}."
            )
        held_out = {
            title: train.subset(part, title)
            for title, part in zip(shares, parts, strict=True)
        }
        words = " and ".join(
            f"{100 * shares[title]:.3g} % for {title} ({len(split)})"
            for title, split in held_out.items()
        )
        note = (
            f"There is no {' or '.join(shares)} split: {words} of the {len(train)} "
            f"images are held out{', stratified by class' * bool(strata.any())}; "
            f"seed {self.seed} chose them."
        )
        return {**splits, "train": train.subset(left, "train"), **held_out}, note


USUAL = HeldOut()
