"""Losses have right gradients, add up over devices, and are finite whatever comes."""

import numpy as np
import pytest
import tensorflow as tf

from swin_keras.detection.assignment import CROWD, PADDING
from swin_keras.detection.losses import (
    binary_crossentropy,
    detection_loss,
    focal_loss,
    total_loss,
)
from swin_keras.layers import points_of
from swin_keras.tasks.detection_loss import DetectionLoss

SIZE, STRIDES = (32, 48), (8, 16)
POINTS, STEPS = points_of(SIZE, STRIDES)
PARTS = ("many_scores", "boxes", "centerness", "one_scores")


def random_outputs(seed=0, batch=2, classes=2):
    rng = np.random.default_rng(seed)

    def normal(last):
        return rng.normal(size=(batch, len(POINTS), last)).astype("float32")

    return {
        "many_scores": normal(classes),
        "boxes": np.abs(normal(4)) * 10,
        "centerness": normal(1),
        "one_scores": normal(classes),
    }


def loss_and_gradients(outputs, boxes):
    """Return the loss, and its gradient by each output."""
    outputs = {name: tf.convert_to_tensor(x) for name, x in outputs.items()}
    with tf.GradientTape() as tape:
        tape.watch(outputs)
        loss = total_loss(detection_loss(outputs, boxes, POINTS, STEPS))
    return loss, tape.gradient(loss, outputs)


def boxes_of(*pictures, most=4):
    """Return pictures' boxes as a padded batch."""
    batch = np.full((len(pictures), most, 5), PADDING, "float32")
    for row, boxes in zip(batch, pictures, strict=True):
        row[: len(boxes)] = np.reshape(boxes, (-1, 5))
    return batch


SOME = boxes_of(
    [[2, 3, 20, 19, 0], [18, 8, 46, 30, 1]],
    [[5, 5, 40, 28, 1], [1, 2, 14, 14, 0], [30, 10, 47, 22, 0]],
)


def test_each_part_has_a_sum_and_a_count():
    parts = detection_loss(random_outputs(), SOME, POINTS, STEPS)
    assert set(parts) == set(PARTS)
    assert all(loss > 0 and count > 0 for loss, count in parts.values())
    assert parts["one_scores"][1] == 5  # a point for each object
    assert parts["boxes"][1] < parts["many_scores"][1]  # centerness is below 1


@pytest.mark.parametrize("jit_compile", [False, True])
def test_how_many_pictures_and_boxes_there_are_need_not_be_known(jit_compile):
    """As in batches of `padded_batch`, whose longest list of boxes decides."""
    outputs = random_outputs()
    shapes = {name: tf.TensorSpec((None, *x.shape[1:])) for name, x in outputs.items()}
    compute = tf.function(
        loss_and_gradients,
        input_signature=(shapes, tf.TensorSpec((None, None, 5))),
        jit_compile=jit_compile,
    )
    for boxes in (SOME, SOME[:, :3]):
        (loss, found), (right, expected) = (
            f(outputs, boxes) for f in (compute, loss_and_gradients)
        )
        np.testing.assert_allclose(loss, right, rtol=1e-5)
        for name in outputs:
            np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


def test_the_total_weighs_the_parts():
    parts = {"a": (6.0, 3.0), "b": (5.0, 0.5)}
    assert float(total_loss(parts)) == 2 + 5
    assert float(total_loss(parts, {"b": 0.5})) == 2 + 2.5


def test_sums_over_devices_are_those_of_one():
    outputs = random_outputs()
    whole = detection_loss(outputs, SOME, POINTS, STEPS)
    halves = [
        detection_loss(
            {name: x[i : i + 1] for name, x in outputs.items()},
            SOME[i : i + 1],
            POINTS,
            STEPS,
        )
        for i in range(2)
    ]
    for name in PARTS:
        added = np.sum([half[name] for half in halves], axis=0)
        np.testing.assert_allclose(added, whole[name], rtol=1e-6)


@pytest.mark.parametrize(
    "boxes",
    [
        boxes_of([], []),
        boxes_of([[4, 4, 4, 4, 0]], [[9, 9, 3, 3, 1]]),
        boxes_of([[np.nan] * 4 + [0]], [[0, 0, np.inf, 9, 1]]),
        boxes_of([[-900, -900, 9000, 9000, 0]], [[0, 0, 1, 1, 1]]),
    ],
    ids=["no boxes", "boxes of no area", "not finite", "boxes beyond the picture"],
)
def test_strange_boxes_have_finite_losses_and_gradients(boxes):
    loss, gradients = loss_and_gradients(random_outputs(), boxes)
    assert np.isfinite(loss)
    assert loss > 0
    for name, gradient in gradients.items():
        assert np.isfinite(gradient).all(), name


@pytest.mark.parametrize("value", [0.0, 1e4])
def test_strange_predictions_have_finite_losses_and_gradients(value):
    outputs = {name: np.full_like(x, value) for name, x in random_outputs().items()}
    loss, gradients = loss_and_gradients(outputs, SOME)
    assert np.isfinite(loss)
    for name, gradient in gradients.items():
        assert np.isfinite(gradient).all(), name


