import re

import numpy as np
import pytest

from swin_keras.data.splits import ArraySplit
from swin_keras.data.splitting import HeldOut, some_of, stratified
from swin_keras.errors import UsageError


@pytest.mark.parametrize("counts", [(3, 3), (10, 100, 7), (4, 5, 6, 50)])
@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.33, 0.49])
def test_every_class_of_three_or_more_is_in_every_part(counts, fraction):
    labels = np.repeat(np.arange(len(counts)), counts)
    parts = stratified(labels, [fraction, fraction], seed=0)
    np.testing.assert_array_equal(
        np.sort(np.concatenate(parts)), np.arange(len(labels))
    )
    for part in parts:
        assert set(labels[part]) == set(range(len(counts)))


def test_classes_keep_their_shares():
    labels = np.repeat([0, 1, 2], (1000, 100, 10))
    train, val, test = stratified(labels, [0.1, 0.2], seed=0)
    assert np.bincount(train).size == 1110
    assert np.bincount(labels[train]).tolist() == [700, 70, 7]
    assert np.bincount(labels[val]).tolist() == [100, 10, 1]
    assert np.bincount(labels[test]).tolist() == [200, 20, 2]


def test_tiny_classes_stay_in_training():
    train, val, test = stratified([0, 1, 1], [0.3, 0.3], seed=0)
    assert (train.tolist(), val.tolist(), test.tolist()) == ([0, 1, 2], [], [])


def test_the_seed_and_nothing_else_chooses():
    labels = np.arange(200) % 4
    first, again, other = (stratified(labels, [0.25], seed)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert set(first) != set(other)


@pytest.mark.parametrize(
    ("sizes", "count", "expected"),
    [
        ([4] * 20, 79, [4] * 19 + [3]),
        ([4] * 20, 5, [1] * 20),
        ([4] * 20, 20, [1] * 20),
        ([4] * 20, 80, [4] * 20),
        ([1000, 500, 1, 1], 17, [10, 5, 1, 1]),
        ([10, 10, 10], 10, [4, 3, 3]),
        ([3, 2, 1], 5, [2, 2, 1]),
    ],
)
def test_some_images_are_as_many_as_asked_for(sizes, count, expected):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = some_of(labels, count, seed=0)
    assert np.bincount(labels[chosen]).tolist() == expected
    assert np.unique(chosen).tolist() == chosen.tolist()


def test_a_share_of_even_classes_is_what_a_held_out_part_leaves():
    labels = np.repeat(np.arange(4), 100)
    left, _ = stratified(labels, [0.75], seed=3)
    np.testing.assert_array_equal(some_of(labels, 100, seed=3), left)


def splits(**sizes):
    return {
        title: ArraySplit(np.zeros((n, 1, 1, 1), np.uint8), np.arange(n) % 2, title)
        for title, n in sizes.items()
    }


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        (
            {"train": 100},
            (80, 10, 10),
            r"no val or test split: 10 % for val .* of the 100 images",
        ),
        (
            {"train": 100, "test": 30},
            (90, 10, 30),
            r"no val split: 10 % for val .* of the 100 images",
        ),
        ({"train": 100, "val": 20}, (100, 20, 20), "val images serve as test too"),
        ({"train": 100, "val": 20, "test": 30}, (100, 20, 30), ""),
    ],
)
def test_missing_splits_are_made_and_said(given, expected, words):
    complete, notes = HeldOut().complete(splits(**given))
    assert tuple(len(complete[title]) for title in ("train", "val", "test")) == expected
    assert re.search(words, " ".join(notes))
    assert bool(notes) == bool(words)


def test_each_held_out_share_is_its_own():
    complete, (note,) = HeldOut(val=0.2, test=0.05).complete(splits(train=200))
    sizes = {title: len(split) for title, split in complete.items()}
    assert sizes == {"train": 150, "val": 40, "test": 10}
    assert "20 % for val (40) and 5 % for test (10) of the 200 images" in note


def test_without_a_share_for_test_the_val_images_serve():
    complete, (note,) = HeldOut(test=0).complete(splits(train=100))
    assert len(complete["train"]) == 90
    assert complete["test"] is complete["val"]
    assert "val images serve as test too" in note


@pytest.mark.parametrize(
    ("shares", "name"),
    [({"val": 0}, "val"), ({"val": 0.5}, "val"), ({"test": 1}, "test")],
)
def test_a_share_beyond_its_range_is_refused(shares, name):
    with pytest.raises(UsageError, match=f"{name}_fraction"):
        HeldOut(**shares)
