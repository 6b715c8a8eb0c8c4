"""Resizing tables, against numbers worked out by other means."""

import numpy as np
import pytest

from swin_keras.errors import UsageError
from swin_keras.weights.resize import (
    bicubic_matrix,
    crop_table,
    geometric_matrix,
    resize_map,
    resize_table,
)


def table(window, heads=2):
    rng = np.random.default_rng(0)
    shape = ((2 * window - 1) ** 2, heads)
    return rng.normal(size=shape).astype("float32")


@pytest.mark.parametrize("matrix", [bicubic_matrix, geometric_matrix])
def test_same_size_changes_nothing(matrix):
    np.testing.assert_allclose(matrix(13, 13), np.eye(13), atol=1e-12)


@pytest.mark.parametrize("matrix", [bicubic_matrix, geometric_matrix])
@pytest.mark.parametrize(("old", "new"), [(13, 23), (23, 13), (3, 31)])
def test_constants_stay_and_both_sides_are_alike(matrix, old, new):
    m = matrix(old, new)
    np.testing.assert_allclose(m.sum(1), 1, atol=1e-12)
    np.testing.assert_allclose(m[::-1, ::-1], m, atol=1e-9)


def test_bicubic_has_the_coefficient_of_torch():
    """Between two pixels at a half, a = -0.75 gives -3/32, 19/32, 19/32, -3/32."""
    np.testing.assert_allclose(
        bicubic_matrix(8, 4)[1], np.array([0, -3, 19, 19, -3, 0, 0, 0]) / 32
    )


def test_geometric_keeps_the_nearest_offsets():
    old, new = table(7).reshape(13, 13, 2), resize_table(table(7), (7, 7), (12, 12))
    new = resize_map(old, (23, 23), "geometric")
    np.testing.assert_allclose(new[11, 10:13], old[6, 5:8], atol=1e-6)
    np.testing.assert_allclose(new[0, 0], old[0, 0], atol=1e-6)


def test_centre_of_a_table_is_cut_out():
    small = crop_table(table(7), (7, 7), (4, 2))
    np.testing.assert_array_equal(
        small.reshape(7, 3, 2), table(7).reshape(13, 13, 2)[3:10, 5:8]
    )


def test_unknown_method_is_refused():
    with pytest.raises(UsageError, match="'bicubic' or 'geometric'"):
        resize_table(table(7), (7, 7), (8, 8), "nearest")
