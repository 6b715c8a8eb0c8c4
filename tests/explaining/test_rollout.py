"""Rollout window by window against the product of full matrices."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from explained_toys import SIZES, make_images, make_model

from swin_keras.explaining.attention import attention_steps, query_attention
from swin_keras.explaining.gradient_map import class_score
from swin_keras.explaining.logit_model import logit_model
from swin_keras.explaining.row_vectors import BlockAttention, roll_out


def full_matrix(block, weights, image):
    """Build the matrix of all tokens by all tokens of one image, pair by pair.

    Args:
        block: The block; its sizes are read, none of its functions is called.
        weights: `(B * num_windows, N, N)`.
        image: Which of the batch.
    """
    height, width = block.input.shape[1:3]
    (tall, wide), (down, right) = block._window, block._shift
    rows, columns = -(-height // tall) * tall, -(-width // wide) * wide
    windows = (rows // tall) * (columns // wide)

    def place(y, x):
        """Return window, place in it, and which side of the seams a token is on."""
        at_y, at_x = (y - down) % rows, (x - right) % columns
        window = (at_y // tall) * (columns // wide) + at_x // wide
        return window, (at_y % tall) * wide + at_x % wide, (y < down, x < right)

    tokens = [(y, x) for y in range(height) for x in range(width)]
    matrix = np.zeros((len(tokens),) * 2)
    for query, there in enumerate(tokens):
        window, own, side = place(*there)
        for key, here in enumerate(tokens):
            other, place_in_it, other_side = place(*here)
            if (window, side) == (other, other_side):
                value = weights[image * windows + window, own, place_in_it]
                matrix[query, key] = value
    return matrix / matrix.sum(1, keepdims=True)


def merge_matrix(height, width):
    """Build the matrix of merged tokens by tokens: a mean over those there are."""
    across = -(-width // 2)
    matrix = np.zeros((-(-height // 2) * across, height * width))
    for y in range(height):
        for x in range(width):
            matrix[(y // 2) * across + x // 2, y * width + x] = 1
    return matrix / matrix.sum(1, keepdims=True)


AWKWARD = "padded and odd"  # of V2, by default this size alone
ALL_OF_V1 = [("V1", size) for size in SIZES]
ALL_OF_V2 = [
    pytest.param("V2", size, marks=() if size == AWKWARD else pytest.mark.slow)
    for size in SIZES
]


@pytest.mark.parametrize(("version", "size"), ALL_OF_V1 + ALL_OF_V2)
def test_rollout_is_the_row_of_the_product_of_full_matrices(version, size):
    model = logit_model(make_model(version, size))
    images = make_images(model)
    steps = attention_steps(model, images)
    last = model.get_layer("norm").output.shape[1:3]
    start = np.random.default_rng(2).uniform(size=(2, *last))
    start /= start.sum((1, 2), keepdims=True)
    found = roll_out(steps, start)
    assert found.dtype == np.float64

    for image in range(2):
        row = start[image].reshape(1, -1)
        for layer in reversed(model.layers):
            if "_block_" in layer.name:
                weights = np.asarray(layer.attention.seen, "float64").mean(1)
                full = full_matrix(layer, weights, image)
                row = row @ (full + np.eye(len(full))) / 2
            elif "_merging" in layer.name:
                row = row @ merge_matrix(*layer.input.shape[1:3])
        np.testing.assert_allclose(found[image].ravel(), row[0], atol=1e-6 / row.size)
    np.testing.assert_allclose(found.sum((1, 2)), 1, atol=1e-12)


@pytest.mark.parametrize("version", ["V1", "V2"])
def test_recorded_weights_are_those_that_the_model_computes_with(version):
    model = make_model(version)
    twin, images = logit_model(model), make_images(model)
    np.testing.assert_allclose(
        keras.ops.softmax(twin(images)), model(images), atol=1e-6
    )
    weights = twin.get_layer("stage_1_block_2").attention.seen
    assert tuple(weights.shape) == (2 * 16, 2, 16, 16)
    np.testing.assert_allclose(np.sum(weights, -1), 1, atol=1e-5)


def test_a_class_has_its_own_rollout_and_a_frozen_model_the_same():
    model = make_model()
    twin, images = logit_model(model), make_images(model)
    start = np.full((2, 8, 8), 1 / 64)
    maps = [
        roll_out(attention_steps(twin, images, class_score([c, c])), start)
        for c in range(3)
    ]
    assert all(np.isclose(one.sum((1, 2)), 1).all() for one in maps)
    assert np.abs(maps[0] - maps[1]).max() > 1e-4
    model.trainable = False
    frozen = logit_model(model)
    again = roll_out(attention_steps(frozen, images, class_score([0, 0])), start)
    np.testing.assert_allclose(again, maps[0], rtol=1e-4)


def test_gradient_times_attention_agrees_with_finite_differences(monkeypatch):
    model = logit_model(make_model())
    images, block = make_images(model, 1), model.get_layer("stage_2_block_1")
    attention = block.attention
    shape = (4, 4, 16, 16)
    model(images)
    base, step = np.asarray(attention.seen), 1e-2
    rng = np.random.default_rng(0)
    direction = rng.normal(size=shape).astype("float32")

    def logit(change):
        monkeypatch.setattr(
            attention, "attention_dropout", lambda w, training=None: w + change
        )
        value = float(model(images)[0, 1])
        monkeypatch.undo()
        return value

    expected = (logit(step * direction) - logit(-step * direction)) / (2 * step)
    with tf.GradientTape() as tape:
        x = tf.constant(images)
        tape.watch(x)
        score = class_score([1])(model(x))
    gradient = tape.gradient(score, attention.seen)
    np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=2e-2)
    steps = attention_steps(model, images, class_score([1]))
    weights = np.maximum(np.asarray(gradient) * base, 0).mean(1)
    again = BlockAttention(weights, (8, 8), block._window, block._shift)
    np.testing.assert_allclose(steps[3].weights, again.weights, atol=1e-6)


def test_padding_and_pairs_that_the_shift_parts_are_exactly_zero():
    model = logit_model(make_model(size="padding not masked"))
    images = make_images(model, 1)
    block = attention_steps(model, images)[1]  # shifted, 13 x 19 tokens
    row = np.zeros((1, 13, 19))
    row[0, 0, 0] = 1  # shares a window with the far corner, by wrapping around
    pulled = block.pull(row, residual=0.0)
    np.testing.assert_allclose(pulled.sum(), 1)
    assert not pulled[:, 2:].any()
    assert not pulled[:, :, 2:].any()


def test_a_query_looks_into_its_window_and_through_two_blocks_over_its_borders():
    model = logit_model(make_model())
    maps = query_attention(model, make_images(model), at=(0.3, 0.3), stage=1)
    assert list(maps) == ["window", "neighbourhood", "head 1", "head 2"]
    for values in maps.values():
        np.testing.assert_allclose(values.sum((1, 2)), 1, atol=1e-6)
    window = maps["window"][0] > 0
    assert window[4:8, 4:8].all()
    assert window.sum() == 16
    heads = (maps["head 1"] + maps["head 2"]) / 2
    np.testing.assert_allclose(heads, maps["window"], atol=1e-6)
    reached = maps["neighbourhood"][0] > 0
    assert reached[:8, :8].all()  # its shifted window touches four plain ones
    assert reached.sum() == 64
