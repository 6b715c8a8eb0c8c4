"""The distance of feature maps: as NumPy has it, and learned from by one side only."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.distillation.feature_distance import (
    DISTANCE,
    FeatureDistance,
    FeatureDistillationLoss,
    outputs_with_distance,
)
from swin_keras.errors import UsageError
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.models.feature_maps import feature_model

SIZES = {"input_shape": (32, 32, 3), "window_size": 4, "patch_size": 2}
IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype("float32")


def classifier(width, depths=(1, 1), **sizes):
    heads = [1, 2, 4][: len(depths)]
    own = {"embed_dim": width, "depths": depths, "num_heads": heads}
    return SwinClassifier(SwinConfig(**own | SIZES | sizes), classes=4)


def student_and_teacher():
    student, teacher = classifier(8), classifier(16)
    outputs = outputs_with_distance(student, student.output, teacher)
    return student, teacher, keras.Model(student.input, outputs)


def test_it_is_the_mean_squared_difference_of_normalized_places():
    rng = np.random.default_rng(1)
    own = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    taught = rng.normal(size=(2, 3, 4, 7)).astype("float32") * 9 + 2
    layer = FeatureDistance()
    found = layer(own, taught)
    kernel, bias = layer.projection.get_weights()

    def normalized(maps):
        return (maps - maps.mean(-1, keepdims=True)) / maps.std(-1, keepdims=True)

    expected = (normalized(own @ kernel + bias) - normalized(taught)) ** 2
    np.testing.assert_allclose(found, expected.mean((1, 2, 3)), rtol=1e-4)


def test_all_stages_count_and_the_teacher_is_no_part_of_the_student():
    student, teacher, model = student_and_teacher()
    maps = feature_model(student)(IMAGES), feature_model(teacher)(IMAGES)
    layers = [model.get_layer(f"distance_{name}") for name in maps[0]]
    expected = np.mean(
        [layer(*(m[layer.name[9:]] for m in maps)) for layer in layers], axis=0
    )
    np.testing.assert_allclose(model(IMAGES)[DISTANCE], expected, rtol=1e-4)
    own = student.count_params() + sum(layer.count_params() for layer in layers)
    assert model.count_params() == own


@pytest.mark.slow
def test_training_brings_the_student_closer_and_leaves_the_teacher():
    _, teacher, model = student_and_teacher()
    before = [weight.numpy() for weight in teacher.weights]
    loss = FeatureDistillationLoss(keras.losses.CategoricalCrossentropy(), 1.0)
    optimizer = keras.optimizers.Adam(3e-3)
    labels = np.eye(4, dtype="float32")[[0, 1, 2]]
    distances = []
    for _ in range(8):
        with tf.GradientTape() as tape:
            outputs = model(IMAGES, training=True)
            value = loss(labels, outputs)
        distances.append(float(np.mean(outputs[DISTANCE])))
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(value, variables), variables)
    assert distances[-1] < 0.8 * distances[0]
    for weight, was in zip(teacher.weights, before, strict=True):
        np.testing.assert_array_equal(weight, was)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"input_shape": (64, 64, 3)}, r"\(32, 32, 3\)\. Received: .*\(64, 64, 3\)"),
        ({"patch_size": 8}, "C2 4 x 4, C3 2 x 2; the student has C2 16 x 16"),
    ],
)
def test_a_teacher_that_sees_otherwise_is_refused(sizes, message):
    student = classifier(8)
    with pytest.raises(UsageError, match=message):
        outputs_with_distance(student, student.output, classifier(8, **sizes))


def test_with_another_patch_size_maps_of_one_size_are_compared():
    student = classifier(8, (1, 1, 1))
    teacher = classifier(16, (1, 1), patch_size=4)
    outputs = outputs_with_distance(student, student.output, teacher)
    model = keras.Model(student.input, outputs)
    own, taught = feature_model(student)(IMAGES), feature_model(teacher)(IMAGES)
    names, others = sorted(own)[1:], sorted(taught)
    assert [own[n].shape[1:3] for n in names] == [taught[n].shape[1:3] for n in others]
    expected = [
        model.get_layer(f"distance_{name}")(own[name], taught[other])
        for name, other in zip(names, others, strict=True)
    ]
    np.testing.assert_allclose(
        model(IMAGES)[DISTANCE], np.mean(expected, axis=0), rtol=1e-4
    )
