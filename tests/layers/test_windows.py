"""Windows, shift, index and mask, against rules written out one pair at a time."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

from swin_keras.layers import (
    cyclic_shift,
    fit_window,
    relative_position_index,
    shifted_window_mask,
    window_partition,
    window_reverse,
)


def feature_map(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@pytest.mark.parametrize("window_size", [1, 2, (3, 2), (6, 4)])
def test_partition_cuts_windows_row_by_row(window_size):
    x = feature_map(2, 6, 4, 3)
    height, width = (window_size,) * 2 if isinstance(window_size, int) else window_size
    expected = [
        image[top : top + height, left : left + width].reshape(-1, 3)
        for image in x
        for top in range(0, 6, height)
        for left in range(0, 4, width)
    ]
    windows = ops.convert_to_numpy(window_partition(x, window_size))
    np.testing.assert_array_equal(windows, np.stack(expected))


def test_partition_of_a_map_of_unknown_size_is_refused():
    with pytest.raises(ValueError, match=r"must be known.*Received"):
        window_partition(keras.Input((None, None, 3)), 2)


@pytest.mark.parametrize(
    ("window_size", "map_size", "message"),
    [
        (4, (8, 8), "windows of all tokens"),  # these have 4 tokens, not 16
        (2, (8, 4), "windows of all tokens"),  # 4 windows are half of such a map
        (2, (4, 5), "must divide"),
    ],
)
def test_windows_that_are_none_of_the_map_are_not_put_back(
    window_size, map_size, message
):
    windows = window_partition(feature_map(1, 4, 4, 3), 2)
    with pytest.raises(ValueError, match=rf"{message}.*Received"):
        window_reverse(windows, window_size, map_size)


@pytest.mark.parametrize("shift_size", [-1, 4, 5, (1, 4)])
def test_a_mask_of_a_shift_beyond_the_window_is_refused(shift_size):
    with pytest.raises(ValueError, match=r"smaller than `window_size`.*Received"):
        shifted_window_mask((8, 8), 4, shift_size)


@pytest.mark.parametrize("window_size", [1, 2, (3, 2), (6, 4)])
def test_reverse_undoes_partition(window_size):
    x = feature_map(2, 6, 4, 3)
    windows = window_partition(x, window_size)
    back = window_reverse(windows, window_size, (6, 4))
    np.testing.assert_array_equal(ops.convert_to_numpy(back), x)


def test_partition_refuses_a_window_that_does_not_divide_the_map():
    with pytest.raises(ValueError, match=r"must divide .*window_size=4, height=6"):
        window_partition(feature_map(1, 6, 8, 1), 4)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shift", [0, 1, 3, (2, 0), (0, -1), (-3, -2), (8, -13)])
def test_cyclic_shift_is_a_roll(shift, training):
    x = feature_map(2, 6, 5, 3)
    pair = (shift, shift) if isinstance(shift, int) else shift
    rolled = np.roll(x, (-pair[0], -pair[1]), axis=(1, 2))
    shifted = cyclic_shift(x, shift, training)
    np.testing.assert_array_equal(ops.convert_to_numpy(shifted), rolled)


@pytest.mark.parametrize(
    ("map_size", "expected"),
    [
        ((56, 56), ((7, 7), (3, 3))),
        ((7, 7), ((7, 7), (0, 0))),
        ((4, 4), ((4, 4), (0, 0))),
        ((3, 20), ((3, 7), (0, 3))),
    ],
)
def test_window_shrinks_to_the_map_and_does_not_shift_there(map_size, expected):
    assert fit_window(map_size, 7, 3) == expected


@pytest.mark.parametrize(
    ("map_size", "expected"),
    [
        ((56, 56), ((7, 7), (3, 3))),
        ((7, 14), ((7, 7), (0, 0))),
        ((20, 3), ((3, 3), (0, 0))),
    ],
)
def test_fitted_by_the_map_the_shorter_side_decides_for_both(map_size, expected):
    assert fit_window(map_size, 7, 3, "map") == expected


def test_an_unknown_way_to_fit_is_refused():
    with pytest.raises(ValueError, match="`window_fit` must be one of"):
        fit_window((7, 7), 7, 3, "square")


@pytest.mark.parametrize("window_size", [1, 3, (2, 4)])
def test_index_is_the_same_for_equal_offsets_and_differs_otherwise(window_size):
    height, width = (window_size,) * 2 if isinstance(window_size, int) else window_size
    tokens = list(itertools.product(range(height), range(width)))
    index = relative_position_index(window_size)
    seen = {}
    for (q, query), (k, key) in itertools.product(enumerate(tokens), repeat=2):
        offset = (query[0] - key[0], query[1] - key[1])
        assert seen.setdefault(offset, index[q, k]) == index[q, k]
    numbers = sorted(seen.values())
    assert numbers == list(range((2 * height - 1) * (2 * width - 1)))
    assert [seen[offset] for offset in sorted(seen)] == numbers  # published order


def may_attend(map_size, window, shift):
    """Tell for all pairs of positions of the map whether they share a window.

    Rule: windows are cut on a grid that is moved by the shift; nothing else
    (no wrapping, no padding) can bring two positions together.
    """
    rows, columns = (
        (np.arange(side) - step) // size
        for side, size, step in zip(map_size, window, shift, strict=True)
    )
    cell = (rows[:, None] * 1000 + columns[None, :]).reshape(-1)
    return cell[:, None] == cell[None, :]


def attends(map_size, window, shift, mask_padding=True):
    """Find out the same from the mask, by sending positions through the layers."""
    sides = zip(map_size, window, strict=True)
    padded = [-(-side // size) * size for side, size in sides]
    ids = np.full(padded, -1)
    ids[: map_size[0], : map_size[1]] = np.arange(map_size[0] * map_size[1]).reshape(
        map_size
    )
    windows = window_partition(cyclic_shift(ids[None, :, :, None], shift), window)
    windows = ops.convert_to_numpy(windows)[..., 0]
    mask = shifted_window_mask(map_size, window, shift, mask_padding=mask_padding)
    if mask is None:
        mask = np.zeros((len(windows), windows.shape[1], windows.shape[1]))
    count = map_size[0] * map_size[1]
    allowed = np.zeros((count, count + 1), bool)  # last column: any padding token
    for tokens, scores in zip(windows, mask, strict=True):
        for q, k in itertools.product(range(len(tokens)), repeat=2):
            if tokens[q] >= 0 and scores[q, k] == 0:
                allowed[tokens[q], tokens[k]] = True
    return allowed[:, :-1], allowed[:, -1]


@pytest.mark.parametrize(
    ("map_size", "window", "shift"),
    [
        ((8, 8), (4, 4), (0, 0)),
        ((8, 8), (4, 4), (2, 2)),
        ((14, 14), (7, 7), (3, 3)),
        ((9, 8), (4, 4), (2, 2)),
        ((9, 11), (4, 4), (0, 0)),
        ((10, 13), (4, 5), (2, 2)),
        ((3, 13), (3, 5), (0, 2)),
        ((15, 8), (7, 7), (3, 3)),
        ((5, 5), (4, 4), (3, 3)),
    ],
)
def test_mask_allows_exactly_the_pairs_that_share_a_moved_window(
    map_size, window, shift
):
    pairs, padding = attends(map_size, window, shift)
    np.testing.assert_array_equal(pairs, may_attend(map_size, window, shift))
    assert not padding.any()


def test_without_mask_padding_positions_see_padding_and_the_same_neighbours():
    arguments = (9, 8), (4, 4), (2, 2)
    pairs, padding = attends(*arguments, mask_padding=False)
    np.testing.assert_array_equal(pairs, may_attend(*arguments))
    assert padding.any()


def test_nothing_is_masked_where_windows_fit_and_do_not_move():
    assert shifted_window_mask((8, 8), 4, 0) is None
    assert shifted_window_mask((9, 8), 4, 0, mask_padding=False) is None
