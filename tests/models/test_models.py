"""Models: published sizes, shapes, arguments, saving, errors."""

import dataclasses
import inspect
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.applications import (
    SwinDetector,
    SwinNano,
    SwinSegmenter,
    SwinTiny,
    create_model,
)
from swin_keras.errors import UsageError
from swin_keras.layers import SwinTransformerBlock
from swin_keras.models import (
    VARIANTS,
    SwinBackbone,
    SwinClassifier,
    SwinConfig,
    list_models,
    variant_config,
)
from swin_keras.models.summary import summarize
from swin_keras.training.muon import SwinMuon

TOY = SwinConfig(
    input_shape=(32, 32, 3),
    embed_dim=8,
    depths=(2, 2),
    num_heads=(2, 4),
    window_size=4,
)

# Facts: the published model cards; millions of multiply-adds as in the paper.
PUBLISHED = {
    "swin_tiny": (28_288_354, 4.49e9),
    "swin_small": (49_606_258, 8.74e9),
    "swin_base": (87_768_224, 15.43e9),
    "swin_base_384": (87_903_584, 47.10e9),
    "swin_large": (196_532_476, 34.48e9),
    "swin_large_384": (196_735_516, 103.95e9),
    "swinv2_tiny": (28_347_154, 5.93e9),
    "swinv2_tiny_window16": (28_347_154, 6.61e9),
    "swinv2_small": (49_728_418, 11.52e9),
    "swinv2_small_window16": (49_728_418, 12.65e9),
    "swinv2_base": (87_918_816, 20.29e9),
    "swinv2_base_window16": (87_918_816, 21.80e9),
    "swinv2_base_192to256": (87_918_816, 21.80e9),
    "swinv2_base_192to384": (87_918_816, 54.75e9),
    "swinv2_large": (196_739_932, 47.49e9),
    "swinv2_large_192to384": (196_739_932, 115.42e9),
}
PRETRAINED_ONLY = {"swinv2_base_192", "swinv2_large_192"}


def images(*shape, batch=2):
    return np.random.default_rng(0).uniform(0, 255, (batch, *shape)).astype("float32")


def run(model, x):
    """Run a model once; `predict` would compile it."""
    return keras.ops.convert_to_numpy(model(x, training=False))


def feature_shapes(backbone):
    return {level: tuple(map_.shape) for level, map_ in backbone.output.items()}


def test_every_published_variant_is_listed():
    assert set(PUBLISHED) == set(VARIANTS) - {"swin_nano"} - PRETRAINED_ONLY
    assert list_models("swin_*384") == ["swin_base_384", "swin_large_384"]


@pytest.mark.parametrize(
    "variant",
    [
        pytest.param(name, marks=[] if name.endswith("tiny") else [pytest.mark.slow])
        for name in PUBLISHED
    ],
)
def test_published_variants_have_their_parameters_and_multiply_adds(variant):
    parameters, macs = PUBLISHED[variant]
    parts = summarize(create_model(variant))
    assert sum(part.parameters for part in parts) == parameters
    assert sum(part.macs for part in parts) == pytest.approx(macs, rel=2e-3)


def test_the_small_variant_is_under_a_million_parameters():
    assert create_model("swin_nano").count_params() < 1_000_000


def test_backbone_returns_the_four_features_of_detection_papers():
    assert feature_shapes(SwinBackbone()) == {
        "C2": (None, 56, 56, 96),
        "C3": (None, 28, 28, 192),
        "C4": (None, 14, 14, 384),
        "C5": (None, 7, 7, 768),
    }


@pytest.mark.parametrize(
    "size",
    [
        (32, 32),
        (33, 47),
        pytest.param((64, 32), marks=pytest.mark.slow),
        pytest.param((50, 75), marks=pytest.mark.slow),
        (128, 36),
        pytest.param((250, 190), marks=pytest.mark.slow),
    ],
)
def test_any_image_size_from_32_up_gives_finite_numbers(size):
    config = TOY.replace(input_shape=(*size, 3), depths=(2, 2, 2), num_heads=(2, 4, 8))
    model = SwinClassifier(config, classes=3)
    scores = run(model, images(*size, 3))
    assert scores.shape == (2, 3)
    np.testing.assert_allclose(scores.sum(-1), 1, atol=1e-5)
    backbone = SwinBackbone(config)
    expected = {
        f"C{stage + 2}": (None, *map_size, channels)
        for stage, (map_size, channels) in enumerate(
            zip(config.stage_sizes, config.stage_channels, strict=True)
        )
    }
    assert feature_shapes(backbone) == expected


