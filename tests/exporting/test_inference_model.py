"""Folding changes how a model computes, not what."""

import keras
import numpy as np
import pytest
from keras.ops import convert_to_numpy as to_numpy
from small_model import SMALL, shaken

from swin_keras.applications import SwinSegmenter
from swin_keras.exporting import folding
from swin_keras.exporting.inference_model import (
    inference_model,
    logits,
    named_outputs,
)
from swin_keras.layers import PatchEmbedding
from swin_keras.model_files import load_keras
from swin_keras.models import (
    SegmentationHead,
    SwinBackbone,
    SwinClassifier,
    SwinV2Config,
)
from swin_keras.models.conventions import normalizes
from swin_keras.models.feature_maps import features


def _images(shape, count=3):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, *shape)).astype("float32")


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"qkv_bias": False, "patch_norm": False},
        {"input_shape": (30, 22, 3)},  # windows need padding
        {"input_shape": (31, 32, 3)},  # patches too, so mean and std stay
        {"patch_overlap": 1},
        {"input_shape": (8, 8, 1)},  # one window holds the map
    ],
)
def test_folded_model_gives_the_same_logits(sizes):
    model = shaken(
        SwinClassifier(SMALL.replace(**sizes), classes=5, classifier_activation=None)
    )
    images = _images(model.input_shape[1:])
    expected = to_numpy(model(images))
    folded = to_numpy(inference_model(model)(images))
    np.testing.assert_allclose(folded, expected, atol=2e-5)


@pytest.mark.parametrize("size", [(32, 32), (30, 22)])
def test_a_folded_swin_v2_gives_the_same_logits(size):
    config = SwinV2Config(
        input_shape=(*size, 3), embed_dim=8, depths=(2, 2), num_heads=(2, 4)
    ).replace(window_size=4, patch_size=2)
    model = shaken(SwinClassifier(config, classes=5, classifier_activation=None))
    images = _images(model.input_shape[1:])
    expected = to_numpy(model(images))
    folded = to_numpy(inference_model(model)(images))
    np.testing.assert_allclose(folded, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("auxiliary", "sub_pixel"),
    [
        (False, False),
        pytest.param(False, True, marks=pytest.mark.slow),
        pytest.param(True, False, marks=pytest.mark.slow),
        (True, True),
    ],
)
def test_the_linear_steps_of_an_mlp_head_are_one_product_a_map(auxiliary, sub_pixel):
    head = SegmentationHead("mlp", channels=8, sub_pixel=sub_pixel)
    sizes = {"input_shape": (30, 22, 3), "classes": 3, "auxiliary": auxiliary}
    model = shaken(SwinSegmenter(SMALL, head, **sizes))
    images = _images(model.input_shape[1:])
    twin = inference_model(model)
    kinds = {layer.name: type(layer).__name__ for layer in twin.layers}
    assert kinds["head_mixing_conv"] == "ResizedSum"
    assert kinds["head_mixing_norm"] == "FoldedBatchNormalization"
    outputs = (keras.tree.flatten(m(images, training=False)) for m in (twin, model))
    for given, wanted in zip(*map(list, outputs), strict=True):
        scale = np.abs(wanted).max()
        np.testing.assert_allclose(given / scale, wanted / scale, atol=1e-5)


def test_an_mlp_head_of_one_map_is_one_product():
    head = SegmentationHead("mlp", channels=8)
    config = SMALL.replace(depths=(1,), num_heads=(1,), input_shape=(16, 16, 3))
    model = shaken(SwinSegmenter(config, head, classes=3))
    images = _images(model.input_shape[1:])
    expected = to_numpy(model(images, training=False))
    folded = to_numpy(inference_model(model)(images))
    np.testing.assert_allclose(folded, expected, atol=1e-4 * np.abs(expected).max())


def test_images_that_are_resized_first_are_padded_as_the_stages_see_them():
    """30 is no multiple of 4, and padding is black after normalization."""
    images = keras.Input((64, 64, 3))
    smaller = keras.layers.Resizing(30, 30)(images)
    config = SMALL.replace(input_shape=(30, 30, 3))
    model = shaken(SwinClassifier(config, classes=5, input_tensor=smaller))
    pictures = _images((64, 64, 3))
    # Keras' resizing turns training on where nothing is said of it.
    expected = to_numpy(model(pictures, training=False))
    folded = to_numpy(inference_model(model)(pictures, training=False))
    np.testing.assert_allclose(folded, expected, atol=1e-4)


