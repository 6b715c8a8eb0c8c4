"""Losses against a teacher, beside NumPy and SciPy."""

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

from swin_keras.tasks.distillation_loss import (
    DistillationLoss,
    correlation_loss,
    soft_target_loss,
)

rng = np.random.default_rng(0)
TEACHER = rng.normal(size=(6, 5)).astype("float32") * 3
STUDENT = rng.normal(size=(6, 5)).astype("float32")
LABELS = np.eye(5, dtype="float32")[[0, 1, 2, 3, 4, 0]]


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_soft_targets_are_the_divergence_times_the_squared_temperature(temperature):
    taught = scipy.special.softmax(TEACHER / temperature, axis=-1)
    said = scipy.special.softmax(STUDENT / temperature, axis=-1)
    expected = scipy.special.rel_entr(taught, said).sum(-1) * temperature**2
    found = soft_target_loss(TEACHER, STUDENT, temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_correlations_are_pearsons_between_and_within_classes():
    taught = scipy.special.softmax(TEACHER / 2, axis=-1)
    said = scipy.special.softmax(STUDENT / 2, axis=-1)
    rows = [1 - scipy.stats.pearsonr(*p)[0] for p in zip(taught, said, strict=True)]
    columns = [
        1 - scipy.stats.pearsonr(*p)[0] for p in zip(taught.T, said.T, strict=True)
    ]
    expected = (np.array(rows) + np.mean(columns)) * 4
    np.testing.assert_allclose(
        correlation_loss(TEACHER, STUDENT, 2.0), expected, rtol=1e-4
    )


@pytest.mark.parametrize("kind", [soft_target_loss, correlation_loss])
def test_who_answers_as_the_teacher_loses_nothing(kind):
    np.testing.assert_allclose(kind(TEACHER, TEACHER + 1.0, 2.0), 0, atol=1e-5)


@pytest.mark.parametrize("kind", [soft_target_loss, correlation_loss])
def test_a_teacher_that_is_sure_of_all_alike_gives_finite_gradients(kind):
    import tensorflow as tf

    student = tf.Variable(np.zeros((4, 3), "float32"))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(kind(np.zeros((4, 3), "float32"), student, 1.0))
    assert np.isfinite(tape.gradient(loss, student)).all()


def test_labels_have_the_rest_of_the_weight_and_images_theirs():
    weights = np.array([1, 2, 0, 1, 1, 3], "float32")
    both = {"labels": LABELS, "teacher": TEACHER.astype("float16")}
    loss = DistillationLoss("soft", 0.3, 2.0, label_smoothing=0.1)
    plain = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    alone = plain(LABELS, STUDENT, weights)
    soft = soft_target_loss(TEACHER.astype("float16").astype("float32"), STUDENT, 2.0)
    taught = np.mean(weights * soft)
    found = loss(both, STUDENT, sample_weight=weights)
    np.testing.assert_allclose(found, 0.7 * alone + 0.3 * taught, rtol=1e-5)
    np.testing.assert_allclose(loss(LABELS, STUDENT, sample_weight=weights), alone)
