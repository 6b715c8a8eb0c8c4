"""Layer normalization: Keras' results, and the gradients that TensorFlow finds."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.layers import LayerNormalization


def results(layer_class, x, upstream, training, policy="float32", **options):
    """Return a layer's result and its gradients by input, scale and offset."""
    layer = layer_class(epsilon=1e-5, dtype=policy, **options)
    layer.build((None, *x.shape[1:]))
    rng = np.random.default_rng(1)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))

    @tf.function
    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=training)
            loss = tf.reduce_sum(tf.cast(y, x.dtype) * upstream)
        return y, *tape.gradient(loss, [x, *layer.trainable_variables])

    return [value.numpy() for value in run(tf.constant(x))]


class Keras(keras.layers.LayerNormalization):
    def call(self, inputs, training=None):
        return super().call(inputs)


def random(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(3, 2, size=shape).astype(dtype)


@pytest.mark.parametrize("shape", [(7, 12), (2, 3, 12), (2, 3, 5, 12)])
@pytest.mark.parametrize("training", [True, False])
def test_results_and_gradients_are_those_of_keras(shape, training):
    x, upstream = random(*shape), np.cos(random(*shape))
    own = results(LayerNormalization, x, upstream, training)
    for value, expected in zip(own, results(Keras, x, upstream, False), strict=True):
        assert value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-4)


def test_the_written_gradient_is_the_one_by_differences():
    layer = LayerNormalization()
    layer.build((None, 6))
    x = tf.constant(random(4, 6))
    upstream = np.sin(random(4, 6))

    def loss(x):
        return tf.reduce_sum(layer(x, training=True) * upstream)

    with tf.GradientTape() as tape:
        tape.watch(x)
        y = loss(x)
    gradient = tape.gradient(y, x).numpy()
    direction = np.cos(random(4, 6))
    step = 1e-2
    change = (loss(x + step * direction) - loss(x - step * direction)) / (2 * step)
    assert np.abs(gradient).max() > 0.01
    assert (gradient * direction).sum() == pytest.approx(float(change), rel=1e-2)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_normalized_in_float32(policy):
    x = random(40, 12) + 200  # its squares are too large for float16
    upstream = np.cos(random(40, 12))
    own = results(LayerNormalization, x, upstream, True, policy)
    expected = results(Keras, x, upstream, False, policy)
    assert own[0].dtype == expected[0].dtype == policy.removeprefix("mixed_")
    for value, right in zip(own, expected, strict=True):
        value, right = value.astype("float32"), right.astype("float32")
        assert np.isfinite(value).all()
        assert np.abs(value - right).max() <= 0.02 * np.abs(right).max()


@pytest.mark.parametrize("options", [{"center": False}, {"scale": False}, {"axis": 1}])
def test_what_is_asked_of_keras_is_done_by_keras(options):
    x, upstream = random(3, 4, 5), np.cos(random(3, 4, 5))
    own = results(LayerNormalization, x, upstream, True, **options)
    expected = results(Keras, x, upstream, False, **options)
    for value, right in zip(own, expected, strict=True):
        np.testing.assert_array_equal(value, right)


def test_double_precision_stays_double():
    x, upstream = random(3, 5, dtype="float64"), np.cos(random(3, 5, dtype="float64"))
    own = results(LayerNormalization, x, upstream, True, "float64")
    expected = results(Keras, x, upstream, False, "float64")
    for value, right in zip(own, expected, strict=True):
        assert value.dtype == "float64"
        np.testing.assert_allclose(value, right, rtol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "step", "rtol"), [("float32", 1e-2, 1e-3), ("float64", 1e-5, 1e-7)]
)
def test_a_gradient_of_a_gradient_is_the_one_by_differences(dtype, step, rtol):
    """As a penalty on gradients asks for, of a layer with another before it."""
    x, kernel = (tf.constant(random(*s, dtype=dtype)) for s in ((4, 6), (6, 8)))
    layer = LayerNormalization(dtype=dtype)

    def penalty(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(tf.sin(x @ kernel / 20), training=True) ** 3)
        return tf.reduce_sum(tape.gradient(loss, x) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(x)
        size = penalty(x)
    direction = np.cos(random(4, 6, dtype=dtype))
    found = (tape.gradient(size, x).numpy() * direction).sum()
    ends = (penalty(x + sign * step * direction) for sign in (1, -1))
    change = np.subtract(*(float(end) for end in ends)) / (2 * step)
    assert found == pytest.approx(change, rel=rtol)
