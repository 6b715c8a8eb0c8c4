"""LiteRT files of other tools whose numbers are quantized, in and out."""

import numpy as np
import pytest
import tensorflow as tf

from swin_keras.benchmarking.worker import open_to_time
from swin_keras.inference.predictor import Predictor

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (6, 8, 8, 3)).astype("float32")
KERNEL = RNG.normal(0, 0.4, (192, 3)).astype("float32")


def probabilities(pictures):
    """Return what a linear classifier says of pictures 0..255."""
    return tf.nn.softmax(tf.reshape(pictures / 255 - 0.5, (-1, 192)) @ KERNEL)


def quantized(path, kind, largest):
    """Write it as a file whose input is quantized for values from 0 to `largest`."""
    function = tf.function(lambda values: probabilities(values * (255 / largest)))
    spec = tf.TensorSpec((1, 8, 8, 3), tf.float32)
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [function.get_concrete_function(spec)], function
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: (
        [picture[None] * np.float32(largest / 255)] for picture in PICTURES
    )
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = kind
    path.write_bytes(converter.convert())
    return path


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")
@pytest.mark.parametrize(
    ("kind", "largest"),
    [
        pytest.param(tf.int8, 1, id="int8-1"),
        pytest.param(tf.uint8, 255, id="uint8-255"),
        pytest.param(tf.int8, 255, id="int8-255", marks=pytest.mark.slow),
        pytest.param(tf.uint8, 1, id="uint8-1", marks=pytest.mark.slow),
    ],
)
def test_their_answers_are_those_of_the_model(tmp_path, kind, largest):
    path = quantized(tmp_path / "a.tflite", kind, largest)
    given = Predictor(path).probabilities(PICTURES)
    expected = probabilities(PICTURES).numpy()
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, atol=0.08)
    run, images = open_to_time(path, 1)
    run(images)
    assert images.dtype == kind.as_numpy_dtype
    assert np.unique(expected.argmax(-1)).size > 1
    assert (given.argmax(-1) == expected.argmax(-1)).all()
