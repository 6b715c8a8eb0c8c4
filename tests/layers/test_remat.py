"""Blocks computed again in the backward pass: the same numbers, less memory."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.errors import UsageError
from swin_keras.layers import SwinTransformerBlock, SwinTransformerV2Block
from swin_keras.models import (
    SwinBackbone,
    SwinClassifier,
    SwinConfig,
    SwinV2Config,
    config_from_dict,
)
from swin_keras.weights.sizes import model_config

TOY = {
    "input_shape": (32, 32, 3),
    "embed_dim": 8,
    "depths": (1, 2),
    "num_heads": (2, 4),
    "window_size": 4,
    "drop_path_rate": 0.5,
}


def make_model(config_class, remat):
    keras.utils.set_random_seed(0)
    config = config_class(**TOY, remat=remat)
    model = SwinClassifier(config, classes=3, classifier_activation=None)
    rng = np.random.default_rng(0)  # V2 starts as the identity
    for weight in model.trainable_weights:
        weight.assign_add(rng.normal(scale=0.05, size=weight.shape))
    return model


def gradients(model, steps=2, **options):
    """Return the loss and all gradients of a few steps, each with other draws."""
    x = np.random.default_rng(1).uniform(0, 255, (8, 32, 32, 3)).astype("float32")

    def step():
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = tf.reduce_mean(tf.square(logits - 1.0))
        weights = [weight.value for weight in model.trainable_weights]
        return loss, tape.gradient(loss, weights)

    step = tf.function(step, **options)
    return [tf.nest.map_structure(to_numpy, step()) for _ in range(steps)]


def seed_states(model):
    """Return the state of every random generator of the model."""
    return [
        to_numpy(path.seed_generator.state)
        for layer in model.layers
        if isinstance(layer, SwinTransformerBlock)
        for path in (layer.drop_path1, layer.drop_path2)
        if path.rate
    ]


@pytest.mark.parametrize(
    "jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "config_class", [SwinConfig, pytest.param(SwinV2Config, marks=pytest.mark.slow)]
)
def test_gradients_are_those_of_a_block_that_keeps_everything(
    config_class, jit_compile
):
    plain, again = (make_model(config_class, remat) for remat in (False, True))
    expected = gradients(plain, jit_compile=jit_compile)
    found = gradients(again, jit_compile=jit_compile)
    assert expected[0][0] != expected[1][0]  # drop path is on
    for (loss, grads), (other_loss, other_grads) in zip(expected, found, strict=True):
        np.testing.assert_allclose(other_loss, loss, rtol=1e-6)
        for weight, grad, other in zip(
            plain.trainable_weights, grads, other_grads, strict=True
        ):
            scale = max(np.abs(grad).max(), 1.0)
            np.testing.assert_allclose(
                other, grad, atol=1e-6 * scale, err_msg=weight.path
            )
    for left, right in zip(seed_states(plain), seed_states(again), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("path", ["drop_path1", "drop_path2"])
def test_one_branch_alone_may_be_dropped(path):
    x, found = tf.random.stateless_normal((16, 4, 4, 8), (0, 0)), []
    for remat in (False, True):
        keras.utils.set_random_seed(0)
        block = SwinTransformerBlock(2, 4, drop_path_rate=0.5, remat=remat)
        block.build(x.shape)
        getattr(block, path).rate = 0.0
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(block(x, training=True)))
        found.append(to_numpy(tape.gradient(loss, x)))
    np.testing.assert_allclose(*found, atol=1e-4)


@pytest.mark.slow
def test_bfloat16_trains_too(set_dtype_policy):
    set_dtype_policy("mixed_bfloat16")
    plain, again = (gradients(make_model(SwinConfig, remat)) for remat in (False, True))
    for (_, grads), (_, others) in zip(plain, again, strict=True):
        for grad, other in zip(grads, others, strict=True):
            np.testing.assert_allclose(other, grad, atol=0.02 * np.abs(grad).max())


@pytest.mark.slow
def test_a_saved_model_keeps_the_choice_and_goes_on_alike(tmp_path):
    model = make_model(SwinConfig, remat=True)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3))
    labels = np.arange(4) % 3
    model.fit(x, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert model_config(loaded) == SwinConfig(**TOY, remat=True)
    for each in (model, loaded):
        each.fit(x, labels, verbose=0)
    for left, right in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_the_choice_reaches_every_block_and_comes_back_from_a_card():
    config = config_from_dict({**TOY, "remat": True})
    backbone = SwinBackbone(config)
    blocks = [x for x in backbone.layers if isinstance(x, SwinTransformerBlock)]
    assert len(blocks) == 3
    assert all(block.remat for block in blocks)
    assert config_from_dict(TOY).remat is False


@pytest.mark.parametrize("rate", ["dropout_rate", "attention_dropout_rate"])
@pytest.mark.parametrize("block", [SwinTransformerBlock, SwinTransformerV2Block])
def test_dropout_is_refused(block, rate):
    with pytest.raises(ValueError, match=rf"`remat` would draw.*{rate}=0\.1"):
        block(2, remat=True, **{rate: 0.1})
    with pytest.raises(UsageError, match=rf"`remat` would draw.*{rate}=0\.1"):
        SwinConfig(remat=True, **{rate: 0.1})


def test_tensorflow_says_itself_that_it_has_no_gradient_of_such_a_gradient():
    block, x = SwinTransformerBlock(2, 2, remat=True), tf.ones((1, 4, 4, 8))
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            loss = tf.reduce_sum(block(x, training=True) ** 2)
        size = tf.reduce_sum(inner.gradient(loss, x) ** 2)
    with pytest.raises(NotImplementedError, match="recompute_grad tried to transpose"):
        outer.gradient(size, x)


@pytest.mark.slow
def test_two_replicas_train_as_one_device_does():
    """In a subprocess: devices are split before TensorFlow starts."""
    code = """
import keras, numpy as np, tensorflow as tf
from swin_keras.layers import SwinTransformerBlock
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
x = np.random.default_rng(0).normal(size=(8, 4, 4, 8)).astype("float32")

def make_block():
    keras.utils.set_random_seed(0)
    block = SwinTransformerBlock(2, 2, 1, drop_path_rate=0.5, remat=True)
    block.build(x.shape)
    return block

def gradients(block, x):
    weights = [weight.value for weight in block.trainable_weights]
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(block(x, training=True)))
    return tape.gradient(loss, weights)

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    shared = make_block()
def step():
    replica = tf.distribute.get_replica_context().replica_id_in_sync_group
    return gradients(shared, tf.constant(x)[replica * 4 : (replica + 1) * 4])
parts = tf.function(lambda: strategy.run(step))()
single = make_block()
expected = tf.function(lambda: gradients(single, tf.constant(x)))()
for part, grad in zip(parts, expected, strict=True):
    total = sum(strategy.experimental_local_results(part))
    np.testing.assert_allclose(total, grad, atol=1e-5 * np.abs(grad).max())
"""
    subprocess.run([sys.executable, "-c", code], check=True)
