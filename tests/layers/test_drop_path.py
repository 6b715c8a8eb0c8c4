"""Dropout and DropPath: what is dropped, how often, and how a run resumes."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import Dropout, DropPath


def test_a_sample_is_dropped_whole_or_scaled_up():
    outputs = to_numpy(DropPath(0.25, seed=3)(np.ones((4000, 2, 3)), training=True))
    values = np.unique(outputs)
    np.testing.assert_allclose(values, [0, 1 / 0.75], rtol=1e-6)
    per_sample = outputs.reshape(4000, -1)
    assert (per_sample == per_sample[:, :1]).all()
    assert 0.22 < (per_sample[:, 0] == 0).mean() < 0.28


def test_dropout_drops_each_value_for_itself():
    outputs = to_numpy(Dropout(0.25, seed=3)(np.ones((400, 5, 7)), training=True))
    np.testing.assert_allclose(np.unique(outputs), [0, 1 / 0.75], rtol=1e-6)
    dropped = outputs == 0
    assert 0.22 < dropped.mean() < 0.28
    np.testing.assert_allclose(dropped.mean(0), 0.25, atol=0.1)
    assert len(np.unique(dropped.reshape(400, -1), axis=0)) == 400


@pytest.mark.parametrize("layer_class", [Dropout, DropPath])
def test_nothing_is_dropped_outside_training(layer_class):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    np.testing.assert_array_equal(to_numpy(layer_class(0.5)(x)), x)


@pytest.mark.parametrize("layer_class", [Dropout, DropPath])
def test_a_rate_of_one_is_refused(layer_class):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        layer_class(1.0)


@pytest.mark.parametrize("layer_class", [Dropout, DropPath])
def test_a_loaded_model_continues_the_sequence_of_draws(layer_class, tmp_path):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, layer_class(0.5)(inputs))
    x = np.ones((64, 1))
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    expected = to_numpy(model(x, training=True))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(loaded(x, training=True)), expected)


def test_two_replicas_draw_what_one_device_draws():
    """In a subprocess: devices are split before TensorFlow starts."""
    code = """
import keras, numpy as np, tensorflow as tf
from swin_keras.layers import Dropout, DropPath
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for layer_class in (Dropout, DropPath):
    with strategy.scope():
        layer = layer_class(0.5, seed=1)
    step = tf.function(lambda: layer(tf.ones((8, 3)), training=True))
    for _ in range(2):
        parts = strategy.experimental_local_results(strategy.run(step))
    single = layer_class(0.5, seed=1)
    for _ in range(2):
        expected = single(tf.ones((16, 3)), training=True)
    np.testing.assert_array_equal(np.concatenate(parts), expected)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
