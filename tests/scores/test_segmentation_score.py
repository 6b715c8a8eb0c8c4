import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swin_keras.errors import UsageError
from swin_keras.scores.segmentation import SegmentationScore


def by_sets(truth, prediction, classes):
    """IoU and Dice of each class, by the definition on sets of pixels."""
    counted = truth != 255
    ious, dices = [], []
    for name in range(classes):
        true = set(np.flatnonzero(counted & (truth == name)))
        found = set(np.flatnonzero(counted & (prediction == name)))
        union = len(true | found)
        ious.append(len(true & found) / union if union else np.nan)
        dices.append(
            2 * len(true & found) / (len(true) + len(found)) if union else np.nan
        )
    return np.array(ious), np.array(dices)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 999), classes=st.integers(1, 5), images=st.integers(1, 3))
def test_figures_are_those_of_the_definition(seed, classes, images):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, (images, 6, 7)).astype(np.uint8)
    truth[rng.random(truth.shape) < 0.2] = 255
    prediction = rng.integers(0, max(classes - 1, 1), truth.shape)
    score = SegmentationScore(classes)
    for one, answer in zip(truth, prediction, strict=True):
        score.update(one, answer)
    iou, dice = by_sets(truth.ravel(), prediction.ravel(), classes)
    np.testing.assert_allclose(score.iou, iou)
    np.testing.assert_allclose(score.dice, dice)
    counted = truth != 255
    assert score.pixels == counted.sum()
    if counted.any():
        assert score.mean_iou == pytest.approx(np.nanmean(iou))
        assert score.mean_dice == pytest.approx(np.nanmean(dice))
        right = (truth == prediction)[counted].mean()
        assert score.pixel_accuracy == pytest.approx(right)
    front, _ = by_sets(
        np.where(counted, truth > 0, 255).ravel(), prediction.ravel() > 0, 2
    )
    np.testing.assert_allclose(score.foreground_iou(), front[1])


def test_a_class_that_is_nowhere_does_not_count():
    score = SegmentationScore(4)
    score.update([[0, 1, 2]], [[0, 1, 1]])
    np.testing.assert_allclose(score.iou, [1, 0.5, 0, np.nan])
    np.testing.assert_allclose(score.accuracy, [1, 1, 0, np.nan])
    assert score.mean_iou == 0.5


def test_without_pixels_there_are_no_figures():
    score = SegmentationScore(2)
    score.update([[255, 255]], [[0, 1]])
    assert score.pixels == 0
    assert np.isnan([score.mean_iou, score.mean_dice, score.pixel_accuracy]).all()


@pytest.mark.parametrize(
    ("truth", "prediction", "words"),
    [
        ([[0, 3]], [[0, 1]], r"in a mask must be from 0 to 1. Received: 0 to 3"),
        ([[0, 1]], [[0, -1]], r"in a prediction must be .* Received: -1 to 0"),
        ([[0, 1]], [[0], [1]], r"same shape. Received: \(1, 2\) and \(2, 1\)"),
    ],
)
def test_what_cannot_be_counted_is_refused_in_words(truth, prediction, words):
    with pytest.raises(UsageError, match=words):
        SegmentationScore(2).update(truth, prediction)
