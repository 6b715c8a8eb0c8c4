"""Every layer under every policy: finite, and as near as the digits allow."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras.layers import (
    ContinuousPositionBias,
    CosineWindowAttention,
    Dropout,
    DropPath,
    PatchEmbedding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    RelativePositionBias,
    SwinTransformerBlock,
    SwinTransformerV2Block,
    WindowAttention,
)
from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config

# The unit in the last place of 1.
UNITS = {
    "float64": 2.0**-52,
    "float32": 2.0**-23,
    "float16": 2.0**-10,
    "bfloat16": 2.0**-7,
    "mixed_float16": 2.0**-10,
    "mixed_bfloat16": 2.0**-7,
}
BLOCK = {"num_heads": 2, "window_size": 4, "shift_size": 2}
LAYERS = [
    (RelativePositionBias, {"window_size": 3}, (2, 9, 9)),
    (ContinuousPositionBias, {"window_size": 3}, (2, 9, 9)),
    (WindowAttention, {"window_size": 3, "num_heads": 2}, (9, 8)),
    (CosineWindowAttention, {"window_size": 3, "num_heads": 2}, (9, 8)),
    (Dropout, {"rate": 0.5}, (3, 4)),
    (DropPath, {"rate": 0.5}, (3, 4)),
    (PatchEmbedding, {"patch_size": 4, "embed_dim": 8}, (7, 9, 3)),
    (PatchEmbedding, {"patch_size": 4, "embed_dim": 8, "overlap": 2}, (7, 9, 3)),
    (PatchMerging, {}, (5, 3, 4)),
    (PatchMergingV2, {}, (5, 3, 4)),
    (PositionEmbedding, {}, (3, 4, 8)),
    (SwinTransformerBlock, BLOCK, (6, 9, 8)),
    (SwinTransformerV2Block, BLOCK, (6, 9, 8)),
]


def with_weights(layer, input_shape):
    """Build a layer whose weights are held exactly by every dtype."""
    layer.build((None, *input_shape))
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        if "seed" not in weight.path:
            weight.assign(rng.integers(-8, 9, weight.shape) / 16)
    return layer


def run(layer_class, arguments, input_shape, policy, scale):
    layer = with_weights(layer_class(**arguments, dtype=policy), input_shape)
    x = np.random.default_rng(1).integers(-16, 17, (2, *input_shape)) / 16 * scale
    y = layer(keras.ops.convert_to_tensor(x, layer.compute_dtype))
    return to_numpy(keras.ops.cast(y, "float64"))


@pytest.mark.parametrize(("layer_class", "arguments", "input_shape"), LAYERS)
def test_a_layer_is_near_its_result_in_float64(layer_class, arguments, input_shape):
    """Values up to 1: some 32 roundings in a row, each half a unit of the largest."""
    given = (layer_class, arguments, input_shape)
    expected = run(*given, "float64", scale=1)
    for policy, unit in UNITS.items():
        found = run(*given, policy, scale=1)
        bound = 16 * unit * max(np.abs(expected).max(), 1)
        np.testing.assert_allclose(found, expected, rtol=0, atol=bound, err_msg=policy)


@pytest.mark.parametrize(("layer_class", "arguments", "input_shape"), LAYERS)
def test_zeros_and_large_values_stay_finite(layer_class, arguments, input_shape):
    for policy in ("float16", "bfloat16", "mixed_float16"):
        for scale in (0, 1024):
            found = run(layer_class, arguments, input_shape, policy, scale)
            assert np.isfinite(found).all(), (policy, scale)


def test_scores_beyond_half_precision_are_kept():
    """Of q k^T = 512**2 * 4, float16 would make an infinity, and of that NaN."""
    layer = with_weights(WindowAttention(2, 1, dtype="mixed_float16"), (4, 4))
    identity = np.tile(np.eye(4), 3)
    layer.qkv.set_weights([identity, np.zeros(12)])
    layer.projection.set_weights([np.eye(4), np.zeros(4)])
    layer.position_bias.set_weights([np.zeros((9, 1))])
    x = 512 * np.array([[[1, 1, 1, 1], [1, 1, 1, -1], [1, 1, -1, -1], [-1] * 4]])
    y = to_numpy(layer(x.astype("float16")))
    np.testing.assert_array_equal(y, x)  # each token attends to itself


@pytest.mark.parametrize(
    ("config_class", "policy"),
    [
        (SwinConfig, "mixed_float16"),
        (SwinV2Config, "float16"),
        *(
            pytest.param(config_class, policy, marks=pytest.mark.slow)
            for config_class in (SwinConfig, SwinV2Config)
            for policy in ("float64", "bfloat16", "mixed_bfloat16")
        ),
    ],
)
def test_a_model_trains_a_step_under_any_policy(config_class, policy, set_dtype_policy):
    """With padded windows, in which all of V2's keys are zero."""
    set_dtype_policy(policy)
    config = config_class(
        (36, 28, 3), embed_dim=8, depths=(1, 1), num_heads=(1, 2), window_size=4
    )
    model = SwinClassifier(config, classes=3)
    loss = "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
    x = np.random.default_rng(0).uniform(0, 255, (4, 36, 28, 3))
    history = model.fit(x, np.arange(4) % 3, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    exact = "float64" if policy == "float64" else "float32"
    assert keras.backend.standardize_dtype(model.output.dtype) == exact
    for weight in model.weights:
        assert np.isfinite(to_numpy(keras.ops.cast(weight, "float32"))).all()
