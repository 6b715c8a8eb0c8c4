import numpy as np
import pytest

from swin_keras.data import Mixing
from swin_keras.errors import UsageError

LABELS = np.array([2, 0, 1, 1])


def images(channels=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (4, 12, 16, channels), np.uint8)


def apply(mixing, seed=0, channels=3):
    rngs = [np.random.default_rng([seed, pair]) for pair in range(2)]
    mixed, targets = mixing.apply(images(channels), LABELS, 3, rngs)
    assert (mixed.shape, mixed.dtype) == ((4, 12, 16, channels), np.uint8)
    assert (targets.shape, targets.dtype) == ((4, 3), np.float32)
    np.testing.assert_allclose(targets.sum(-1), 1, rtol=1e-6)
    assert (targets >= 0).all()
    return mixed, targets


@pytest.mark.parametrize("channels", [1, 3])
def test_mixup_adds_the_neighbour_in_the_share_of_its_label(channels):
    mixed, targets = apply(Mixing(cutmix=0), channels=channels)
    share = targets[0, 2]
    assert 0 < share < 1
    first, second = images(channels)[:2].astype(float)
    expected = [
        share * first + (1 - share) * second,
        share * second + (1 - share) * first,
    ]
    np.testing.assert_allclose(mixed[:2], expected, atol=0.501)
    np.testing.assert_allclose(
        targets[:2], [[1 - share, 0, share], [share, 0, 1 - share]], rtol=1e-5
    )
    np.testing.assert_array_equal(targets[2:], [[0, 1, 0]] * 2)  # of one class
    assert (mixed[2:] != images(channels)[2:]).any()


@pytest.mark.parametrize("channels", [1, 3])
def test_cutmix_exchanges_a_box_and_counts_what_is_left(channels):
    original = images(channels)
    for seed in range(50):
        mixed, targets = apply(Mixing(mixup=0), seed, channels)
        own, other = (
            (mixed == rows).all(-1)[:2] for rows in (original, original[[1, 0, 3, 2]])
        )
        assert (own | other).all()
        rows, columns = (np.nonzero(~own[0].all(axis))[0] for axis in (1, 0))
        if rows.size:  # a box, and nothing else
            box = own[0, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            assert not box.any() or channels == 1
        np.testing.assert_array_equal(own[0], own[1])
        assert targets[0, 2] == pytest.approx(own[0].mean(), abs=0.01)


def test_both_take_turns_and_some_pairs_stay_as_they_are():
    def kinds(mixing):
        counts = {"none": 0, "cut": 0, "mixed": 0}
        original = images()
        for seed in range(200):
            mixed, _ = apply(mixing, seed)
            own = (mixed[:2] == original[:2]).all(-1)
            cut = own | (mixed[:2] == original[1::-1]).all(-1)
            counts["none" if own.all() else "cut" if cut.all() else "mixed"] += 1
        return counts

    both = kinds(Mixing())
    assert 70 <= both["cut"] <= 130
    assert 70 <= both["mixed"] <= 130
    some = kinds(Mixing(probability=0.5, switch=0.0))
    assert some["cut"] == 0
    assert 70 <= some["none"] <= 130


def test_the_same_generators_mix_the_same():
    for left, right in zip(apply(Mixing(), 3), apply(Mixing(), 3), strict=True):
        np.testing.assert_array_equal(left, right)
    assert (apply(Mixing(), 3)[0] != apply(Mixing(), 4)[0]).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mixup": 0, "cutmix": 0}, "one of them above"),
        ({"mixup": -1}, "at least 0"),
        ({"switch": 2}, "`switch` must be between 0 and 1"),
    ],
)
def test_numbers_that_cannot_work_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        Mixing(**wrong)