def test_a_batch_gives_what_its_images_give_one_by_one():
    model = SwinClassifier(TOY, classes=5, classifier_activation=None)
    x = images(32, 32, 3, batch=3)
    one_by_one = [run(model, x[i : i + 1])[0] for i in range(3)]
    np.testing.assert_allclose(run(model, x), one_by_one, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, pytest.param(4, marks=pytest.mark.slow)])
def test_preprocessing_in_the_model_is_the_mean_and_std_of_imagenet(channels):
    config = TOY.replace(input_shape=(32, 32, channels))
    inside = SwinClassifier(config, classes=3)
    outside = SwinClassifier(config, classes=3, include_preprocessing=False)
    outside.set_weights(inside.get_weights())
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    if channels != 3:
        mean, std = mean.mean(), std.mean()
    x = images(32, 32, channels)
    normalized = ((x - mean) / std).astype("float32")
    np.testing.assert_allclose(run(inside, x), run(outside, normalized), atol=1e-5)


def backbone_of_a_variant(classes, **arguments):
    return SwinBackbone("swin_nano", **arguments)


class TestKerasApplicationsArguments:
    def test_without_top_the_model_ends_in_the_last_feature_map(self):
        model = SwinNano(include_top=False)
        assert model.output_shape == (None, 4, 4, 128)

    @pytest.mark.parametrize("pooling", ["avg", "max"])
    def test_pooling_gives_a_vector(self, pooling):
        assert SwinNano(include_top=False, pooling=pooling).output_shape == (None, 128)

    def test_input_tensor_becomes_the_input_of_the_model(self):
        inputs = keras.Input((40, 24, 3))
        model = SwinNano(input_tensor=inputs * 2, classes=4)
        assert [tuple(tensor.shape) for tensor in model.inputs] == [(None, 40, 24, 3)]
        assert model.output_shape == (None, 4)

    @pytest.mark.parametrize(
        "build", [SwinNano, SwinSegmenter, SwinDetector, backbone_of_a_variant]
    )
    def test_a_tensor_of_another_shape_than_was_asked_for_is_refused(self, build):
        inputs = keras.Input((40, 24, 3))
        with pytest.raises(UsageError, match=r"\(40, 40, 3\) and a tensor of \(40, 24"):
            build(input_tensor=inputs, input_shape=(40, 40, 3), classes=4)

    def test_weights_alone_are_read_for_the_channels_of_the_tensor(self, tmp_path):
        grey = SwinNano(input_shape=(32, 32, 1), patch_size=4, classes=4)
        path = tmp_path / "grey.weights.h5"
        grey.save_weights(path)
        inputs = keras.Input((32, 32, 1))
        model = SwinNano(input_tensor=inputs, patch_size=4, weights=path)
        x = images(32, 32, 1)
        np.testing.assert_array_equal(run(model, x), run(grey, x))

    def test_without_activation_the_model_ends_in_logits(self):
        logits = SwinNano(classes=4, classifier_activation=None)
        scores = SwinNano(classes=4)
        scores.set_weights(logits.get_weights())
        x = images(32, 32, 3)
        expected = keras.ops.softmax(run(logits, x))
        np.testing.assert_allclose(run(scores, x), expected, atol=1e-6)

    def test_weights_may_be_a_file_that_keras_wrote(self, tmp_path):
        model = SwinNano(classes=4)
        model.save_weights(tmp_path / "nano.weights.h5")
        loaded = SwinNano(classes=4, weights=tmp_path / "nano.weights.h5")
        x = images(32, 32, 3)
        np.testing.assert_array_equal(run(loaded, x), run(model, x))

    def test_signature_and_name_are_those_of_the_function(self):
        names = list(inspect.signature(SwinTiny).parameters)
        assert SwinTiny.__name__ == "SwinTiny"
        assert names == [
            "include_top",
            "include_preprocessing",
            "weights",
            "input_tensor",
            "input_shape",
            "pooling",
            "classes",
            "classifier_activation",
            "name",
            "class_names",
            "sizes",
        ]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: variant_config("swin_tinny"), "Did you mean 'swin_tiny'"),
        (lambda: SwinNano(embed_dims=3), "no size 'embed_dims'.*'embed_dim'"),
        (lambda: SwinConfig(num_heads=(3, 5, 12, 24)), "stage 2 .*num_heads=5"),
        (lambda: SwinConfig(depths=(2, 2)), "must name the same stages"),
        (lambda: SwinConfig(input_shape=(3, 64, 3)), "at least one patch"),
        (
            lambda: SwinConfig(patch_overlap=-1),
            "`patch_overlap` must be a whole number, at least 0",
        ),
        (lambda: SwinConfig(input_shape=(None, None, 3)), "three known sizes"),
        (lambda: SwinConfig(drop_path_rate=1.0), r"`drop_path_rate` must be in"),
        (lambda: SwinConfig(window_size=0), "`window_size` must be at least 1"),
        (lambda: SwinNano(classes=0), "`classes` must be a whole number, at least 1"),
        (lambda: SwinNano(include_top=False, pooling="sum"), "'avg' or 'max'"),
        (lambda: SwinConfig(window_size=7.5), "whole number or .height, width"),
        (lambda: SwinConfig(window_size="7"), "whole number or .height, width"),
        (lambda: SwinConfig(patch_size=4.0), "`patch_size` must be a whole number"),
        (lambda: SwinConfig(depths=2), "`depths` must be whole numbers"),
        (
            lambda: SwinConfig(depths=(1, 2000), num_heads=(3, 3)),
            r"at most 512 blocks .* Received: depths=\(1, 2000\), which are 2001",
        ),
        (
            lambda: SwinConfig(depths=(0,) * 10**5, num_heads=(1,) * 10**5),
            "which are 100000",
        ),
        (lambda: SwinConfig(num_heads=(1, 2.0)), "`num_heads` must be whole numbers"),
        (lambda: SwinConfig(input_shape=224), "three known sizes"),
        (lambda: SwinConfig(window_fit="both"), "`window_fit` must be one of 'side'"),
        (lambda: SwinNano(input_shape=(None, None, 3)), "build a model for each size"),
        (lambda: SwinNano(classes=1), "classifier_activation='sigmoid'"),
        (lambda: SwinNano(weights="unknown"), "`weights` must be None, 'imagenet'"),
        (lambda: SwinNano(weights=3), "`weights` must be None, 'imagenet'"),
        (lambda: SwinBackbone("swin_tinny"), "Did you mean 'swin_tiny'"),
        (lambda: SwinBackbone(3), "a SwinV2Config or the name of a variant"),
        (lambda: SwinNano(num_classes=3), "size 'num_classes'. Pass `classes`"),
        (lambda: SwinNano(pretrained=True), 'Pass `weights="imagenet"`'),
        (lambda: SwinNano(img_size=64), "Pass `input_shape=.height, width, channels"),
        (lambda: SwinNano(in_chans=1), "Pass `input_shape=.height, width, channels"),
        (lambda: SwinNano(drop_path=0.1), "Pass `drop_path_rate`"),
        (lambda: SwinBackbone(attn_drop_rate=0.1), "Pass `attention_dropout_rate`"),
        (lambda: SwinNano(clases=3), "Did you mean 'classes'"),
    ],
)
def test_sizes_that_cannot_work_are_refused_in_words(make, message):
    with pytest.raises(UsageError, match=message):
        make()


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"qkv_bias": "no"}, "`qkv_bias` must be True or False. Received: 'no'"),
        ({"remat": 1}, "`remat` must be True or False. Received: 1"),
        ({"kernel_initializer": "nope"}, "must be one that Keras knows.* 'nope'"),
        ({"kernel_initializer": 3}, "must be one that Keras knows"),
    ],
)
def test_switches_and_initializers_are_checked(sizes, message):
    with pytest.raises(UsageError, match=message):
        SwinConfig(**sizes)


