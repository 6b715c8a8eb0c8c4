"""Layers of dense prediction, against brute force."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy

from swin_keras import layers
from swin_keras.exporting.head_folding import ResizedSum
from swin_keras.layers import (
    AdaptivePooling,
    BilinearResizing,
    ChannelDropout,
    MapMixing,
    NearestUpsampling,
    PatchExpanding,
    PositionEmbedding,
    SubPixelConvolution,
    SyncBatchNormalization,
)


def feature_map(*shape, batch=2):
    return np.random.default_rng(0).normal(size=(batch, *shape)).astype("float32")


@pytest.mark.parametrize("cells", [1, 2, 3, 6])
@pytest.mark.parametrize("size", [(16, 16), (7, 10), (4, 3)])
def test_pooling_takes_the_mean_of_each_cell(size, cells):
    x = feature_map(*size, 3)
    means = to_numpy(AdaptivePooling(cells)(x))
    for row in range(cells):
        for column in range(cells):
            (top, bottom), (left, right) = (
                (cell * side // cells, -(-(cell + 1) * side // cells))
                for cell, side in zip((row, column), size, strict=True)
            )
            expected = x[:, top:bottom, left:right].mean((1, 2))
            np.testing.assert_allclose(means[:, row, column], expected, atol=1e-6)


@pytest.mark.parametrize("size", [(6, 8), (5, 3), (1, 1), (9, 16)])
def test_resizing_weights_the_nearest_centres(size):
    x = feature_map(3, 4, 2)

    def weights(old, new):
        centres = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        return np.maximum(1 - np.abs(centres[:, None] - np.arange(old)), 0)

    rows, columns = (weights(*axis) for axis in zip((3, 4), size, strict=True))
    expected = np.einsum("yh,xw,bhwc->byxc", rows, columns, x)
    resized = to_numpy(BilinearResizing(size)(x))
    np.testing.assert_allclose(resized, expected, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        AdaptivePooling(2),
        NearestUpsampling((8, 12)),
        SubPixelConvolution(2, 2, (8, 12)),
        PositionEmbedding(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_of_one_size_refuse_another(layer):
    """What they hold, or cut, is right for the map that they were built for alone."""
    layer(feature_map(4, 6, 3))
    for other in ((6, 4), (1, 6), (8, 12)):
        with pytest.raises(ValueError, match="incompatible with the layer"):
            layer(feature_map(*other, 3))
    with pytest.raises(ValueError, match="must be known"):
        type(layer).from_config(layer.get_config()).build((None, None, 6, 3))


def test_resizing_keeps_half_precision():
    layer = BilinearResizing(4, dtype="mixed_bfloat16")
    dtype = layer(feature_map(2, 2, 1)).dtype
    assert keras.backend.standardize_dtype(dtype) == "bfloat16"


def test_maps_are_mixed_as_by_a_convolution_over_all_of_them_resized():
    maps = [feature_map(2, 3, 6), feature_map(3, 5, 4), feature_map(5, 9, 2)]
    layer = MapMixing(7, (5, 9), kernel_initializer="glorot_normal")
    mixed = to_numpy(layer(maps))
    large = [to_numpy(BilinearResizing((5, 9))(x)) for x in maps]
    kernel = to_numpy(layer.kernel)
    assert kernel.shape == (1, 1, 12, 7)
    expected = np.concatenate(large, axis=-1) @ kernel[0, 0]
    np.testing.assert_allclose(mixed, expected, atol=1e-5)
    summed = to_numpy(ResizedSum((5, 9))([x[..., :2] for x in maps]))
    np.testing.assert_allclose(summed, sum(x[..., :2] for x in large), atol=1e-6)


def test_layers_of_several_maps_are_saved_and_train(tmp_path):
    inputs = [keras.Input((2, 3, 4)), keras.Input((4, 6, 4))]
    mixed = MapMixing(4, (4, 6))(inputs)
    model = keras.Model(inputs, ResizedSum((5, 7))([mixed, inputs[0]]))
    assert model.output_shape == (None, 5, 7, 4)
    maps = [feature_map(2, 3, 4), feature_map(4, 6, 4)]
    before = to_numpy(model(maps))
    model.compile("sgd", "mse", run_eagerly=True)
    model.train_on_batch(maps, before + 1)
    assert np.abs(to_numpy(model(maps)) - before).max() > 0
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    np.testing.assert_array_equal(to_numpy(loaded(maps)), to_numpy(model(maps)))


@pytest.mark.parametrize("size", [(9, 12), (4, 12), (8, 13)])
def test_pixels_of_other_patches_are_refused(size):
    with pytest.raises(ValueError, match="up to 3 less"):
        SubPixelConvolution(1, 4, size)(feature_map(2, 3, 5))


@pytest.mark.parametrize("factor", [2, 4])
def test_expanding_puts_the_parts_of_a_token_row_by_row(factor):
    layer = PatchExpanding(3, factor)
    x = feature_map(2, 3, 5)
    layer.build(x.shape)
    wide = x @ to_numpy(layer.expansion.kernel)
    result = to_numpy(layer(x))
    for row in range(2 * factor):
        for column in range(3 * factor):
            part = row % factor * factor + column % factor
            token = wide[:, row // factor, column // factor, 3 * part : 3 * part + 3]
            expected = to_numpy(layer.norm(token[:, None])[:, 0])
            np.testing.assert_allclose(result[:, row, column], expected, atol=1e-5)


def test_channels_are_dropped_whole_and_for_each_image_anew():
    layer = ChannelDropout(0.5, seed=0)
    ones = np.ones((4, 3, 3, 32), "float32")
    dropped = to_numpy(layer(ones, training=True))
    assert set(np.unique(dropped)) == {0.0, 2.0}
    by_channel = dropped.reshape(4, 9, 32)
    assert (by_channel == by_channel[:, :1]).all()
    assert len(np.unique(by_channel[:, 0], axis=0)) == 4
    np.testing.assert_array_equal(to_numpy(layer(ones)), ones)


def test_batch_normalization_follows_as_torch_does():
    layer = SyncBatchNormalization()
    x = 3 * feature_map(4, 4, 2) + 1
    normalized = to_numpy(layer(x, training=True))
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    expected = (x - mean) / np.sqrt(variance + 1e-5)
    np.testing.assert_allclose(normalized, expected, atol=1e-5)
    np.testing.assert_allclose(to_numpy(layer.moving_mean), 0.1 * mean, rtol=1e-4)
    followed = 0.9 + 0.1 * variance
    np.testing.assert_allclose(to_numpy(layer.moving_variance), followed, rtol=1e-4)


@pytest.mark.parametrize(
    "options", [{}, {"axis": 1}, {"scale": False}, {"momentum": 0.5, "epsilon": 0.1}]
)
def test_batch_normalization_is_saved_with_its_arguments(tmp_path, options):
    inputs = keras.Input((4, 3, 2))
    model = keras.Model(inputs, SyncBatchNormalization(**options)(inputs))
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(1, 2, w.shape) for w in model.weights])
    model.save(tmp_path / "a.keras")
    loaded = keras.models.load_model(tmp_path / "a.keras")
    x = feature_map(4, 3, 2)
    np.testing.assert_array_equal(to_numpy(loaded(x)), to_numpy(model(x)))
    assert loaded.layers[-1].momentum == options.get("momentum", 0.9)


@pytest.mark.parametrize("layer", [AdaptivePooling, BilinearResizing])
def test_a_size_below_one_is_refused(layer):
    with pytest.raises(ValueError, match="`size` must be at least 1"):
        layer(0)


TWO_DEVICES = """
import keras, numpy as np, tensorflow as tf
from swin_keras.layers import SyncBatchNormalization
cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
x = np.random.default_rng(0).normal(size=(4, 3, 3, 2)).astype("float32")
one = SyncBatchNormalization()
expected = one(x, training=True)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    two = SyncBatchNormalization()
    two.build(x.shape)
