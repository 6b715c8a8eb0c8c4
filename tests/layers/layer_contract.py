"""What every layer must keep: one function, run on each of them."""

import keras
import numpy as np
import tensorflow as tf
from keras.ops import convert_to_numpy as to_numpy


def check_layer(layer_class, arguments, input_shape, tmp_path):
    """Check a layer's configuration, shapes, precision, training and saving.

    Args:
        layer_class: The class.
        arguments: What its constructor takes, by name.
        input_shape: Shape of the input without the batch.
        tmp_path: A folder for the saved model.
    """
    _check_config(layer_class, arguments)
    _check_shapes(layer_class(**arguments), input_shape)
    _check_bfloat16(layer_class(**arguments, dtype="mixed_bfloat16"), input_shape)
    check_training_and_saving(layer_class(**arguments), input_shape, tmp_path)


def check_training_and_saving(layer, input_shape, tmp_path, in_graph=False):
    """Check that every weight learns and that a saved layer computes the same.

    Args:
        layer: The layer.
        input_shape: Shape of the input without the batch.
        tmp_path: A folder for the saved model.
        in_graph: Whether `fit` and `predict` make a graph of it, which takes longer.
    """
    inputs = keras.Input(input_shape)
    model = keras.Model(inputs, layer(inputs))
    x = _inputs(input_shape)
    target = np.random.default_rng(1).normal(size=model(x).shape).astype("float32")
    model.compile(
        keras.optimizers.SGD(0.1), "mse", run_eagerly=not in_graph, jit_compile=False
    )
    # A scale that starts at zero, as in Swin V2, would let no gradient through.
    rng = np.random.default_rng(2)
    for weight in model.trainable_weights:
        weight.assign_add(rng.normal(scale=0.1, size=weight.shape))
    before = [to_numpy(weight) for weight in model.trainable_weights]
    if before:
        model.fit(x, target, verbose=0) if in_graph else model.train_on_batch(x, target)
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.abs(to_numpy(weight) - old).max() > 0, f"{weight.path} did not change"

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    ours, theirs = (
        m.predict(x, verbose=0) if in_graph else to_numpy(m(x)) for m in (model, loaded)
    )
    np.testing.assert_array_equal(theirs, ours)


def _inputs(input_shape, batch=2):
    return np.random.default_rng(0).normal(size=(batch, *input_shape)).astype("float32")


def _check_config(layer_class, arguments):
    config = layer_class(**arguments).get_config()
    given = {name: config[name] for name in arguments}
    assert given == arguments, "get_config must return what was passed"
    assert layer_class.from_config(config).get_config() == config


def _check_shapes(layer, input_shape):
    inputs = _inputs(input_shape)
    symbolic = layer(keras.Input(input_shape, batch_size=2))
    outputs = layer(inputs)
    assert tuple(symbolic.shape) == tuple(outputs.shape)
    assert tuple(layer.compute_output_shape(inputs.shape)) == tuple(symbolic.shape)
    signature = [tf.TensorSpec((None, *input_shape))]
    of_any_batch = tf.function(lambda x: layer(x), input_signature=signature)
    np.testing.assert_allclose(of_any_batch(inputs), outputs, atol=1e-5)


def _check_bfloat16(layer, input_shape):
    outputs = layer(_inputs(input_shape))
    assert keras.backend.standardize_dtype(outputs.dtype) in ("bfloat16", "float32")
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    assert np.isfinite(to_numpy(keras.ops.cast(outputs, "float32"))).all()
