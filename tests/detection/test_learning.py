"""A toy learns four pictures by heart: both branches find all objects and no others."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.applications import SwinDetector
from swin_keras.detection.decoding import suppress_overlaps
from swin_keras.detection.losses import detection_loss, total_loss
from swin_keras.layers import points_of
from swin_keras.models import (
    DetectionHead,
    SwinConfig,
    end_in_detections,
    strides_of,
)

SIDE, MAX_BOXES = 64, 4
TOY = SwinConfig(
    input_shape=(SIDE, SIDE, 3),
    patch_size=4,
    embed_dim=24,
    depths=(1, 1),
    num_heads=(2, 4),
    window_size=4,
    drop_path_rate=0.0,
    kernel_initializer="glorot_normal",
)
HEAD = DetectionHead(channels=32, convolutions=1, first_stage=1, extra_levels=2)
STRIDES = strides_of(TOY, HEAD)
COLOURS = np.array([[220, 40, 40], [40, 60, 220]])  # a class each


def pictures():
    """Return four pictures of coloured rectangles, one of none, and their boxes."""
    rng = np.random.default_rng(0)
    images = rng.uniform(100, 140, (4, SIDE, SIDE, 3)).astype("float32")
    boxes = np.full((4, MAX_BOXES, 5), -1, "float32")
    corners = [(4, 6), (36, 4), (8, 38), (38, 36)]
    for picture, count in enumerate([2, 3, 4, 0]):
        for number in range(count):
            x, y = corners[number]
            width, height = rng.integers(12, 24, 2)
            kind = int(rng.integers(2))
            images[picture, y : y + height, x : x + width] = COLOURS[kind]
            boxes[picture, number] = x, y, x + width, y + height, kind
    return images, boxes


@pytest.mark.slow
def test_a_toy_learns_four_pictures_by_heart():
    images, boxes = pictures()
    model = SwinDetector(TOY, classes=2, head=HEAD)
    points, strides = points_of(TOY.input_shape, STRIDES)
    optimizer = keras.optimizers.AdamW(
        keras.optimizers.schedules.CosineDecay(5e-3, 200), clipnorm=1.0
    )
    optimizer.build(model.trainable_variables)

    @tf.function(jit_compile=True)
    def step(images, boxes):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            loss = total_loss(detection_loss(outputs, boxes, points, strides))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        return loss

    losses = [float(step(images, boxes)) for _ in range(200)]
    assert losses[-1] < 0.2 * losses[0]

    outputs = {name: np.asarray(x) for name, x in model(images).items()}
    ended = {
        name: np.asarray(x) for name, x in end_in_detections(model)(images).items()
    }
    for picture in range(4):
        many = suppress_overlaps(
            outputs["many_scores"][picture],
            outputs["boxes"][picture],
            outputs["centerness"][picture],
            TOY.input_shape,
            STRIDES,
        )
        assert_perfect(many.boxes, many.classes, boxes[picture])
        y1, x1, y2, x2 = ended["boxes"][picture].T * SIDE
        one = np.stack([x1, y1, x2, y2], axis=1)
        assert_perfect(one, ended["classes"][picture], boxes[picture])


def assert_perfect(found, classes, truth):
    """Check that all objects of each class are found before anything else is.

    That is what an average precision of 1 at half of the union says.

    Args:
        found: `(N, 4)`, the most certain first.
        classes: `(N,)`.
        truth: `(M, 5)`, padded.
    """
    for kind in range(2):
        objects = truth[truth[:, 4] == kind, :4]
        best = found[classes == kind][: len(objects)]
        assert len(best) == len(objects)
        for box in objects:
            assert max(overlap(box, other) for other in best) > 0.5


def overlap(box, other):
    """Return intersection over union of two boxes."""
    sides = np.minimum(box[2:], other[2:]) - np.maximum(box[:2], other[:2])
    shared = sides.clip(0).prod()
    return shared / (
        (box[2:] - box[:2]).prod() + (other[2:] - other[:2]).prod() - shared
    )
