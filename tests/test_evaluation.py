"""What an evaluation says of each class and each image."""

import numpy as np
import pytest

from swin_keras.answers import Answers
from swin_keras.evaluation import Evaluation

CONFUSION = np.array([[5, 3, 0], [1, 9, 0], [0, 2, 0]])


def evaluation(confusion=CONFUSION, names=("cat", "dog", "emu")):
    return Evaluation(0.7, 1.0, confusion, names)


def test_precision_recall_and_f1_of_each_class():
    cat, dog, emu = evaluation().class_figures()
    assert cat[:2] == ("cat", 8)
    assert cat[2:] == pytest.approx((5 / 6, 5 / 8, 2 * 5 / (6 + 8)))
    assert dog.f1 == pytest.approx(
        2 * dog.precision * dog.recall / (dog.precision + dog.recall)
    )
    assert np.isnan(emu.precision)
    assert (emu.recall, emu.f1) == (0, 0)
    assert next(evaluation().class_rows()) == cat[:4]


def test_the_most_confused_pairs_come_first():
    assert evaluation().confused_pairs() == [(0, 1, 3), (2, 1, 2), (1, 0, 1)]
    assert evaluation(np.diag([4, 5, 6])).confused_pairs() == []


def test_answers_of_batches_are_those_of_all_images():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 20)
    true = rng.integers(0, 4, 20)
    whole = Answers.from_probabilities(true, probabilities)
    parts = [
        Answers.from_probabilities(true[part], probabilities[part])
        for part in (slice(0, 8), slice(8, 16), slice(16, 20))
    ]
    for name, column in vars(Answers.joined(parts)).items():
        np.testing.assert_array_equal(column, getattr(whole, name))
    np.testing.assert_allclose(
        whole.losses, -np.log(probabilities[np.arange(20), true]), rtol=1e-5
    )


def test_mistakes_are_listed_the_worst_first_and_without_right_answers():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.99, 0.01], [1.0, 0.0]])
    answers = Answers.from_probabilities(np.array([0, 0, 1, 1]), probabilities)
    mistakes = answers.mistakes()
    assert [mistake.index for mistake in mistakes] == [3, 2, 1]
    assert mistakes[1][:3] == (2, 1, 0)
    assert mistakes[1][3:] == pytest.approx((0.01, 0.99, -np.log(0.01)))
    assert np.isfinite(mistakes[0].loss)


def test_calibration_error_is_how_far_certainty_is_from_accuracy():
    sure = np.full(10, 0.9, np.float32)
    true = np.zeros(10, np.int32)
    six_right = np.where(np.arange(10) < 6, 0, 1)
    assert Answers(true, six_right, sure, sure).calibration_error() == pytest.approx(
        0.3
    )
    # Two bins, wrong in opposite directions, do not make up for each other.
    sure = np.repeat(np.float32([0.5, 1.0]), 5)
    right = np.where(np.arange(10) < 5, 0, 1)
    answers = Answers(true, right, sure, sure)
    assert answers.calibration_error() == pytest.approx(0.75)


def test_an_evaluation_without_answers_is_still_one():
    assert evaluation().to_dict()["calibration_error"] is None
