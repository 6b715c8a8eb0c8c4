"""Models and files that are not quite this package's: adapted, or refused in words."""

import math
import re

import keras
import numpy as np
import pytest

from swin_keras import SwinNano
from swin_keras.applications import SwinDetector, SwinSegmenter
from swin_keras.distillation.teacher import Teacher, load_teacher
from swin_keras.errors import UsageError, WeightsError
from swin_keras.inference.predictor import Predictor
from swin_keras.layers import SwinTransformerBlock
from swin_keras.layers.padded_block import PaddedSwinTransformerBlock
from swin_keras.layers.points import level_sizes
from swin_keras.models import (
    SegmentationHead,
    SwinBackbone,
    end_in_detections,
    end_in_probabilities,
    model_strides,
)
from swin_keras.models.layer_names import PREDICTIONS
from swin_keras.models.summary import layer_macs, summarize
from swin_keras.training import TrainConfig
from swin_keras.weights import (
    convert,
    from_pretrained,
    load_weights,
    save_huggingface,
    save_timm,
)
from swin_keras.weights.other_layers import model_layers, other_layers
from swin_keras.weights.source import find_source

SIZES = {
    "input_shape": (32, 32, 3),
    "embed_dim": 8,
    "depths": (1, 1),
    "num_heads": (1, 2),
    "window_size": 4,
}


def toy(**changes):
    return SwinNano(**SIZES | {"classes": 3} | changes)


@pytest.fixture
def headless():
    """Return a backbone with layers of one's own on it."""
    base = toy(include_top=False, pooling="avg")
    x = keras.layers.BatchNormalization(name="mine")(base.output)
    return keras.Model(base.input, keras.layers.Dense(3, name="head")(x))


@pytest.mark.parametrize("channels", [1, 4])
@pytest.mark.parametrize("save", [save_timm, save_huggingface])
def test_other_channels_take_files_that_state_imagenets_pixels(
    tmp_path, save, channels
):
    colour = toy()
    save(colour, tmp_path / "x")
    model = toy(input_shape=(32, 32, channels))
    assert f"3 to {channels} input" in str(load_weights(model, tmp_path / "x"))
    if channels == 1:  # a grey picture is one whose colours are alike
        grey = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 1))
        expected = colour(grey.repeat(3, axis=-1))
        np.testing.assert_allclose(model(grey), expected, atol=0.02)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")  # of norms: they have none
def test_quantized_weights_are_neither_saved_nor_replaced(tmp_path):
    model = toy()
    model.save_weights(tmp_path / "a.weights.h5")
    model.quantize("int8")
    with pytest.raises(UsageError, match="before its weights are quantized"):
        save_timm(model, tmp_path / "x")
    with pytest.raises(UsageError, match="before its weights are quantized"):
        load_weights(model, tmp_path / "a.weights.h5")


