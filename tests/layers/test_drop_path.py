"""DropPath: what is dropped, how often, and how a run goes on."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import DropPath


def test_a_sample_is_dropped_whole_or_scaled_up():
    outputs = to_numpy(DropPath(0.25, seed=3)(np.ones((4000, 2, 3)), training=True))
    values = np.unique(outputs)
    np.testing.assert_allclose(values, [0, 1 / 0.75], rtol=1e-6)
    per_sample = outputs.reshape(4000, -1)
    assert (per_sample == per_sample[:, :1]).all()
    assert 0.22 < (per_sample[:, 0] == 0).mean() < 0.28


def test_nothing_is_dropped_outside_training():
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    np.testing.assert_array_equal(to_numpy(DropPath(0.5)(x)), x)


def test_a_rate_of_one_is_refused():
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        DropPath(1.0)


def test_a_loaded_model_continues_the_sequence_of_draws(tmp_path):
    inputs = keras.Input((1,))
    model = keras.Model(inputs, DropPath(0.5)(inputs))
    x = np.ones((64, 1))
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    expected = to_numpy(model(x, training=True))
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(loaded(x, training=True)), expected)


def test_two_replicas_draw_what_one_device_draws():
    """In a process of its own: devices are split before TensorFlow starts."""
    code = """
import keras, numpy as np, tensorflow as tf
from swin_keras.layers import DropPath
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layer = DropPath(0.5, seed=1)
step = tf.function(lambda: layer(tf.ones((8, 3)), training=True))
for _ in range(2):
    parts = strategy.experimental_local_results(strategy.run(step))
single = DropPath(0.5, seed=1)
for _ in range(2):
    expected = single(tf.ones((16, 3)), training=True)
np.testing.assert_array_equal(np.concatenate(parts), expected)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
