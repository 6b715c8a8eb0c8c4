"""How weights begin: as in the published code, or as one says."""

import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import (
    ContinuousPositionBias,
    PatchEmbedding,
    PatchMerging,
    PositionEmbedding,
    RelativePositionBias,
    SwinTransformerBlock,
)
from swin_keras.models import SwinClassifier, SwinConfig


def assert_published_normal(weight):
    """Deviation 0.02, and not cut off at two deviations, as 4.6 % lie beyond."""
    values = to_numpy(weight).ravel()
    error = 0.02 / np.sqrt(2 * len(values))
    assert abs(values.std() - 0.02) < 5 * error
    beyond = (np.abs(values) > 0.04).mean()
    assert abs(beyond - 0.0455) < 5 * np.sqrt(0.0455 / len(values))


def test_kernels_and_tables_are_normal_and_not_cut():
    block = SwinTransformerBlock(4, window_size=14)
    block.build((None, 28, 28, 64))
    kernels = [weight for weight in block.weights if weight.name == "kernel"]
    assert len(kernels) == 4
    merging = PatchMerging()
    merging.build((None, 4, 4, 64))
    table = RelativePositionBias(14)
    table.build((None, 4, 196, 196))
    places = PositionEmbedding()
    places.build((None, 14, 14, 64))
    network = ContinuousPositionBias(8)
    network.build((None, 4, 64, 64))
    model = SwinClassifier("swin_nano", classes=100)
    for weight in (
        *kernels,
        merging.reduction.kernel,
        table.relative_position_bias_table,
        places.embedding,
        network.mlp_expand.kernel,
        network.mlp_reduce.kernel,
        model.get_layer("head").kernel,
    ):
        assert_published_normal(weight)


def test_the_patch_embedding_begins_as_a_convolution_of_torch():
    """Uniform within 1 / sqrt(fan in), kernel and bias: see `torch.nn.Conv2d`."""
    layer = PatchEmbedding(patch_size=4, embed_dim=512)
    layer.build((None, 8, 8, 3))
    bound = 48**-0.5
    for weight in (layer.embedding.kernel, layer.embedding.bias):
        values = to_numpy(weight).ravel()
        assert 0.98 * bound < np.abs(values).max() <= bound
        deviation = bound / np.sqrt(3)
        assert abs(values.std() - deviation) < 5 * deviation / np.sqrt(len(values))


@pytest.mark.parametrize("given", ["zeros", {"class_name": "Ones", "config": {}}])
def test_an_initializer_that_is_given_begins_every_kernel(given):
    config = SwinConfig((32, 32, 3), depths=(1,), num_heads=(1,), embed_dim=8)
    model = SwinClassifier(config.replace(kernel_initializer=given), classes=2)
    expected = 0 if given == "zeros" else 1
    embedding = model.get_layer("patch_embedding").embedding
    block = model.get_layer("stage_1_block_1")
    for dense in (embedding, block.mlp_expand, block.attention.qkv):
        assert (to_numpy(dense.kernel) == expected).all()
        assert (to_numpy(dense.bias) == 0).all()


def test_a_function_can_make_the_kernels():
    def halves(shape, dtype=None):
        return np.full(shape, 0.5, dtype)

    block = SwinTransformerBlock(2, window_size=4, kernel_initializer=halves)
    block.build((None, 8, 8, 8))
    kernels = [weight for weight in block.weights if weight.name == "kernel"]
    assert len(kernels) == 4
    assert all((to_numpy(kernel) == 0.5).all() for kernel in kernels)