@pytest.mark.parametrize("save", [save_timm, save_huggingface])
def test_layers_of_ones_own_are_not_left_out_without_a_word(tmp_path, save, headless):
    with pytest.raises(UsageError, match=r"which has others, too: mine/gamma"):
        save(headless, tmp_path / "x")
    wrapped = keras.Sequential([toy(include_top=False), keras.layers.Dense(3)])
    with pytest.raises(WeightsError, match="which has no patch embedding"):
        save(wrapped, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_layers_of_ones_own_in_a_file_are_named(tmp_path, headless, caplog):
    headless.save(tmp_path / "a.keras")
    from_pretrained(tmp_path / "a.keras")
    assert "not used: /layers/batch_normalization/" in caplog.text


def images(channels=3):
    shape = (2, 32, 32, channels)
    return np.random.default_rng(0).uniform(0, 255, shape).astype("float32")


def rescaled():
    return toy(input_tensor=keras.layers.Rescaling(255.0)(keras.Input((32, 32, 3))))


def divided():
    return toy(input_tensor=keras.Input((32, 32, 3)) / 2)


def repeated():
    grey = keras.Input((32, 32, 1))
    return toy(input_tensor=keras.layers.Concatenate()([grey, grey, grey]))


def joined():
    images = [keras.Input((32, 32, 3)), keras.Input((32, 32, 1))]
    tensor = keras.layers.Concatenate()(images)
    return toy(input_tensor=tensor, input_shape=(32, 32, 4))


def tempered():
    model = toy(classifier_activation=None)
    x = keras.layers.Rescaling(0.25, name="temperature")(model.output)
    return keras.Model(model.input, keras.layers.Activation("softmax", name="y")(x))


def of_the_maximum():
    base = toy(include_top=False, pooling="max")
    x = keras.layers.Dense(3, name="head")(base.output)
    x = keras.layers.Activation("softmax", name="predictions")(x)
    return keras.Model(base.input, x)


def of_two_steps():
    base = toy(include_top=False, pooling="avg")
    x = keras.layers.Dense(16, name="head_hidden")(base.output)
    x = keras.layers.ReLU(name="head_relu")(x)
    return keras.Model(base.input, keras.layers.Dense(3, name="head")(x))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (rescaled, r"rescaling\w* \(Rescaling\)"),
        (divided, r"true_divide\w* \(TrueDivide\)"),
        (repeated, r"concatenate\w* \(Concatenate\)"),
        (joined, r"concatenate\w* \(Concatenate\)"),
        (tempered, r"temperature \(Rescaling\), y \(Activation\)"),
        (of_the_maximum, r"pooling \(GlobalMaxPooling2D\)"),
        (of_two_steps, r"head_relu \(ReLU\)"),
    ],
)
def test_layers_without_weights_are_not_left_out_without_a_word(
    build, words, tmp_path, caplog
):
    model = build()
    model.save(tmp_path / "a.keras")
    from_pretrained(tmp_path / "a.keras")
    assert re.search(f"left out, since not of this package: .*{words}", caplog.text)
    with pytest.raises(WeightsError, match=words):
        convert(tmp_path / "a.keras", tmp_path / "b.keras")
    for save in (save_timm, save_huggingface):
        with pytest.raises(UsageError, match=f"which has others, too: .*{words}"):
            save(model, tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["a.keras"]


class Louder(SwinTransformerBlock):
    """A block that computes something else under a name of ours."""

    def _mlp(self, x, training):
        return 3 * super()._mlp(x, training)


class Halved(keras.layers.Dense):
    """A head that computes something else."""

    def call(self, inputs, **options):
        return super().call(inputs, **options) / 2


def with_layer(name, kind, **changes):
    """Build a model with a layer of another class in the place of one of ours."""

    def copy(layer):
        if layer.name == name:
            return kind.from_config(layer.get_config() | changes)
        return type(layer).from_config(layer.get_config())

    return keras.models.clone_model(toy(), clone_function=copy)


IN_PLACE = [
    ("stage_1_block_1", Louder, {}, r"stage_1_block_1 \(Louder\)"),
    ("head", Halved, {}, r"head \(Halved\)"),
    (
        "norm",
        keras.layers.LayerNormalization,
        {"epsilon": 1e-3},
        r"norm \(LayerNormalization of epsilon 0\.001\)",
    ),
]


@pytest.mark.parametrize(("name", "kind", "changes", "words"), IN_PLACE)
def test_another_class_under_a_name_of_ours_is_not_written(
    name, kind, changes, words, tmp_path
):
    model = with_layer(name, kind, **changes)
    for save in (save_timm, save_huggingface):
        with pytest.raises(UsageError, match=words):
            save(model, tmp_path / "x")
    model.save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match=name):
        convert(tmp_path / "a.keras", tmp_path / "x", to="timm")
    assert not (tmp_path / "x").exists()


def test_a_class_of_the_same_name_is_still_anothers(tmp_path):
    kind = type("SwinTransformerBlock", (SwinTransformerBlock,), {})
    kind.__module__ = "mine"
    with pytest.raises(UsageError, match="stage_1_block_1"):
        save_timm(with_layer("stage_1_block_1", kind), tmp_path / "x")


def test_padded_blocks_give_the_same_and_are_written(tmp_path):
    model = with_layer("stage_1_block_1", PaddedSwinTransformerBlock)
    save_timm(model, tmp_path / "x")
    model.save(tmp_path / "a.keras")
    for source in ("x", "a.keras"):
        back = from_pretrained(tmp_path / source)
        np.testing.assert_allclose(back(images()), model(images()), atol=1e-5)


def test_pixels_that_are_scaled_by_what_data_told_are_refused(tmp_path):
    scaled = keras.layers.Normalization(name="preprocessing")
    scaled.adapt(images())
    tensor = scaled(keras.Input((32, 32, 3)))
    model = toy(include_preprocessing=False, input_tensor=tensor)
    model.save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match=r"preprocessing \(Normalization\)"):
        convert(tmp_path / "a.keras", tmp_path / "b.keras")


@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_a_file_with_another_class_of_block_names_it(ending, tmp_path):
    model = with_layer("stage_1_block_1", Louder)
    path = tmp_path / f"x{ending}"
    (model.save if ending == ".keras" else model.save_weights)(path)
    with pytest.raises(WeightsError, match="'stage_1_block_1' is a 'louder'"):
        load_weights(toy(), path)


