"""Segmenters: published sizes, shapes, arguments, saving, training, errors."""

import functools
import math
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.applications import SwinSegmenter
from swin_keras.errors import UsageError
from swin_keras.models import (
    SegmentationHead,
    SwinBackbone,
    SwinConfig,
    SwinV2Config,
    end_in_probabilities,
    without_auxiliary,
)
from swin_keras.models.summary import summarize

TOY = SwinConfig(
    input_shape=(32, 32, 3),
    embed_dim=8,
    depths=(2, 1, 1),
    num_heads=(2, 2, 4),
    window_size=4,
)
HEADS = {
    "mlp": SegmentationHead("mlp", channels=8),
    "upernet": SegmentationHead("upernet", channels=8),
    "unet": SegmentationHead("unet"),
    "sub-pixel": SegmentationHead("mlp", channels=8, sub_pixel=True),
    "detail": SegmentationHead("mlp", channels=8, sub_pixel=True, detail_channels=4),
}
AS_LARGE = {"unet", "sub-pixel", "detail"}  # as the image
ODD = (33, 50)


@pytest.fixture(scope="module")
def toys():
    """Return a function that builds the toy with a head, once for all tests."""

    @functools.cache
    def toy_of(kind, size=ODD):
        keras.utils.set_random_seed(0)  # a fixture of a module comes before every seed
        return SwinSegmenter(TOY, HEADS[kind], input_shape=(*size, 3), classes=3)

    return toy_of


def images(*shape, batch=2):
    return np.random.default_rng(0).uniform(0, 255, (batch, *shape)).astype("float32")


def run(model, x):
    """Run a model once; `predict` would compile it."""
    return keras.tree.map_structure(
        keras.ops.convert_to_numpy, model(x, training=False)
    )


def parameters(model, prefix=""):
    return sum(
        math.prod(weight.shape)
        for layer in model.layers
        if layer.name.startswith(prefix)
        for weight in layer.trainable_weights
    )


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        ("swin_tiny", 59_941_862),
        pytest.param("swin_small", 81_259_766, marks=pytest.mark.slow),
        pytest.param("swin_base", 121_279_716, marks=pytest.mark.slow),
    ],
)
def test_the_published_upernet_has_its_parameters(variant, expected):
    head = SegmentationHead("upernet", channels=512)
    model = SwinSegmenter(variant, head, auxiliary=True)
    assert parameters(model) == expected


# For Swin-T and 150 classes at 512 x 512, computed from the published code, whose
# all-MLP head has 5.68: it joins its maps before it mixes them.
@pytest.mark.parametrize(
    ("kind", "channels", "millions", "gmacs"),
    [
        pytest.param("upernet", 128, 3.01, 13.9, marks=pytest.mark.slow),
        ("mlp", 256, 0.671, 2.81),
    ],
)
def test_default_heads_are_as_light_as_said(kind, channels, millions, gmacs):
    assert SegmentationHead(kind).width == channels
    model = SwinSegmenter("swin_tiny", kind, input_shape=(512, 512, 3))
    head = next(part for part in summarize(model) if part.name == "head")
    assert head.parameters / 1e6 == pytest.approx(millions, rel=2e-3)
    assert head.macs / 1e9 == pytest.approx(gmacs, rel=5e-3)
    assert head.output_shape == (128, 128, 150)


@pytest.mark.parametrize("kind", HEADS)
def test_what_is_frozen_is_a_part_of_the_model(kind, toys):
    model = toys(kind)
    parts = summarize(model)
    learned = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert sum(part.parameters for part in parts) == learned
    model.trainable = False
    assert summarize(model) == parts
    model.trainable = True


