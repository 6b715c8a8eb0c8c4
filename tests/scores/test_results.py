"""Results hold arrays: two of them are the same only if they are one."""

import numpy as np
import pytest

from swin_keras import Detections
from swin_keras.scores.classification import Evaluation


def evaluation():
    return Evaluation(0.5, None, np.eye(2, dtype=int), ("a", "b"))


def detections():
    return Detections(*(np.zeros((2, *more)) for more in [(4,), (), (), ()]))


@pytest.mark.parametrize("make", [evaluation, detections])
def test_results_can_be_looked_for_in_lists_and_sets(make):
    one, other = make(), make()
    assert one == one
    assert one != other
    assert one in [other, one]
    assert len({one, other, one}) == 2
