"""Patch embedding and merging, against a convolution and plain slicing."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import PatchEmbedding, PatchMerging


def inputs(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def test_partition_and_embedding_have_the_papers_shapes():
    layer = PatchEmbedding(4, 96)
    tokens = layer(inputs(1, 224, 224, 3))
    assert tuple(tokens.shape) == (1, 56, 56, 96)
    assert tokens.shape[1] * tokens.shape[2] == 3136
    assert tuple(layer.embedding.kernel.shape) == (48, 96)


@pytest.mark.parametrize("size", [(16, 16), (13, 18)])
def test_embedding_is_a_convolution_with_the_patch_as_stride(size):
    layer = PatchEmbedding(4, 8, use_norm=False)
    x = inputs(2, *size, 3)
    tokens = to_numpy(layer(x))
    kernel = to_numpy(layer.embedding.kernel).reshape(4, 4, 3, 8)
    padded = np.pad(x, ((0, 0), (0, -size[0] % 4), (0, -size[1] % 4), (0, 0)))
    expected = to_numpy(keras.ops.conv(padded, kernel, strides=4, padding="valid"))
    expected += to_numpy(layer.embedding.bias)
    np.testing.assert_allclose(tokens, expected, atol=1e-5)


def test_overlapping_patches_see_their_neighbours():
    layer = PatchEmbedding(2, 8, overlap=1, use_norm=False)
    x = inputs(2, 6, 5, 3)
    tokens = to_numpy(layer(x))
    kernel = to_numpy(layer.embedding.kernel).reshape(4, 4, 3, 8)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 2), (0, 0)))
    patch = padded[:, 2:6, 4:8]  # row 1, column 2
    expected = np.einsum("bijc,ijcd->bd", patch, kernel)
    expected += to_numpy(layer.embedding.bias)
    assert tokens.shape == (2, 3, 3, 8)
    np.testing.assert_allclose(tokens[:, 1, 2], expected, atol=1e-5)


@pytest.mark.parametrize("size", [(4, 6), (5, 3)])
def test_merging_concatenates_each_two_by_two_group(size):
    layer = PatchMerging()
    x = inputs(2, *size, 3)
    merged = to_numpy(layer(x))
    padded = np.pad(x, ((0, 0), (0, size[0] % 2), (0, size[1] % 2), (0, 0)))
    groups = np.concatenate(
        [padded[:, row::2, column::2] for row in (0, 1) for column in (0, 1)], axis=-1
    )
    tokens = groups.reshape(-1, groups.shape[-1])
    expected = to_numpy(layer.reduction(layer.norm(tokens))).reshape(merged.shape)
    assert merged.shape == (2, -(-size[0] // 2), -(-size[1] // 2), 6)
    np.testing.assert_allclose(merged, expected, atol=1e-5)