def test_the_unet_has_the_parameters_of_the_published_code():
    model = SwinSegmenter("swin_tiny", "unet", depths=(2, 2, 2, 2), classes=9)
    assert parameters(model) == 27_168_900
    parts = {part.name: part for part in summarize(model)}
    assert parts["head"].detail == ""


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        *((kind, ODD) for kind in HEADS),
        ("sub-pixel", (64, 24)),
        ("detail", (64, 24)),
        *(
            pytest.param(kind, (64, 24), marks=pytest.mark.slow)
            for kind in ("mlp", "upernet", "unet")
        ),
    ],
)
def test_any_image_size_gives_each_place_its_logits(kind, size, toys):
    model = toys(kind, size)
    step = 1 if kind in AS_LARGE else 4
    logits = run(model, images(*size, 3))
    assert logits.shape == (2, *(-(-side // step) for side in size), 3)
    assert np.isfinite(logits).all()


VERSION_2 = SwinV2Config(embed_dim=8, depths=(1, 2), num_heads=(1, 2))
ONE_STAGE = TOY.replace(depths=(1,), num_heads=(2,))


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        *(pytest.param(kind, VERSION_2, id=f"v2-{kind}") for kind in HEADS),
        *(
            pytest.param(
                kind,
                ONE_STAGE,
                id=f"one-stage-{kind}",
                marks=() if kind == "mlp" else pytest.mark.slow,
            )
            for kind in HEADS
        ),
    ],
)
def test_every_head_takes_other_backbones(kind, config):
    model = SwinSegmenter(config, HEADS[kind], input_shape=(24, 40, 1), classes=2)
    step = 1 if kind in AS_LARGE else 4
    assert model.output_shape == (None, 24 // step, 40 // step, 2)


@pytest.mark.parametrize("kind", HEADS)
def test_a_segmenter_is_flat_and_its_heads_layers_are_named(kind, toys):
    model = toys(kind)
    backbone = {layer.name for layer in SwinBackbone(TOY, include_norms=True).layers}
    backbone |= {"preprocessing", "norm"}
    names = {layer.name for layer in model.layers}
    assert all(name.startswith("head_") for name in names - backbone)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    assert model.name == f"swin_{HEADS[kind].kind}"


def test_a_sub_pixel_head_gives_each_pixel_its_own_logits(toys):
    model = SwinSegmenter(TOY, HEADS["sub-pixel"], input_shape=(33, 50, 3), classes=3)
    layer = model.get_layer("head_logits")
    rng = np.random.default_rng(0)
    for weight in layer.weights:
        weight.assign(rng.normal(size=weight.shape))
    tokens = keras.Model(model.input, layer.input)
    x = images(33, 50, 3)
    kernel = keras.ops.convert_to_numpy(layer.kernel).reshape(8, 4, 4, 3)
    bias = keras.ops.convert_to_numpy(layer.bias).reshape(4, 4, 3)
    expected = np.einsum("bhwc,cijk->bhiwjk", run(tokens, x), kernel)
    expected = (expected + bias[:, None]).reshape(2, 36, 52, 3)[:, :33, :50]
    np.testing.assert_allclose(run(model, x), expected, atol=1e-5)
    head = next(part for part in summarize(model) if part.name == "head")
    assert layer.count_params() == 16 * 3 * 8 + 16 * 3
    without = next(part for part in summarize(toys("mlp")) if part.name == "head")
    assert head.macs - without.macs == 15 * 3 * 8 * (9 * 13)


def test_detail_adds_to_each_pixel_what_its_neighbours_say():
    model = SwinSegmenter(TOY, HEADS["detail"], input_shape=(33, 50, 3), classes=3)
    rng = np.random.default_rng(0)
    for name in ("head_detail_logits", "head_logits"):
        for weight in model.get_layer(name).weights:
            weight.assign(rng.normal(size=weight.shape))
    parts = [model.get_layer(f"head_{name}logits").output for name in ("", "detail_")]
    apart = keras.Model(model.input, parts)
    x = images(33, 50, 3, batch=1)
    coarse, detail = run(apart, x)
    np.testing.assert_allclose(run(model, x), coarse + detail, atol=1e-5)
    x[0, 20, 30] = 255 - x[0, 20, 30]
    rows, columns = np.nonzero((run(apart, x)[1] != detail)[0].any(-1))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (19, 21, 29, 31)
    assert model.get_layer("head_detail_conv").count_params() == 9 * 3 * 4
    assert model.get_layer("head_detail_logits").count_params() == 4 * 3


def test_the_auxiliary_head_is_there_where_asked_and_can_be_taken_off():
    model = SwinSegmenter(TOY, HEADS["upernet"], auxiliary=True, classes=3)
    shapes = {name: tuple(output.shape) for name, output in model.output.items()}
    assert shapes == {"logits": (None, 8, 8, 3), "auxiliary": (None, 4, 4, 3)}
    x = images(32, 32, 3)
    without = without_auxiliary(model)
    np.testing.assert_allclose(run(without, x), run(model, x)["logits"], atol=1e-6)
    assert not any("auxiliary" in layer.name for layer in without.layers)
    assert without_auxiliary(without) is without


@pytest.mark.parametrize("kind", HEADS)
def test_no_tensor_has_more_than_four_axes(kind, toys):
    model = toys(kind)
    signature = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
    call = tf.function(lambda x: model(x, training=False))
    graph = call.get_concrete_function(signature).graph
    ranks = {
        tensor.shape.rank
        for operation in graph.get_operations()
        for tensor in operation.outputs
    }
    assert None not in ranks
    assert max(ranks) == 4


@pytest.mark.parametrize("kind", HEADS)
def test_every_kernel_trains_and_a_saved_model_is_the_same(kind, tmp_path):
    keras.utils.set_random_seed(0)
    model = SwinSegmenter(TOY, HEADS[kind], classes=3, auxiliary=kind == "upernet")
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign_add(rng.normal(scale=0.05, size=weight.shape))
    before = {
        weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights
    }
    x = images(32, 32, 3, batch=4)
    outputs = keras.tree.map_structure(np.shape, run(model, x))
    targets = keras.tree.map_shape_structure(
        lambda shape: rng.normal(size=shape), outputs
    )
    model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
    model.train_on_batch(x, targets)
    for weight in model.weights:  # a bias before a batch normalization is idle
        if len(weight.shape) > 1 or "moving" in weight.path:
            assert (weight != before[weight.path]).numpy().any(), weight.path

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    keras.tree.map_structure(
        np.testing.assert_array_equal, run(loaded, x), run(model, x)
    )


@pytest.mark.slow
def test_heads_are_the_same_where_keras_is_set_to_channels_first(tmp_path):
    for kind, head in HEADS.items():
        keras.utils.set_random_seed(0)
        model = SwinSegmenter(TOY, head, classes=3)
        model.save_weights(tmp_path / f"{kind}.weights.h5")
        np.save(tmp_path / f"{kind}.npy", run(model, images(32, 32, 3)))
    np.save(tmp_path / "x.npy", images(32, 32, 3))
    code = f"""
import numpy as np, keras
keras.config.set_image_data_format("channels_first")
from swin_keras.applications import SwinSegmenter
from swin_keras.models import SegmentationHead, SwinConfig
for kind, head in {HEADS!r}.items():
    model = SwinSegmenter({TOY!r}, head, classes=3)
    model.load_weights(kind + ".weights.h5")
    y = model(np.load("x.npy"), training=False)
    np.testing.assert_allclose(y, np.load(kind + ".npy"), atol=1e-6)
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("kind", HEADS)
def test_logits_are_float32_in_mixed_precision(kind):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = SwinSegmenter(TOY, HEADS[kind], classes=3)
    finally:
        keras.config.set_dtype_policy("float32")
    logits = model(images(32, 32, 3), training=False)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    assert {weight.dtype for weight in model.trainable_weights} == {"float32"}


def test_a_backbone_may_normalize_its_maps_and_its_images():
    backbone = SwinBackbone(TOY, include_norms=True, include_preprocessing=True)
    plain = SwinBackbone(TOY)
    rng = np.random.default_rng(0)
    for weight in backbone.trainable_weights:
        weight.assign_add(rng.normal(scale=0.1, size=weight.shape))
    for layer in plain.layers:
        layer.set_weights(backbone.get_layer(layer.name).get_weights())
    x = images(32, 32, 3)
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    maps, normalized = run(plain, (x - mean) / std), run(backbone, x)
    for stage, level in enumerate(maps, start=1):
        norm = backbone.get_layer(f"stage_{stage}_norm")
        assert norm.epsilon == 1e-5
        np.testing.assert_allclose(normalized[level], norm(maps[level]), atol=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SwinSegmenter(TOY, "upernett"), "Did you mean 'upernet'"),
        (lambda: SwinSegmenter(TOY, 3), "must be a SegmentationHead or one of 'mlp'"),
        (lambda: SegmentationHead("unet", channels=3), "change `embed_dim`"),
        (lambda: SegmentationHead(channels=0), "at least 1. Received: channels=0"),
        (lambda: SegmentationHead(channels=2.5), "`channels`.*whole.*Received: 2.5"),
        (lambda: SegmentationHead(channels=True), "`channels`.*whole.*Received: True"),
        (lambda: SegmentationHead(dropout_rate="0.1"), "a number. Received: '0.1'"),
        (lambda: SegmentationHead(["mlp"]), "`kind` must be text"),
        (lambda: SegmentationHead(pool_sizes=(1, 2)), "Only 'upernet' pools"),
        (lambda: SegmentationHead("unet", auxiliary_channels=64), "no auxiliary head"),
        (lambda: SegmentationHead("unet", dropout_rate=0.5), "change `drop_path_rate`"),
        (lambda: SegmentationHead(pool_sizes=(0, 2)), r"pool_sizes=\(0, 2\)"),
        (lambda: SegmentationHead(pool_sizes=3), "`pool_sizes`.*Received: 3"),
        (lambda: SegmentationHead(sub_pixel=4), "true or false. Received: 4"),
        (lambda: SegmentationHead("unet", sub_pixel=True), "as large as the image"),
        (lambda: SegmentationHead(detail_channels=8), "pass sub_pixel=True, too"),
        (
            lambda: SegmentationHead(sub_pixel=True, detail_channels=-1),
            "0 for none. Received: -1",
        ),
        (
            lambda: SegmentationHead(sub_pixel=True, detail_channels=True),
            "`detail_channels` must be a whole number. Received: True",
        ),
        (lambda: SegmentationHead(dropout_rate=1), r"must be in \[0, 1\)"),
        (lambda: SwinSegmenter(TOY, classes=0), "`classes` must be a whole number"),
        (lambda: SwinSegmenter(TOY, classes=2.0), "`classes` must be a whole number"),
        (lambda: SwinSegmenter(TOY, "unet", auxiliary=True), "no auxiliary head"),
        (
            lambda: SwinSegmenter(
                TOY, auxiliary=True, depths=(2,), num_heads=(2,), classes=3
            ),
            "at least two stages",
        ),
        (
            lambda: end_in_probabilities(SwinSegmenter(TOY, classes=1)),
            "at least two classes",
        ),
        (lambda: SwinSegmenter("swin_tinny"), "Did you mean 'swin_tiny'"),
        (lambda: SwinSegmenter(TOY, num_classes=3), "Pass `classes`"),
        (lambda: SwinSegmenter(TOY, weights="no such file"), "`weights` must be None"),
    ],
)
def test_what_cannot_work_is_refused_in_words(make, message):
    with pytest.raises(UsageError, match=message):
        make()