@pytest.mark.parametrize("is_output", [True, False])
def test_steps_of_a_head_that_others_take_stay(is_output):
    head = SegmentationHead("mlp", channels=8)
    model = shaken(SwinSegmenter(SMALL, head, input_shape=(32, 32, 3), classes=3))
    fine = model.get_layer("head_projection_C2").output
    fine = fine if is_output else keras.layers.GlobalAveragePooling2D()(fine)
    model = keras.Model(model.input, {"logits": model.output, "fine": fine})
    images = _images(model.input_shape[1:])
    expected = model(images)
    for name, given in inference_model(model)(images).items():
        np.testing.assert_allclose(given, expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.filterwarnings("ignore:The structure of")  # of Sequential, by Keras
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("is_sequential", [True, False])
def test_a_model_in_a_model_is_float32_too(
    is_sequential, precision, set_dtype_policy, tmp_path
):
    def build(precision):
        set_dtype_policy(precision)
        base = SwinClassifier(SMALL, include_top=False, pooling="avg")
        inputs, head = keras.Input((32, 32, 3)), keras.layers.Dense(3, dtype="float32")
        if is_sequential:
            return keras.Sequential([inputs, base, head])
        return keras.Model(inputs, head(base(inputs)))

    mixed, plain = build(precision), shaken(build("float32"))
    mixed.set_weights(plain.get_weights())
    mixed.save(tmp_path / "mixed.keras")
    model = load_keras(tmp_path / "mixed.keras")
    images = _images((32, 32, 3))
    expected = to_numpy(plain(images))
    assert not np.allclose(to_numpy(model(images)), expected, atol=1e-4)
    given = to_numpy(inference_model(model)(images))
    np.testing.assert_array_equal(given, expected)


def test_folding_leaves_the_model_itself_alone(small_model):
    before = [to_numpy(weight) for weight in small_model.weights]
    images = _images(small_model.input_shape[1:])
    expected = to_numpy(small_model(images))
    inference_model(small_model)
    for weight, old in zip(small_model.weights, before, strict=True):
        np.testing.assert_array_equal(to_numpy(weight), old)
    np.testing.assert_array_equal(to_numpy(small_model(images)), expected)


def test_normalization_goes_into_the_embedding_only_without_padding(small_model):
    folded = inference_model(small_model)
    assert isinstance(folded.get_layer("preprocessing"), keras.layers.Identity)
    padded = SwinClassifier(SMALL.replace(input_shape=(31, 32, 3)), classes=5)
    layer = inference_model(padded).get_layer("preprocessing")
    assert isinstance(layer, keras.layers.Rescaling)


V2 = SwinV2Config(**(vars(SMALL) | {"input_shape": (30, 22, 3), "drop_path_rate": 0.0}))


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        pytest.param(SMALL, 0, id="v1-apart"),
        pytest.param(
            SMALL, folding.MAX_BIAS_BYTES, marks=pytest.mark.slow, id="v1-together"
        ),
        pytest.param(V2, 0, marks=pytest.mark.slow, id="v2-apart"),
        pytest.param(V2, folding.MAX_BIAS_BYTES, id="v2-together"),
    ],
)
def test_a_folded_model_is_saved_and_loaded_with_the_same_logits(
    config, limit, monkeypatch, tmp_path
):
    """A bias beyond the limit is not stored with its mask."""
    monkeypatch.setattr(folding, "MAX_BIAS_BYTES", limit)
    model = shaken(SwinClassifier(config, classes=5, classifier_activation=None))
    images = _images(model.input_shape[1:])
    folded = inference_model(model)
    attention = folded.get_layer("stage_1_block_2").attention
    assert attention.position_bias.mask_apart == (not limit)
    folded.save(tmp_path / "folded.keras")
    loaded = keras.models.load_model(tmp_path / "folded.keras")
    again = inference_model(loaded)
    for twin in (folded, loaded, again):
        np.testing.assert_allclose(
            to_numpy(twin(images)), to_numpy(model(images)), atol=1e-4
        )


def test_a_folded_swin_v2_computes_no_bias():
    model = shaken(SwinClassifier(V2, classes=5))
    names = {weight.path for weight in inference_model(model).weights}
    assert not [name for name in names if "mlp_expand" in name and "position" in name]
    assert [name for name in names if name.endswith("position_bias/bias")]