parts = strategy.experimental_distribute_dataset(
    tf.data.Dataset.from_tensor_slices(x).batch(4)
)
run = tf.function(lambda part: strategy.run(lambda y: two(y, training=True), (part,)))
results = strategy.experimental_local_results(run(next(iter(parts))))
np.testing.assert_allclose(np.concatenate(results), expected, atol=1e-6)
np.testing.assert_allclose(two.moving_variance.numpy(), one.moving_variance.numpy())
"""


@pytest.mark.slow
def test_two_devices_normalize_by_the_moments_of_the_whole_batch():
    subprocess.run([sys.executable, "-c", TWO_DEVICES], check=True)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (layers.PatchEmbedding, {"patch_size": np.int64(2), "embed_dim": np.int64(8)}),
        (
            layers.SwinTransformerBlock,
            {
                "num_heads": np.int64(2),
                "window_size": np.array([4, 2]),
                "shift_size": (np.int64(2), 1),
            },
        ),
        (layers.AdaptivePooling, {"size": np.array([2, 2])}),
        (layers.BilinearResizing, {"size": np.array([5, 7])}),
        (layers.NearestUpsampling, {"size": np.array([16, 16])}),
        (layers.PatchExpanding, {"units": np.int32(4), "factor": np.int64(2)}),
    ],
)
def test_a_layer_with_numbers_of_numpy_is_loaded_again(layer, arguments, tmp_path):
    inputs = keras.Input((8, 8, 8))
    model = keras.Model(inputs, layer(**arguments)(inputs))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 8)).astype("float32")
    np.testing.assert_array_equal(model(x), loaded(x))


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_no_detections_at_all_are_refused(count):
    with pytest.raises(ValueError, match=r"at least 1. Received"):
        layers.TopDetections((32, 32), (8, 16), max_detections=count)
