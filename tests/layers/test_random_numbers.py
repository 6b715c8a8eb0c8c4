"""Draws: right by their reference, even, independent, and the same bits anywhere."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers.random_numbers import threefry, uniform, uniforms


def words(*values):
    return tuple(tf.constant(value, tf.uint32) for value in values)


# Of the tests of Random123, the code of the paper.
@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (
            (0x243F6A88, 0x85A308D3),
            (0x13198A2E, 0x03707344),
            (0xC4923A9C, 0x483DF7A0),
        ),
    ],
)
def test_words_are_those_of_the_reference(counter, key, expected):
    assert tuple(map(int, threefry(words(*key), words(*counter)))) == expected


def test_words_are_those_of_jax():
    jax_random = pytest.importorskip("jax.extend.random")
    rng = np.random.default_rng(0)
    key = rng.integers(2**32, size=2, dtype="uint32")
    counter = rng.integers(2**32, size=(2, 500), dtype="uint32")
    expected = np.asarray(jax_random.threefry_2x32(key, counter.reshape(-1)))
    found = threefry(tuple(tf.constant(key)), tuple(tf.constant(counter)))
    np.testing.assert_array_equal(np.concatenate(found), expected)


def draw(seed, shape, step=0):
    generator = keras.random.SeedGenerator(seed)
    generator.state.assign([seed, step])
    return to_numpy(uniform(generator, shape))


def test_draws_are_even():
    """Chi-squared of 256 bins: 255 +- 22.6 for what is even, here within 5 sigma."""
    for seed, shape in ((0, (2**18, 1)), (1, (1, 2**18)), (2, (2**9, 2**9))):
        values = draw(seed, shape).ravel()
        assert values.min() >= 0
        assert values.max() < 1
        expected = len(values) / 256
        counts = np.bincount((values * 256).astype(int), minlength=256)
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        assert abs(chi_squared - 255) < 5 * np.sqrt(2 * 255)


def test_seeds_steps_rows_and_values_are_independent():
    """Correlations are within 5 deviations, also of seeds and steps side by side."""
    count = 2**14
    lines = [draw(seed, (count, 1)).ravel() for seed in (0, 1, 2, 2**31)]
    lines += [draw(0, (count, 1), step).ravel() for step in (1, 2, 3)]
    lines += list(draw(0, (count, 5))[:, 1:].T)
    lines += list(draw(3, (6, count)))
    lines += [lines[0] ** 2, np.roll(lines[0], 1), (lines[0] * 64) % 1]
    found = np.corrcoef(lines)
    found[-3, 0] = found[0, -3] = 0  # a number and its square
    np.fill_diagonal(found, 0)
    assert np.abs(found).max() < 5 / np.sqrt(count)


def test_no_draw_comes_twice():
    """Whole words, of 24 bits: no more equal pairs than chance gives."""
    values = np.concatenate([draw(seed, (512, 4)).ravel() for seed in range(4)])
    pairs = len(values) ** 2 / 2 / 2**24
    assert len(values) - len(np.unique(values)) < pairs + 5 * np.sqrt(pairs) + 1


SHAPE = (5, 3, 7)  # an odd number of values
CODE = """
import sys, keras, numpy as np
from swin_keras.layers.random_numbers import uniform
generator = keras.random.SeedGenerator(7)
uniform(generator, (1, 1))
values = keras.ops.convert_to_numpy(uniform(generator, (5, 3, 7)))
np.save(sys.argv[1], values)
"""


def test_graph_and_xla_draw_what_eager_execution_draws():
    expected = draw(7, SHAPE, step=1)
    assert len(np.unique(expected)) == expected.size
    for options in ({}, {"jit_compile": True}):
        generator = keras.random.SeedGenerator(7)
        step = tf.function(
            lambda rows, g=generator: uniform(g, (rows, 3, 7)), **options
        )
        step(tf.constant(5))
        np.testing.assert_array_equal(step(tf.constant(5)), expected)


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("jax", marks=pytest.mark.slow),
        pytest.param("torch", marks=pytest.mark.slow),
        "numpy",
    ],
)
def test_other_backends_draw_what_tensorflow_draws(backend, tmp_path):
    if backend != "numpy":
        pytest.importorskip(backend)
    subprocess.run(
        [sys.executable, "-c", CODE, tmp_path / "draws.npy"],
        env=os.environ | {"KERAS_BACKEND": backend},
        check=True,
    )
    found = np.load(tmp_path / "draws.npy")
    np.testing.assert_array_equal(found, draw(7, SHAPE, step=1))


def test_draws_follow_no_default_of_float64():
    """Keras counts in int64 then, and the number of a replica is int32."""
    expected = draw(7, SHAPE)
    keras.config.set_floatx("float64")
    try:
        generator = keras.random.SeedGenerator(7)
        strategy = tf.distribute.get_strategy()  # as in `fit`
        step = tf.function(lambda: strategy.run(uniform, (generator, SHAPE)))
        found = to_numpy(step())
    finally:
        keras.config.set_floatx("float32")
    np.testing.assert_array_equal(found, expected)


def test_several_generators_draw_together_what_each_draws_alone():
    """Also with an odd number of values, and rows that only the graph knows."""
    seeds = (3, 11, 3)
    alone = [keras.random.SeedGenerator(seed) for seed in seeds]
    together = [keras.random.SeedGenerator(seed) for seed in seeds]
    for shape in ((4, 1, 1), (5, 3, 7)):
        expected = [to_numpy(uniform(generator, shape)) for generator in alone]
        np.testing.assert_array_equal(uniforms(together, shape), expected)
    expected = [to_numpy(uniform(generator, (6, 1))) for generator in alone]
    drawn = tf.function(lambda rows: uniforms(together, (rows, 1)))(tf.constant(6))
    np.testing.assert_array_equal(drawn, expected)
