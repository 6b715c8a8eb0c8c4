"""Figures and weights where a class is not there."""

import dataclasses

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from swin_keras.tasks.segment import class_weights
from swin_keras.tasks.validation_labels import ValidationLabels
from swin_keras.training import TrainConfig


def map_of(truth, probabilities):
    score = ValidationLabels("abcd")
    for part in np.array_split(np.arange(len(truth)), 3):
        score.add(truth[part], {"outputs": probabilities[part]})
    return score.figures()["pr_auc"]


def test_a_class_without_a_positive_has_no_part_in_the_mean():
    truth = np.zeros((6, 4), "float32")
    assert map_of(truth, truth) == 0
    truth[::2, 0] = truth[1::2, 1] = 1
    assert map_of(truth, truth) == 1


def test_the_map_of_an_epoch_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    truth, shares = rng.integers(0, 2, (50, 4)), rng.random((50, 4)).round(2)
    expected = average_precision_score(truth, shares, average="macro")
    assert map_of(truth, shares) == pytest.approx(expected, rel=1e-12)


def test_rare_classes_are_told_apart_however_small_their_probabilities():
    truth = np.zeros((400, 4), "float32")
    for place in range(4):
        truth[8 * place : 8 * place + 8, place] = 1
    assert map_of(truth, 0.002 + 0.001 * truth) == 1  # knows everything
    assert map_of(truth, 0.002 - 0.001 * truth) == pytest.approx(8 / 400)  # nothing


@dataclasses.dataclass
class Split:
    targets: object

    def __len__(self):
        return len(self.targets)


class Targets(list):
    def load(self, index):
        return self[index]


def test_a_class_that_no_counted_mask_shows_weighs_as_the_rarest():
    masks = Targets(np.zeros((4, 8, 8), np.uint8))
    for mask in masks:
        mask[0, 0] = 1
    dataset = Split(None)
    dataset.splits, dataset.classes = {"train": Split(masks)}, 3
    config = TrainConfig(task="segment", class_weights="balanced")
    weights = class_weights(config, dataset)
    assert weights[2] == weights[1] > weights[0]
    counts = np.array([4 * 63, 4, 0])
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1)
    for mask in masks:
        mask[:] = 255
    assert class_weights(config, dataset) is None