def test_a_crowd_is_neither_object_nor_background():
    outputs = random_outputs(batch=1)
    crowd = boxes_of([[0, 0, 24, 32, CROWD]])
    inside = (POINTS[:, 0] < 24)[None]
    shouting = {
        name: np.where(inside[..., None], x + 5, x) if "scores" in name else x
        for name, x in outputs.items()
    }
    quiet = detection_loss(outputs, crowd, POINTS, STEPS)
    loud = detection_loss(shouting, crowd, POINTS, STEPS)
    for name in PARTS:
        np.testing.assert_array_equal(quiet[name], loud[name])
    none = detection_loss(shouting, boxes_of([]), POINTS, STEPS)
    assert none["many_scores"][0] > loud["many_scores"][0] > 0


def test_an_object_in_a_crowd_still_counts():
    outputs = random_outputs(batch=1)
    objects = SOME[:1].copy()
    objects[0, 3] = [0, 0, 48, 32, CROWD]
    with_crowd = detection_loss(outputs, objects, POINTS, STEPS)
    without = detection_loss(outputs, SOME[:1], POINTS, STEPS)
    for name in ("boxes", "centerness"):
        np.testing.assert_array_equal(with_crowd[name], without[name])


@pytest.mark.parametrize("name", PARTS)
def test_gradients_are_slopes(name):
    """The gradient of each output against differences, at places that matter."""
    outputs = random_outputs(3)
    constants = {other: tf.constant(x) for other, x in outputs.items()}
    x = tf.constant(outputs[name])

    def loss(x):
        parts = detection_loss({**constants, name: x}, SOME, POINTS, STEPS)
        return parts[name][0]

    with tf.GradientTape() as tape:
        tape.watch(x)
        value = loss(x)
    gradient = np.asarray(tape.gradient(value, x))
    strongest = np.argsort(-np.abs(gradient).ravel())[:5]
    for index in strongest:
        step = np.zeros(gradient.size, "float32")
        step[index] = 1e-2
        step = step.reshape(gradient.shape)
        slope = (loss(x + step) - loss(x - step)) / 2e-2
        assert gradient.ravel()[index] == pytest.approx(float(slope), rel=0.02)


def test_focal_loss_is_the_formula_and_stays_finite():
    logits = np.array([-2.0, 0.5, 3.0])
    chance = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(
        focal_loss(logits, np.ones(3)), -0.25 * (1 - chance) ** 2 * np.log(chance)
    )
    np.testing.assert_allclose(
        focal_loss(logits, np.zeros(3)), -0.75 * chance**2 * np.log(1 - chance)
    )
    assert float(binary_crossentropy(np.float32(-1e4), 1.0)) == 1e4


@pytest.mark.slow
def test_the_loss_is_the_same_when_xla_compiles_it():
    outputs = random_outputs()
    loss, gradients = loss_and_gradients(outputs, SOME)
    compiled = tf.function(loss_and_gradients, jit_compile=True)
    compiled_loss, compiled_gradients = compiled(outputs, SOME)
    np.testing.assert_allclose(compiled_loss, loss, rtol=1e-6)
    for name in PARTS:
        np.testing.assert_allclose(
            compiled_gradients[name], gradients[name], rtol=1e-4, atol=1e-7
        )


@pytest.mark.parametrize("crowd", [False, True])
def test_the_loss_in_training_divides_each_part_by_its_own_count(crowd):
    """With the counts of its own boxes, it is the total of the parts."""
    loss, outputs, boxes = DetectionLoss((*SIZE, 3), STRIDES), random_outputs(), SOME
    if crowd:
        boxes = boxes.copy()
        boxes[0, 3] = [0, 16, 48, 32, CROWD]
    parts = detection_loss(outputs, boxes, POINTS, STEPS)
    counts = np.array(loss.counts(boxes))
    right = [parts[name][1] for name in ("many_scores", "boxes", "one_scores")]
    np.testing.assert_allclose(counts, right, rtol=1e-6)
    assert len({*counts.round(3)}) == 3  # one in the place of another shows
    total = float(total_loss(parts))
    assert float(loss(boxes, outputs, sample_weight=counts)) == pytest.approx(total)
    assert float(loss(boxes, outputs)) == pytest.approx(total)


@pytest.mark.parametrize("objects", [0, 1, 8])
def test_parts_of_a_batch_have_the_loss_of_the_whole_however_few_objects(objects):
    """What divides is at least 1 before it is shared, and not after."""
    loss = DetectionLoss((*SIZE, 3), STRIDES)
    boxes = np.zeros((8, 3, 5), "float32")
    boxes[..., 4] = PADDING
    boxes[:objects, 0] = (4, 4, 6, 20, 1)  # thin: a point or two
    outputs = random_outputs(batch=8)
    counts = np.maximum(loss.counts(boxes), loss.smallest_count)
    whole = float(loss(boxes, outputs, sample_weight=counts))
    for parts in (2, 4, 8):
        rows = np.split(np.arange(8), parts)
        losses = [
            loss(
                boxes[one],
                {name: output[one] for name, output in outputs.items()},
                sample_weight=counts / parts,
            )
            for one in rows
        ]
        assert np.mean(losses) == pytest.approx(whole, rel=1e-5)