def test_numbers_of_numpy_are_numbers():
    config = SwinConfig(
        input_shape=np.array([64, 96, 3]),
        window_size=np.int64(4),
        depths=list(np.array([1, 1])),
        num_heads=(np.int32(2), 4),
        embed_dim=np.int64(8),
        drop_path_rate=np.float32(0.5),
        remat=np.bool_(False),
    )
    plain = SwinConfig((64, 96, 3), 4, 0, 8, (1, 1), (2, 4), 4, drop_path_rate=0.5)
    assert config == plain
    assert json.loads(json.dumps(dataclasses.asdict(config)))["window_size"] == 4
    assert SwinBackbone(config).count_params() == SwinBackbone(plain).count_params()


def test_a_variant_may_be_named_wherever_sizes_are_taken():
    features = SwinBackbone("swin_nano").output
    assert [tuple(feature.shape[1:]) for feature in features.values()] == [
        (16, 16, 32),
        (8, 8, 64),
        (4, 4, 128),
    ]
    assert SwinClassifier("swin_nano", classes=3).output_shape == (None, 3)


def test_one_class_with_a_sigmoid_or_as_a_logit():
    for activation in ("sigmoid", None):
        model = SwinNano(classes=1, classifier_activation=activation)
        assert len(np.unique(model(images(32, 32, 3)))) == 2


