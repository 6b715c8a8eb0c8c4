"""DropPath: what is dropped, how often, and how a run goes on."""

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
    import tensorflow as tf

    if len(tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip("needs two logical CPUs, set before TensorFlow starts")