def test_a_model_of_mixed_precision_is_exported_in_float32(set_dtype_policy):
    set_dtype_policy("mixed_bfloat16")
    model = shaken(SwinClassifier(SMALL, classes=5, classifier_activation=None))
    exact = inference_model(model, fold=False)
    assert {layer.compute_dtype for layer in exact.layers[1:]} == {"float32"}
    images = _images(SMALL.input_shape)
    expected = to_numpy(exact(images))
    atol = 0.1 * np.ptp(expected, axis=-1).min()
    np.testing.assert_allclose(to_numpy(model(images)), expected, rtol=0, atol=atol)


def test_outputs_have_names(small_model):
    assert list(named_outputs(small_model)) == ["probabilities"]
    assert {name: f.shape[1:] for name, f in features(small_model).items()} == {
        "C2": (16, 16, 16),
        "C3": (8, 8, 32),
    }
    probabilities = keras.ops.softmax(
        keras.Model(small_model.input, logits(small_model))(
            images := _images(small_model.input_shape[1:])
        )
    )
    np.testing.assert_allclose(
        to_numpy(probabilities), to_numpy(small_model(images)), atol=1e-6
    )


def test_a_backbone_keeps_the_names_of_its_features():
    backbone = SwinBackbone(SMALL)
    assert list(named_outputs(inference_model(backbone))) == ["C2", "C3"]


def test_a_model_that_is_not_ours_is_left_as_it_is():
    inner = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])
    outer = keras.Sequential([inner, keras.layers.Dense(2)])
    assert inference_model(outer) is outer


def test_normalization_is_found_where_it_is(small_model):
    assert normalizes(small_model)
    assert normalizes(keras.Sequential([small_model]))
    bare = SwinClassifier(SMALL, classes=5, include_preprocessing=False)
    assert not normalizes(bare)
    scaled = [keras.Input(SMALL.input_shape), keras.layers.Rescaling(1 / 255), bare]
    assert normalizes(keras.Sequential(scaled))


def test_an_adapted_normalization_becomes_a_rescaling_of_the_same_numbers():
    layer = keras.layers.Normalization()
    layer.build((None, 8, 8, 3))
    layer.adapt(_images((8, 8, 3)))
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layer(inputs))
    images = _images((8, 8, 3))
    np.testing.assert_allclose(
        to_numpy(inference_model(model)(images)), to_numpy(model(images)), atol=1e-6
    )


def test_a_model_in_a_model_keeps_what_its_normalization_was_adapted_to(
    set_dtype_policy,
):
    images = _images((8, 8, 3))
    set_dtype_policy("mixed_bfloat16")
    layer = keras.layers.Normalization(dtype="float32")
    layer.adapt(images)
    inputs = keras.Input((8, 8, 3))
    inner = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    copy = inference_model(keras.Model(inputs, inner(layer(inputs))))
    expected = (images - images.mean((0, 1, 2))) / images.std((0, 1, 2))
    found = to_numpy(copy(images)).reshape(images.shape)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(("options", "fold"), [({"invert": True}, True), ({}, False)])
def test_a_normalization_that_is_not_folded_stays_adapted(options, fold):
    images = _images((8, 8, 3))
    layer = keras.layers.Normalization(**options)
    layer.adapt(images)
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layer(inputs))
    found = to_numpy(inference_model(model, fold)(images))
    np.testing.assert_allclose(found, to_numpy(model(images)), atol=1e-6)


@keras.saving.register_keras_serializable("test_inference_model")
class BrightPatches(PatchEmbedding):
    def call(self, images):
        return super().call(keras.ops.tanh(images))


@keras.saving.register_keras_serializable("test_inference_model")
class SquaredNormalization(keras.layers.Normalization):
    def call(self, images):
        return super().call(images) ** 2


@pytest.mark.parametrize("derived", [BrightPatches, SquaredNormalization])
def test_layers_of_ones_own_are_not_taken_for_those_they_derive_from(derived):
    base = derived.__mro__[1]

    def changed(layer):
        kind = derived if type(layer) is base else type(layer)
        return kind.from_config(layer.get_config())

    model = shaken(SwinClassifier(SMALL, classes=4))
    other = keras.models.clone_model(model, clone_function=changed)
    other.set_weights(model.get_weights())
    images = _images(model.input_shape[1:])
    assert any(type(layer) is derived for layer in other.layers)
    expected = to_numpy(other(images))
    assert np.abs(expected - to_numpy(model(images))).max() > 1e-3
    np.testing.assert_allclose(
        to_numpy(inference_model(other)(images)), expected, atol=1e-5
    )
