"""What Swin V2 changes, against the equations written out in NumPy."""

import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import (
    ContinuousPositionBias,
    CosineWindowAttention,
    PatchMergingV2,
    SwinTransformerV2Block,
    relative_position_index,
)
from swin_keras.models import SwinBackbone, SwinV2Config


def randomize(layer, scale=0.3):
    rng = np.random.default_rng(0)
    layer.set_weights([rng.normal(scale=scale, size=w.shape) for w in layer.weights])


def inputs(*shape):
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def small_backbone(**sizes):
    sizes = {"embed_dim": 8, "depths": (2, 1), "num_heads": (1, 2), **sizes}
    return SwinBackbone(SwinV2Config(), input_shape=(32, 32, 3), **sizes)


def attention_in_numpy(layer, x):
    channels, heads = x.shape[-1], layer.num_heads
    size = channels // heads
    kernel = to_numpy(layer.qkv.kernel)
    index = relative_position_index(layer.window_size)
    bias = to_numpy(layer.position_bias.table())[index]
    scale = np.exp(np.minimum(to_numpy(layer.logit_scale)[:, 0, 0], np.log(100)))
    result = np.zeros_like(x)
    for w, window in enumerate(x):
        q, k, v = np.split(window @ kernel, 3, axis=-1)
        q, v = q + to_numpy(layer.q_bias), v + to_numpy(layer.v_bias)
        for h in range(heads):
            part = slice(h * size, (h + 1) * size)
            lengths = np.linalg.norm(q[:, part], axis=-1)[:, None]
            lengths = lengths * np.linalg.norm(k[:, part], axis=-1)
            scores = scale[h] * (q[:, part] @ k[:, part].T) / lengths + bias[:, :, h]
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            weights /= weights.sum(-1, keepdims=True)
            result[w, :, part] = weights @ v[:, part]
    return result @ to_numpy(layer.projection.kernel) + to_numpy(layer.projection.bias)


@pytest.mark.parametrize("scale", [0.3, 6.0])  # the larger goes past the clamp
def test_attention_compares_by_cosine_with_a_bounded_scale(scale):
    layer = CosineWindowAttention((2, 3), num_heads=2)
    layer.build((None, 6, 8))
    randomize(layer)
    layer.logit_scale.assign(np.full((2, 1, 1), scale))
    x = inputs(3, 6, 8)
    np.testing.assert_allclose(
        to_numpy(layer(x)), attention_in_numpy(layer, x), atol=1e-5
    )


def test_bias_lies_between_0_and_16_and_ignores_the_window_in_its_weights():
    small, large = ContinuousPositionBias(3), ContinuousPositionBias(5, 3)
    small.build((None, 2, 9, 9))
    large.build((None, 2, 25, 25))
    randomize(small)
    large.set_weights(small.get_weights())
    small_table = to_numpy(small.table()).reshape(5, 5, 2)
    large_table = to_numpy(large.table()).reshape(9, 9, 2)
    assert ((large_table > 0) & (large_table < 16)).all()
    np.testing.assert_allclose(large_table[2:7, 2:7], small_table, atol=1e-6)


def test_window_of_one_token_has_a_finite_bias():
    layer = ContinuousPositionBias(1)
    layer.build((None, 2, 1, 1))
    assert np.isfinite(to_numpy(layer.table())).all()


def test_block_starts_as_the_identity():
    block = SwinTransformerV2Block(2, window_size=4, shift_size=2)
    x = inputs(1, 8, 8, 8)
    np.testing.assert_array_equal(to_numpy(block(x)), x)


def test_merging_normalizes_last():
    layer = PatchMergingV2()
    x = to_numpy(layer(inputs(2, 4, 4, 6)))
    np.testing.assert_allclose(x.mean(-1), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(-1), 1, atol=1e-2)


def test_pretrained_window_of_each_stage_reaches_its_blocks():
    model = small_backbone(pretrained_window_size=(12, 6))
    windows = [
        model.get_layer(f"stage_{stage}_block_1").attention.pretrained_window_size
        for stage in (1, 2)
    ]
    assert windows == [12, 6]
