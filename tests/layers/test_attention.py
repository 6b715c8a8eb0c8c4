"""Attention and the block, against the equations written out in NumPy."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import (
    PatchMerging,
    RelativePositionBias,
    SwinTransformerBlock,
    WindowAttention,
    relative_position_index,
    shifted_window_mask,
)
from swin_keras.layers.padded_block import PaddedSwinTransformerBlock


def randomize(layer, scale=0.3):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=w.shape) for w in layer.weights])


def inputs(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def attention_in_numpy(layer, x, mask):
    qkv_kernel, qkv_bias = (to_numpy(w) for w in layer.qkv.weights)
    table = to_numpy(layer.position_bias.relative_position_bias_table)
    out_kernel, out_bias = (to_numpy(w) for w in layer.projection.weights)
    heads, channels = layer.num_heads, x.shape[-1]
    size = channels // heads
    bias = table[relative_position_index(layer.window_size)]
    result = np.zeros_like(x)
    for w, window in enumerate(x):
        qkv = window @ qkv_kernel + qkv_bias
        for h in range(heads):
            q, k, v = (
                qkv[:, part * channels + h * size : part * channels + (h + 1) * size]
                for part in range(3)
            )
            scores = q @ k.T / np.sqrt(size) + bias[:, :, h] + mask[w % len(mask)]
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            result[w, :, h * size : (h + 1) * size] = weights @ v
    return result @ out_kernel + out_bias


def test_attention_is_the_papers_equation_4():
    layer = WindowAttention((2, 3), num_heads=2)
    layer.build((None, 6, 8))
    randomize(layer)
    mask = shifted_window_mask((4, 6), (2, 3), (1, 1))  # four windows
    x = inputs(8, 6, 8)  # of two images
    np.testing.assert_allclose(
        to_numpy(layer(x, attention_mask=mask)),
        attention_in_numpy(layer, x, mask),
        atol=1e-5,
    )


def test_every_image_of_a_batch_gets_its_own_windows_mask():
    layer = WindowAttention(4, num_heads=2)
    layer.build((None, 16, 8))
    randomize(layer)
    mask = shifted_window_mask((8, 8), 4, 2)
    x = inputs(12, 16, 8)
    one_by_one = [
        to_numpy(layer(x[i : i + 4], attention_mask=mask)) for i in range(0, 12, 4)
    ]
    together = to_numpy(layer(x, attention_mask=mask))
    np.testing.assert_allclose(together, np.concatenate(one_by_one), atol=1e-6)


def test_heads_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match=r"must divide .*num_heads=3, channels=8"):
        WindowAttention(2, num_heads=3).build((None, 4, 8))


@pytest.mark.parametrize("layer", [SwinTransformerBlock(2), PatchMerging()])
def test_maps_of_unknown_size_are_refused(layer):
    with pytest.raises(ValueError, match="Height and width must be known"):
        layer(keras.Input((None, None, 8)))


def test_a_shift_as_large_as_the_window_is_refused():
    with pytest.raises(ValueError, match=r"smaller than `window_size`"):
        SwinTransformerBlock(2, window_size=4, shift_size=4)


@pytest.mark.parametrize(
    "map_size", [(8, 8), (8, 12), (9, 11), (10, 7), (4, 9), (3, 3), (13, 5)]
)
@pytest.mark.parametrize("shift_size", [0, 2])
def test_cyclic_shift_equals_padding_the_small_windows(map_size, shift_size):
    arguments = {"num_heads": 2, "window_size": 4, "shift_size": shift_size}
    x = inputs(2, *map_size, 8)
    cyclic = SwinTransformerBlock(**arguments)
    padded = PaddedSwinTransformerBlock(**arguments)
    cyclic.build(x.shape)
    padded.build(x.shape)
    randomize(cyclic)
    padded.set_weights(cyclic.get_weights())
    np.testing.assert_allclose(to_numpy(cyclic(x)), to_numpy(padded(x)), atol=1e-5)


def reached(block, map_size, position):
    """Return which positions change when one position of the input does."""
    x = inputs(1, *map_size, 8)
    changed = x.copy()
    changed[0, *position, 0] += 1.0  # one channel: norms ignore a shift of all
    difference = np.abs(to_numpy(block(x)) - to_numpy(block(changed))).max(-1)[0]
    return difference > 1e-6


def test_shifted_block_does_not_mix_opposite_edges():
    block = SwinTransformerBlock(2, window_size=4, shift_size=2)
    block.build((None, 8, 8, 8))
    randomize(block)
    expected = np.zeros((8, 8), bool)
    expected[:2, :2] = True  # the small window in the corner, and nothing opposite
    np.testing.assert_array_equal(reached(block, (8, 8), (0, 0)), expected)


def test_two_blocks_connect_neighbouring_windows():
    plain = SwinTransformerBlock(2, window_size=4)
    shifted = SwinTransformerBlock(2, window_size=4, shift_size=2)
    both = keras.Sequential([keras.Input((8, 8, 8)), plain, shifted])
    randomize(both)
    assert not reached(plain, (8, 8), (3, 3))[4:, 4:].any()
    assert reached(both, (8, 8), (3, 3))[4:6, 4:6].all()


def test_padding_changes_no_token_of_the_map():
    """With masked padding, a padded map equals the windows attended one by one."""
    block = SwinTransformerBlock(2, window_size=4)
    block.build((None, 6, 8, 8))
    randomize(block)
    x = inputs(1, 6, 8, 8)
    top = SwinTransformerBlock(2, window_size=4)
    top.build((None, 4, 8, 8))
    top.set_weights(block.get_weights())
    np.testing.assert_allclose(
        to_numpy(block(x))[:, :4], to_numpy(top(x[:, :4])), atol=1e-6
    )


def test_bias_table_starts_small_and_random():
    layer = RelativePositionBias(7)
    layer.build((None, 3, 49, 49))
    table = to_numpy(layer.relative_position_bias_table)
    assert table.shape == (169, 3)
    assert 0.01 < table.std() < 0.03


def test_a_block_refuses_a_map_of_another_size():
    """Its mask and its window are those of the map that it was built for."""
    block = SwinTransformerBlock(2, window_size=4, shift_size=2)
    block.build((None, 8, 8, 8))
    assert block(inputs(2, 8, 8, 8)).shape == (2, 8, 8, 8)
    for other in ((2, 16, 16, 8), (2, 4, 4, 8), (2, 8, 12, 8), (2, 64, 8)):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            block(inputs(*other))


def test_attention_refuses_what_are_no_windows():
    with pytest.raises(ValueError, match="window_size=7, inputs of 16 tokens"):
        WindowAttention(7, num_heads=2).build((None, 16, 8))
