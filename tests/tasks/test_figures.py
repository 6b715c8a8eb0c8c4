"""Figures and weights where a class is not there."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.tasks.precision_recall import PrecisionRecallAUC
from swin_keras.tasks.segment import class_weights
from swin_keras.training import TrainConfig


def test_a_class_without_a_positive_has_no_part_in_the_mean():
    truth = np.zeros((6, 4), "float32")
    truth[::2, 0] = truth[1::2, 1] = 1
    logits = np.where(truth > 0, 9.0, -9.0).astype("float32")
    metric = PrecisionRecallAUC(4)
    assert metric.result() == 0
    metric.update_state(truth, logits)
    assert float(metric.result()) == pytest.approx(1, abs=1e-3)
    assert float(tf.function(metric.result)()) == pytest.approx(1, abs=1e-3)
    # Where each class has a positive, Keras says the same.
    rng = np.random.default_rng(0)
    truth, logits = rng.integers(0, 2, (50, 4)), rng.normal(size=(50, 4))
    keras_own = keras.metrics.AUC(
        curve="PR", multi_label=True, num_labels=4, from_logits=True
    )
    own = PrecisionRecallAUC(4)
    for one in (own, keras_own):
        one.update_state(truth, logits)
    assert float(own.result()) == pytest.approx(float(keras_own.result()), rel=1e-6)


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
