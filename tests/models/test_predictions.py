"""The two functions that `keras.applications` has beside its models."""

import numpy as np
import pytest

from swin_keras import UsageError, decode_predictions, preprocess_input


def test_images_stay_as_they_are():
    x = np.zeros((1, 2, 2, 3), "uint8")
    assert preprocess_input(x) is x
    assert preprocess_input(x, data_format="channels_last") is x
    with pytest.raises(UsageError, match="'channels_last'"):
        preprocess_input(x, data_format="channels_first")


def test_the_best_classes_come_first_with_their_names():
    found = decode_predictions([[0.1, 0.6, 0.3], [0.5, 0.0, 0.5]], 2, ["a", "b", "c"])
    assert found == [[(1, "b", 0.6), (2, "c", 0.3)], [(0, "a", 0.5), (2, "c", 0.5)]]
    assert decode_predictions([[0.25, 0.75]])[0][0] == (1, "1", 0.75)


@pytest.mark.parametrize(
    ("preds", "names", "message"),
    [
        ([0.5, 0.5], None, r"\(B, classes\)"),
        ([[0.5, 0.5]], ["a"], "1 names for 2 classes"),
    ],
)
def test_what_does_not_fit_is_refused(preds, names, message):
    with pytest.raises(UsageError, match=message):
        decode_predictions(preds, class_names=names)
