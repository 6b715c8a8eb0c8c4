"""The loss of batches in which some images have no label, beside NumPy."""

import numpy as np
import pytest
import scipy.special
import tensorflow as tf

from swin_keras.data import Mixing
from swin_keras.data.mixing import shares_of
from swin_keras.data.targets import NO_LABEL
from swin_keras.tasks.distillation_loss import KINDS, DistillationLoss
from swin_keras.tasks.partly_labelled_loss import LabelledAccuracy, PartlyLabelledLoss

rng = np.random.default_rng(0)
TEACHER = rng.normal(size=(6, 5)).astype("float32") * 3
STUDENT = rng.normal(size=(6, 5)).astype("float32")
IDS = np.array([2, NO_LABEL, 0, NO_LABEL, NO_LABEL, 4])
LABELLED = IDS != NO_LABEL
SHARES = shares_of(IDS, 5)
WEIGHTS = np.array([0.5, 1, 2, 1, 0.75], "float32")


def cross_entropy(ids, logits, smoothing):
    targets = np.eye(5)[ids] * (1 - smoothing) + smoothing / 5
    return -(targets * scipy.special.log_softmax(logits, -1)).sum(-1)


def test_an_image_without_a_label_has_no_share_of_any_class():
    np.testing.assert_array_equal(SHARES.sum(-1), LABELLED)
    np.testing.assert_array_equal(SHARES[LABELLED], np.eye(5)[IDS[LABELLED]])


@pytest.mark.parametrize("kind", ["soft", "dist"])
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_labels_count_for_images_that_have_one_and_the_teacher_for_all(kind, weights):
    loss = PartlyLabelledLoss(kind, 0.3, 2.0, 0.1, weights)
    found = loss({"labels": SHARES, "teacher": TEACHER}, STUDENT)
    per_image = np.ones(6)
    if weights is not None:
        per_image[LABELLED] = weights[IDS[LABELLED]]
    labels = cross_entropy(IDS[LABELLED], STUDENT[LABELLED], 0.1) * per_image[LABELLED]
    taught = np.array(KINDS[kind](TEACHER, STUDENT, 2.0)) * per_image
    np.testing.assert_allclose(
        found, 0.7 * labels.sum() / 3 + 0.3 * taught.sum() / 6, rtol=1e-5
    )


def test_images_that_have_a_label_lose_what_they_do_without_the_others():
    partly = PartlyLabelledLoss("soft", 0.0, 2.0, 0.1)
    alone = DistillationLoss("soft", 0.0, 2.0, 0.1)
    own = {"labels": SHARES[LABELLED], "teacher": TEACHER[LABELLED]}
    np.testing.assert_allclose(
        partly({"labels": SHARES, "teacher": TEACHER}, STUDENT),
        alone(own, STUDENT[LABELLED]),
        rtol=1e-5,
    )
    np.testing.assert_allclose(  # as in validation
        partly(SHARES[LABELLED], STUDENT[LABELLED]),
        alone(SHARES[LABELLED], STUDENT[LABELLED]),
        rtol=1e-5,
    )


def gradient_of(loss, shares):
    student = tf.Variable(STUDENT)
    with tf.GradientTape() as tape:
        value = loss({"labels": shares, "teacher": TEACHER}, student)
    return value, tape.gradient(value, student).numpy()


def test_labels_give_no_gradient_to_images_that_have_none():
    _, found = gradient_of(PartlyLabelledLoss("soft", 0.0, 2.0, 0.1), SHARES)
    expected = np.zeros((6, 5))
    smoothed = 0.9 * SHARES[LABELLED] + 0.1 / 5
    said = scipy.special.softmax(STUDENT[LABELLED], -1)
    expected[LABELLED] = (said - smoothed) / 3
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["soft", "dist"])
def test_a_batch_without_any_label_learns_from_the_teacher(kind):
    none = np.zeros((6, 5), "float32")
    value, found = gradient_of(PartlyLabelledLoss(kind, 0.3, 2.0, 0.1), none)
    taught = np.mean(KINDS[kind](TEACHER, STUDENT, 2.0))
    np.testing.assert_allclose(value, 0.3 * taught, rtol=1e-5)
    assert np.isfinite(found).all()
    assert np.abs(found).max() > 0


def test_replicas_and_parts_add_up_to_the_whole_batch():
    loss = PartlyLabelledLoss("soft", 0.3, 2.0)
    parts = [slice(0, 3), slice(3, 6)]
    batches = [{"labels": SHARES[part], "teacher": TEACHER[part]} for part in parts]
    counts = sum(np.array(loss.counts(batch)) for batch in batches)
    np.testing.assert_array_equal(counts, [3, 6])
    added = sum(
        float(loss(batch, STUDENT[part], sample_weight=counts))
        for part, batch in zip(parts, batches, strict=True)
    )
    whole = loss({"labels": SHARES, "teacher": TEACHER}, STUDENT)
    np.testing.assert_allclose(added, whole, rtol=1e-5)


def test_a_mix_with_an_image_without_a_label_has_the_others_share_alone():
    images = rng.integers(0, 256, (2, 8, 8, 1), np.uint8)
    mixing = Mixing(mixup=0.8, cutmix=0)
    rngs = [np.random.default_rng(1)]
    _, mixed = mixing.apply(images, np.array([3, NO_LABEL]), 5, rngs)
    _, share = mixing.mix(images, np.random.default_rng(1))
    expected = np.zeros((2, 5))
    expected[:, 3] = share, 1 - share
    np.testing.assert_allclose(mixed, expected, rtol=1e-6)


def test_accuracy_is_that_of_the_images_that_have_a_label():
    metric = LabelledAccuracy(name="accuracy")
    metric.update_state(SHARES, STUDENT)
    right = STUDENT.argmax(-1)[LABELLED] == IDS[LABELLED]
    np.testing.assert_allclose(metric.result(), right.mean())
    metric.update_state(np.zeros((6, 5), "float32"), STUDENT)
    np.testing.assert_allclose(metric.result(), right.mean())
