"""Hold pictures with boxes out for validation and test, repeatably."""

from dataclasses import replace

import numpy as np

from swin_keras.data.boxes.records import BoxSet
from swin_keras.data.split_folders import WHOLE
from swin_keras.data.splitting import USUAL, HeldOut, left_out
from swin_keras.errors import DataError


def complete(boxes: BoxSet, held_out: HeldOut = USUAL) -> BoxSet:
    """Return the set with train, val and test, and notes on how these were made.

    As for classes of pictures: a val or test split without any object, whose boxes
    may be kept secret, counts as missing. `train` alone gives up pictures for both,
    `train` and `test` for val; with `train` and `val`, the val pictures serve for both.

    Raises:
        DataError: If there are no pictures to train on, or too few.
    """
    splits = dict(boxes.splits)
    if WHOLE in splits:
        splits = {"train": splits[WHOLE]}
    shares, notes = {}, []
    for title in ("val", "test"):
        if splits.get(title) and not boxes.counts(title).sum():
            notes.append(left_out(title, len(splits.pop(title))))
    if not splits.get("train"):
        given = ", ".join(f"{len(r)} in {t}" for t, r in boxes.splits.items())
        raise DataError(f"There must be pictures to train on. Received: {given}.")
    if "val" not in splits:
        shares = {"val": held_out.val}
        if "test" not in splits and held_out.test:
            shares["test"] = held_out.test
        splits, note = _hold_out(splits, shares, held_out.seed)
        notes.append(note)
    if "test" not in splits:
        splits["test"] = splits["val"]
        notes.append("There is no test split: the val pictures serve as test too.")
    splits = {title: splits[title] for title in ("train", "val", "test")}
    return replace(boxes, splits=splits, notes=(*boxes.notes, *notes))


def deal(labels, shares, seed: int) -> list[np.ndarray]:
    """Deal indices out so that every part has about its share of each label.

    A pure function of its arguments. Each part has as many as its share says, and
    one at least.

    Args:
        labels: Label of each picture, `(N,)`.
        shares: Share of each held-out part.
        seed: Chooses which pictures.

    Returns:
        `1 + len(shares)` sorted index arrays: what is left, then the parts.

    Example:

    >>> train, val = deal([0] * 15 + [1] * 5, [0.2], seed=0)
    >>> len(train), len(val), int((val >= 15).sum())
    (16, 4, 1)
    """
    generator = np.random.default_rng(seed)
    left = np.lexsort((generator.random(len(labels)), labels))
    parts = []
    for share in shares:
        count = max(1, round(share * len(labels)))
        step = len(left) / count
        places = ((np.arange(count) + generator.random()) * step).astype(int)
        parts.append(np.sort(left[places]))
        left = np.delete(left, places)
    return [np.sort(left), *parts]


def rarest_classes(records) -> np.ndarray:
    """Return the rarest class in each picture, -1 without objects, int64 `(N,)`."""
    present = [np.unique(record.classes) for record in records]
    pictures = np.bincount(np.concatenate([np.zeros(0, np.int64), *present]))
    return np.array(
        [min(p, key=lambda c: pictures[c], default=-1) for p in present], np.int64
    )


def _hold_out(splits, shares, seed):
    records = splits["train"]
    if len(records) <= len(shares):
        raise DataError(
            f"To make a {' and a '.join(shares)} split, there must be at least "
            f"{len(shares) + 1} pictures. Received: {len(records)}."
        )
    parts = deal(rarest_classes(records), list(shares.values()), seed)
    splits = dict(splits)
    for title, chosen in zip(("train", *shares), parts, strict=True):
        splits[title] = [records[place] for place in chosen]
    words = " and ".join(
        f"{100 * share:.3g} % for {title} ({len(splits[title])})"
        for title, share in shares.items()
    )
    note = (
        f"There is no {' or '.join(shares)} split: of the {len(records)} pictures are "
        f"held out {words}; seed {seed} chose them."
    )
    return splits, note
