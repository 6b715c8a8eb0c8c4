"""Muon: which variables it moves, and by how much."""

import keras
import numpy as np
import pytest

import swin_keras
from swin_keras.models.config import SwinConfig, SwinV2Config
from swin_keras.training.muon import SwinMuon, matrices_in, orthogonalize
from swin_keras.training.optimizer import SwinAdamW

TOY = {
    "input_shape": (8, 8, 1),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (1, 1),
    "num_heads": (2, 2),
    "window_size": 2,
}


def one_layer(name, columns=8):
    inputs = keras.Input((8,))
    dense = keras.layers.Dense(columns, name=name, use_bias=False)
    return keras.Model(inputs, dense(inputs))


def weights_after(optimizer, model, gradients):
    optimizer.build(model.trainable_variables)
    for gradient in gradients:
        optimizer.apply([gradient], model.trainable_variables)
    return model.get_weights()[0]


@pytest.mark.parametrize("shape", [(16, 16), (8, 24), (24, 8)])
def test_a_step_is_as_large_in_every_direction(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    singular_values = np.linalg.svd(orthogonalize(matrix), compute_uv=False)
    assert singular_values.min() > 0.6
    assert singular_values.max() < 1.3


@pytest.mark.parametrize("config", [SwinConfig(**TOY), SwinV2Config(**TOY)])
def test_it_moves_the_matrices_of_blocks_and_mergings(config):
    backbone = swin_keras.SwinBackbone(config)
    moved = {v.path: matrices_in(v) for v in backbone.trainable_variables}
    kinds = {path.split("/")[-2] for path, count in moved.items() if count == 1}
    assert kinds == {"projection", "mlp_expand", "mlp_reduce", "reduction"}
    assert {path.split("/")[-2] for path, n in moved.items() if n == 3} == {"qkv"}
    others = [path for path, n in moved.items() if n == 0 and path.endswith("/kernel")]
    assert all("patch_embedding" in p or "position_bias" in p for p in others)


@pytest.mark.parametrize("rank", [3, 4])
def test_of_lora_only_what_ends_in_query_key_and_value_is_three_matrices(rank):
    backbone = swin_keras.SwinBackbone(SwinConfig(**TOY))
    qkv = backbone.get_layer("stage_1_block_1").attention.qkv
    qkv.enable_lora(rank)
    assert matrices_in(qkv.lora_kernel_a) == 1
    assert matrices_in(qkv.lora_kernel_b) == 3
    variables = [qkv.lora_kernel_a, qkv.lora_kernel_b]
    before = [variable.numpy() for variable in variables]
    optimizer = SwinMuon(0.1, weight_decay=0.0)
    optimizer.apply([np.ones(v.shape, "float32") for v in variables], variables)
    for old, variable in zip(before, variables, strict=True):
        assert np.abs(variable.numpy() - old).max() > 0


def test_only_what_has_two_axes_is_a_matrix():
    """A block of one's own may hold a convolution; AdamW moves its kernel."""
    inputs = keras.Input((4, 4, 3))
    convolution = keras.layers.Conv2D(2, 3, name="stage_1_block_1")
    model = keras.Model(inputs, convolution(inputs))
    assert matrices_in(model.trainable_variables[0]) == 0


def test_a_matrix_goes_where_keras_takes_it():
    random = np.random.default_rng(0)
    gradients = [random.normal(size=(8, 12)).astype("float32") for _ in range(4)]
    ours, theirs = one_layer("stage_1_merging", 12), one_layer("theirs", 12)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(
        weights_after(SwinMuon(0.1, weight_decay=0.0), ours, gradients),
        weights_after(
            keras.optimizers.Muon(0.1, weight_decay=0.0, adam_weight_decay=0.0),
            theirs,
            gradients,
        ),
        atol=1e-5,
    )


def test_all_else_goes_where_adamw_takes_it():
    gradients = [np.random.default_rng(0).normal(size=(8, 8)).astype("float32")] * 3
    ours, theirs = one_layer("head"), one_layer("head")
    theirs.set_weights(ours.get_weights())
    np.testing.assert_array_equal(
        weights_after(SwinMuon(0.1), ours, gradients),
        weights_after(SwinAdamW(0.1), theirs, gradients),
    )


def test_its_configuration_is_saved():
    optimizer = SwinMuon(0.1, momentum=0.9, layer_decay=0.8, depths=(1, 1))
    again = SwinMuon.from_config(optimizer.get_config())
    assert (again.momentum, again.layer_decay) == (0.9, 0.8)
