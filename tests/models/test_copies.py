"""Copies compute with what the weights of their originals come to."""

import keras
import numpy as np
import pytest

from swin_keras.models.copies import take_weights

IMAGES = np.random.default_rng(0).uniform(0, 255, (5, 4, 4, 3)).astype("float32")


class Inner(keras.layers.Layer):
    """A layer that keeps others in a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.steps = [keras.layers.Normalization(name="scaling")]

    def build(self, input_shape):
        self.steps[0].build(input_shape)

    def call(self, inputs):
        return self.steps[0](inputs)


def around(layer):
    return keras.Sequential([keras.Input((4, 4, 3)), layer])


def itself():
    layer = around(keras.layers.Normalization()).layers[0]
    return layer, layer


def in_layer():
    model = around(Inner())
    return model, model.layers[0].steps[0]


def in_model_in_model():
    inner = around(keras.layers.Normalization())
    return around(inner), inner.layers[0]


@pytest.mark.parametrize("make", [itself, in_layer, in_model_in_model])
def test_what_a_normalization_was_adapted_to_goes_into_a_copy(make):
    original, scaling = make()
    scaling.adapt(IMAGES)
    copy, _ = make()
    take_weights(copy, original)
    assert abs(np.mean(copy(IMAGES))) < 1e-4
    np.testing.assert_array_equal(copy(IMAGES), original(IMAGES))