def test_a_file_with_the_model_inside_another_says_how_to_get_at_it(tmp_path):
    swin = toy(name="swin")
    middle = keras.Sequential([keras.Input((32, 32, 3)), swin], name="middle")
    for model, steps in (
        (middle, ".get_layer('swin')"),
        (
            keras.Sequential([keras.Input((32, 32, 3)), middle], name="outer"),
            ".get_layer('middle').get_layer('swin')",
        ),
    ):
        model.save(tmp_path / "x.keras")
        code = f"keras.models.load_model(FILE){steps}.save('swin.keras')"
        with pytest.raises(WeightsError, match="inside another") as refusal:
            from_pretrained(tmp_path / "x.keras")
        assert code in str(refusal.value)
        found = keras.models.load_model(tmp_path / "x.keras")
        for name in re.findall(r"get_layer\('(\w+)'\)", steps):
            found = found.get_layer(name)
        found.save(tmp_path / "swin.keras")
        back = from_pretrained(tmp_path / "swin.keras")
        np.testing.assert_allclose(back(images()), swin(images()), atol=1e-5)


@pytest.mark.parametrize("save", [save_timm, save_huggingface])
def test_an_activation_that_no_folder_tells_of_is_said(save, tmp_path, caplog):
    for activation in ("softmax", "sigmoid", None):
        save(toy(classifier_activation=activation), tmp_path / str(activation))
    assert "activation" not in caplog.text
    save(toy(classifier_activation="relu"), tmp_path / "relu")
    assert "not its activation, 'relu'" in caplog.text


@pytest.mark.parametrize(
    "build",
    [
        lambda: toy(dropout_rate=0.1, drop_path_rate=0.1, position_embedding=True),
        lambda: toy(include_top=False, pooling="max"),
        lambda: SwinDetector("swin_nano", classes=2, **SIZES | {"depths": (1, 2)}),
        lambda: end_in_detections(SwinDetector("swin_nano", classes=2, **SIZES)),
        *(
            lambda kind=kind, **more: end_in_probabilities(
                SwinSegmenter(
                    "swin_nano",
                    SegmentationHead(kind, **more),
                    classes=2,
                    **SIZES | {"input_shape": (33, 35, 3)},
                )
            )
            for kind in ("mlp", "unet", "upernet")
        ),
        lambda: SwinSegmenter(
            "swin_nano",
            SegmentationHead("upernet", sub_pixel=True, detail_channels=4),
            classes=2,
            auxiliary=True,
            **SIZES,
        ),
        lambda: toy(input_tensor=keras.layers.RandomFlip()(keras.Input((32, 32, 3)))),
    ],
)
def test_no_layer_of_ours_and_none_that_only_trains_is_anothers(build, tmp_path):
    model = build()
    assert other_layers(model_layers(model)) == {}
    model.save(tmp_path / "a.keras")
    assert find_source(tmp_path / "a.keras").config["others"] == {}


def test_a_head_may_have_its_activation_itself(tmp_path):
    base = toy(include_top=False, pooling="avg")
    top = keras.layers.Dense(3, activation="sigmoid", name="head")(base.output)
    model = keras.Model(base.input, top)
    model.save(tmp_path / "a.keras")
    convert(tmp_path / "a.keras", tmp_path / "b.keras")
    save_huggingface(model, tmp_path / "x")
    for name in ("a.keras", "b.keras", "x"):
        back = from_pretrained(tmp_path / name)
        np.testing.assert_array_equal(back(images()), model(images()))


def test_a_head_with_two_activations_is_named(tmp_path):
    base = toy(include_top=False, pooling="avg")
    x = keras.layers.Dense(3, activation="relu", name="head")(base.output)
    x = keras.layers.Activation("softmax", name="predictions")(x)
    with pytest.raises(UsageError, match=r"others, too: head \(Dense\)"):
        save_timm(keras.Model(base.input, x), tmp_path / "x")


@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.BatchNormalization(name="head_bn"),
        keras.layers.Dense(16, name="head_hidden"),
    ],
)
def test_layers_before_a_head_may_be_called_after_it(layer, ending, tmp_path, caplog):
    base = toy(include_top=False, pooling="avg")
    x = keras.layers.Dense(3, name="head")(layer(base.output))
    path = tmp_path / f"a.{ending}"
    model = keras.Model(base.input, x)
    (model.save if ending == "keras" else model.save_weights)(path)
    again = toy(include_top=False, pooling="avg")
    report = load_weights(again, path)
    assert report.loaded[0] == report.loaded[1]
    np.testing.assert_array_equal(again(images()), base(images()))
    others = [name for name in report.unused if name.startswith("/layers/")]
    assert len(others) == len(layer.weights)
    assert "not used: /layers/" in caplog.text


def test_a_new_head_on_a_headless_file_ends_in_probabilities(tmp_path):
    toy(include_top=False).save(tmp_path / "a.keras")
    model = from_pretrained(tmp_path / "a.keras", classes=3, new_head=True)
    assert model.layers[-1].name == PREDICTIONS
    toy(classifier_activation=None).save(tmp_path / "b.keras")
    assert from_pretrained(tmp_path / "b.keras").layers[-1].name == "head"


