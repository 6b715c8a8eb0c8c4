import numpy as np
import pytest

from swin_keras.data.dataset import ArraySplit
from swin_keras.data.splitting import complete_splits, stratified


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


def splits(**sizes):
    return {
        title: ArraySplit(np.zeros((n, 1, 1, 1), np.uint8), np.arange(n) % 2, title)
        for title, n in sizes.items()
    }


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        ({"train": 100}, (80, 10, 10), "no val or test split: 10%"),
        ({"train": 100, "test": 30}, (90, 10, 30), "no val split: 10%"),
        ({"train": 100, "val": 20}, (100, 20, 20), "val images serve as test too"),
        ({"train": 100, "val": 20, "test": 30}, (100, 20, 30), ""),
    ],
)
def test_missing_splits_are_made_and_said(given, expected, words):
    complete, notes = complete_splits(splits(**given), 0.1, seed=0)
    assert tuple(len(complete[title]) for title in ("train", "val", "test")) == expected
    assert words in " ".join(notes)
    assert bool(notes) == bool(words)
