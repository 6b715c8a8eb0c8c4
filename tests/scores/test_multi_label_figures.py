"""Figures of images with several classes, against scikit-learn's and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from swin_keras.scores.multi_label import MultiLabelResult

NAMES = ("cat", "dog", "bird")
TRUTH = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0]], bool)
SHARES = np.array([[0.9, 0.2, 0.1], [0.5, 0.4, 0.1], [0.6, 0.8, 0.1], [0.3, 0.1, 0.1]])


def test_four_images_of_which_none_has_a_bird():
    """Right is said three times of four; three of five classes that are there."""
    result = MultiLabelResult(TRUTH, SHARES, NAMES)
    cat, dog = (1 + 2 / 3 + 3 / 4) / 3, (1 + 2 / 3) / 2
    np.testing.assert_allclose(result.average_precisions, [cat, dog, np.nan])
    assert result.figures() == pytest.approx(
        {
            "mean_average_precision": (cat + dog) / 2,
            "precision": 3 / 4,
            "recall": 3 / 5,
            "f1": 2 / 3,
            "mean_f1": 2 / 3,
            "exact": 1 / 4,
        }
    )
    assert result.score == pytest.approx((cat + dog) / 2)
    assert result.chance == 2 / 4
    rows = list(result.table())
    assert rows[1:] == [
        ("cat", "3", "80.6%", "66.7%", "66.7%", "66.7%"),
        ("dog", "2", "83.3%", "100.0%", "50.0%", "66.7%"),
        ("bird", "0", "-", "-", "-", "-"),
    ]
    assert "25.00% of 4 images" in result.headline()
    *_, bird = result.to_dict()["classes"]
    assert (bird["images"], bird["average_precision"], bird["f1"]) == (0, None, None)


@pytest.fixture(scope="module")
def result():
    """Return answers about six classes: one that no image has, one that none is given.

    Scores are rounded, so that many are equal, some of them to the threshold.
    """
    rng = np.random.default_rng(0)
    truth = rng.random((40, 6)) < 0.4
    scores = np.clip(0.4 * truth + rng.random((40, 6)) * 0.7, 0, 1).round(1)
    truth[:, 4], scores[:, 5] = False, 0.1
    return MultiLabelResult(truth, scores, tuple("abcdef"))


def test_average_precisions_are_scikit_learn_s(result):
    known = [0, 1, 2, 3, 5]
    expected = metrics.average_precision_score(
        result.truth[:, known], result.probabilities[:, known], average=None
    )
    np.testing.assert_allclose(result.average_precisions[known], expected)
    assert np.isnan(result.average_precisions[4])
    assert result.score == pytest.approx(expected.mean())


def test_figures_at_the_threshold_are_scikit_learn_s(result):
    truth, said = result.truth, result.probabilities >= 0.5
    assert (result.probabilities == 0.5).any()
    options = {"zero_division": np.nan}
    figures = result.figures()
    for name, expected in (
        ("precision", metrics.precision_score(truth, said, average="micro")),
        ("recall", metrics.recall_score(truth, said, average="micro")),
        ("f1", metrics.f1_score(truth, said, average="micro")),
        ("mean_f1", metrics.f1_score(truth, said, average="macro", **options)),
        ("exact", metrics.accuracy_score(truth, said)),
    ):
        assert figures[name] == pytest.approx(expected), name
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        truth, said, average=None, **options
    )
    classes = result.to_dict()["classes"]
    for name, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
        np.testing.assert_allclose(
            np.array([row[name] for row in classes], float), expected, err_msg=name
        )