def test_a_segmenter_is_converted_without_its_second_head(tmp_path):
    model = SwinSegmenter(
        "swin_nano", head="upernet", auxiliary=True, classes=2, **SIZES
    )
    model.save(tmp_path / "a.keras")
    path = convert(tmp_path / "a.keras", tmp_path / "b.keras", auxiliary=True)
    assert Predictor(path).class_names == ("0", "1")


def test_a_segmenter_says_where_transformers_computes_otherwise(tmp_path, caplog):
    sizes = {
        "input_shape": (64, 64, 3),  # the last map is as large as a window
        "embed_dim": 8,
        "depths": (1, 1, 1, 1),
        "num_heads": (1, 1, 1, 1),
        "window_size": 2,
    }
    head = SegmentationHead("upernet", channels=8, auxiliary_channels=8)
    model = SwinSegmenter("swin_tiny", head=head, classes=2, **sizes)
    save_huggingface(model, tmp_path / "x")
    assert "pads and shifts all the same" in caplog.text


# Teachers


def test_a_teacher_must_give_probabilities(tmp_path):
    toy(classifier_activation=None).save(tmp_path / "logits.keras")
    with pytest.raises(UsageError, match="ends in no softmax"):
        Teacher(Predictor(tmp_path / "logits.keras"), ("0", "1", "2"), (32, 32, 3))


def test_a_teacher_must_normalize_images_itself(tmp_path):
    toy(include_preprocessing=False).save(tmp_path / "raw.keras")
    with pytest.raises(UsageError, match=r"must take images of 0\.\.255"):
        Teacher(Predictor(tmp_path / "raw.keras"), ("0", "1", "2"), (32, 32, 3))
    SwinBackbone("swin_nano", include_preprocessing=False).save(tmp_path / "b.keras")
    with pytest.raises(UsageError, match=r"must take images of 0\.\.255"):
        load_teacher(TrainConfig(teacher=str(tmp_path / "b.keras")))


# Sizes


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"patch_size": 0}, "`patch_size` must be a whole number, at least 1"),
        ({"patch_size": -2}, "`patch_size` must be a whole number, at least 1"),
        ({"embed_dim": 0}, "`embed_dim` must be a whole number, at least 1"),
        ({"patch_overlap": -1}, "`patch_overlap` must be a whole number, at least 0"),
        ({"mlp_ratio": 0}, "at least one unit.*Received: mlp_ratio=0"),
        ({"mlp_ratio": None}, "`mlp_ratio` must be a number"),
        ({"mlp_ratio": float("nan")}, "at least one unit"),
        ({"drop_path_rate": "0.1"}, "`drop_path_rate` must be a number"),
        ({"classes": "5"}, "`classes` must be a whole number"),
        ({"classes": 0}, "`classes` must be a whole number, at least 1"),
    ],
)
def test_impossible_sizes_are_refused_in_words(sizes, words):
    with pytest.raises(UsageError, match=words):
        toy(**sizes)


def test_numbers_of_numpy_are_numbers():
    assert toy(classes=np.int64(2)).output_shape == (None, 2)
    model = SwinSegmenter("swin_nano", classes=np.int64(2), **SIZES)
    assert model.output_shape[-1] == 2


def test_a_detectors_names_are_as_many_as_its_classes():
    with pytest.raises(UsageError, match=r"each of the 3 classes\. Received: 1 names"):
        SwinDetector("swin_nano", classes=3, class_names=["a"], **SIZES)


def test_all_calls_of_a_shared_convolution_are_counted():
    model = SwinDetector("swin_nano", classes=2, **SIZES)
    head = next(part for part in summarize(model) if part.name == "head")
    first_calls = {
        layer.name: layer_macs(layer)
        for layer in model.layers
        if layer.name.startswith("head_") and layer.weights
    }
    once = sum(n for name, n in first_calls.items() if "pyramid" in name)
    shared = sum(first_calls.values()) - once
    places = [math.prod(s) for s in level_sizes((32, 32), model_strides(model))]
    assert len(places) > 1
    assert head.macs == once + shared * sum(places) // places[0]


# Ends of a detector


def test_boxes_are_shares_of_the_images_that_the_stages_see():
    images = keras.Input((30, 62, 3))
    resized = keras.layers.Resizing(32, 64, data_format="channels_last")(images)
    model = SwinDetector(
        "swin_nano", classes=2, input_tensor=resized, **{**SIZES, "input_shape": None}
    )
    ended = end_in_detections(model)
    assert tuple(ended.layers[-1].image_shape) == (32, 64)
    assert end_in_detections(ended) is ended