def test_a_window_of_one_token_gives_no_warning_and_trains():
    """Warnings are errors here: Keras has one for a softmax over one value."""
    inputs = keras.Input((1, 1, 8))
    model = keras.Model(inputs, SwinTransformerBlock(2, window_size=4)(inputs))
    model.compile("sgd", "mse", jit_compile=False)
    model.train_on_batch(np.ones((2, 1, 1, 8)), np.zeros((2, 1, 1, 8)))


def test_drop_path_grows_from_zero_to_its_rate():
    rates = SwinConfig(drop_path_rate=0.3, depths=(2, 2), num_heads=(1, 1))
    np.testing.assert_allclose(rates.block_drop_path_rates, [0, 0.1, 0.2, 0.3])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights_and_the_same_run():
    def run():
        keras.utils.set_random_seed(7)
        model = SwinClassifier(TOY.replace(drop_path_rate=0.5), classes=3)
        loss = "sparse_categorical_crossentropy"
        model.compile("sgd", loss, jit_compile=False)
        model.fit(images(32, 32, 3, batch=8), np.arange(8) % 3, epochs=2, verbose=0)
        return model.get_weights()

    for first, second in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, second)


def graph_of(model, batch=None):
    signature = tf.TensorSpec((batch, *model.input_shape[1:]), tf.float32)
    call = tf.function(lambda x: model(x, training=False))
    return call.get_concrete_function(signature).graph


@pytest.mark.parametrize("size", [(32, 32), (33, 47)])
def test_no_tensor_of_the_inference_graph_has_more_than_four_axes(size):
    model = SwinClassifier(TOY.replace(input_shape=(*size, 3)), classes=3)
    ranks = {
        tensor.shape.rank
        for operation in graph_of(model).get_operations()
        for tensor in operation.outputs
    }
    assert None not in ranks
    assert max(ranks) == 4


def test_a_saved_model_loads_in_a_fresh_process_without_custom_objects(tmp_path):
    model = SwinClassifier(TOY, classes=3)
    model.compile(SwinMuon(1e-3), "sparse_categorical_crossentropy")
    x = images(32, 32, 3)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", model.predict(x, verbose=0))
    code = (
        "import numpy as np, swin_keras, keras; "
        "model = keras.models.load_model('model.keras'); "
        "assert type(model.optimizer).__name__ == 'SwinMuon'; "
        "y = model.predict(np.load('x.npy'), verbose=0); "
        "np.testing.assert_array_equal(y, np.load('y.npy'))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.mark.slow
def test_jax_gives_the_same_numbers(tmp_path):
    pytest.importorskip("jax")
    config = TOY.replace(input_shape=(40, 28, 3))
    model = SwinClassifier(config, classes=3, classifier_activation=None)
    x = images(40, 28, 3)
    model.save_weights(tmp_path / "model.weights.h5")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", model.predict(x, verbose=0))
    code = f"""
import numpy as np, keras
from swin_keras.models import SwinClassifier, SwinConfig
assert keras.backend.backend() == "jax"
model = SwinClassifier({config!r}, classes=3, classifier_activation=None)
model.load_weights("model.weights.h5")
y = model.predict(np.load("x.npy"), verbose=0)
np.testing.assert_allclose(y, np.load("y.npy"), atol=1e-5)
"""
    environment = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        check=True,
        env=os.environ | environment,
    )
