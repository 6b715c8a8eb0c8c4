"""Detectors: shapes, sizes, saving, precision, and which branch teaches what."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from swin_keras.applications import SwinDetector
from swin_keras.errors import UsageError
from swin_keras.layers import points_of
from swin_keras.models import (
    DetectionHead,
    SwinConfig,
    end_in_detections,
    model_strides,
    strides_of,
)

TOY = SwinConfig(
    input_shape=(40, 56, 3),
    patch_size=2,
    embed_dim=8,
    depths=(1, 2, 1),
    num_heads=(1, 2, 4),
    window_size=4,
)
HEAD = DetectionHead(channels=8, convolutions=1)
STRIDES = (4, 8, 16, 32)
OUTPUTS = ("many_scores", "boxes", "centerness", "one_scores")


@pytest.fixture(scope="module")
def toy():
    keras.utils.set_random_seed(0)  # a fixture of a module comes before every seed
    return SwinDetector(TOY, classes=2, head=HEAD)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(0, 255, (2, 40, 56, 3)).astype("float32")


def test_outputs_are_those_of_the_points(toy, images):
    assert strides_of(TOY, HEAD) == STRIDES
    points, strides = points_of(TOY.input_shape, STRIDES)
    assert len(points) == len(strides) == 10 * 14 + 5 * 7 + 3 * 4 + 2 * 2
    sizes = dict(zip(OUTPUTS, (2, 4, 1, 2), strict=True))
    outputs = toy(images)
    assert {name: tuple(x.shape) for name, x in outputs.items()} == {
        name: (2, len(points), size) for name, size in sizes.items()
    }
    assert (np.asarray(outputs["boxes"]) >= 0).all()


def test_it_begins_sure_of_nothing_with_boxes_of_the_level(toy, images):
    outputs = toy(images)
    chance = 1 / (1 + np.exp(-np.asarray(outputs["many_scores"])))
    np.testing.assert_allclose(chance.mean(), 0.01, rtol=0.2)
    _, strides = points_of(TOY.input_shape, STRIDES)
    sides = np.asarray(outputs["boxes"]) / strides[:, None]
    np.testing.assert_allclose(sides.mean(axis=(0, 2)), 4, rtol=0.2)


def test_published_sizes_have_the_published_number_of_weights():
    """Convolutions of the pyramid 1 x 1 and 3 x 3; of the towers 3 x 3, with norms."""
    for name, channels, convolutions in [("light", 128, 2), ("full", 256, 4)]:
        sizes = {"embed_dim": 8, "depths": (1,) * 4, "num_heads": (1,) * 4}
        model = SwinDetector("swin_tiny", classes=80, head=name, **sizes)
        count = sum(
            layer.count_params()
            for layer in model.layers
            if layer.name.startswith("head_pyramid")
        )
        lateral = (16 + 32 + 64) * channels + 3 * channels
        assert count == lateral + 5 * (9 * channels**2 + channels)
        branch = sum(
            layer.count_params()
            for layer in model.layers
            if layer.name.startswith("head_many")
        )
        tower = convolutions * (9 * channels**2 + 2 * channels)
        predictions = (9 * channels + 1) * (80 + 4 + 1)
        assert branch == 2 * tower + predictions + 5  # a scale for each level
        one = sum(
            layer.count_params()
            for layer in model.layers
            if layer.name.startswith("head_one")
        )
        assert one == 18 * channels**2 + 2 * channels + (9 * channels + 1) * 80


def test_layers_of_the_head_are_named_as_such(toy):
    names = [layer.name for layer in toy.layers]
    backbone = ("images", "preprocessing", "patch_embedding", "stage_", "norm")
    assert all(name.startswith(("head_", *backbone)) for name in names)
    assert "head_one_convolution_1" in names


def test_the_branch_of_one_point_does_not_teach_the_rest(toy, images):
    with tf.GradientTape() as tape:
        outputs = toy(images)
        loss = tf.reduce_sum(outputs["one_scores"])
    gradients = tape.gradient(loss, toy.trainable_variables)
    taught = {
        variable.path.split("/")[0]
        for variable, gradient in zip(toy.trainable_variables, gradients, strict=True)
        if gradient is not None
    }
    assert taught
    assert all(name.startswith("head_one") for name in taught)


def test_every_weight_learns(toy, images):
    with tf.GradientTape() as tape:
        outputs = toy(images, training=True)
        loss = sum(tf.reduce_sum(tf.square(x)) for x in outputs.values())
    gradients = tape.gradient(loss, toy.trainable_variables)
    for variable, gradient in zip(toy.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), variable.path


@pytest.mark.parametrize("ends_in_detections", [False, True])
def test_saved_and_loaded_it_is_the_same(toy, images, tmp_path, ends_in_detections):
    model = end_in_detections(toy) if ends_in_detections else toy
    model.save(tmp_path / "toy.keras")
    loaded = keras.models.load_model(tmp_path / "toy.keras")
    assert model_strides(loaded) == STRIDES
    # Files know lists, not tuples.
    assert json.dumps(loaded.get_config()) == json.dumps(model.get_config())
    before, after = (m(images, training=False) for m in (model, loaded))
    for name, part in before.items():
        np.testing.assert_array_equal(after[name], part, err_msg=name)


def test_in_mixed_precision_what_comes_out_is_float32(set_dtype_policy, images):
    set_dtype_policy("mixed_float16")
    model = SwinDetector(TOY, classes=2, head=HEAD)
    assert model.get_layer("head_many_class_convolution_1").compute_dtype == "float16"
    for name, part in model(images).items():
        assert part.dtype == "float32", name
        assert np.isfinite(part).all(), name
    detections = end_in_detections(model)(images)
    assert {part.dtype for part in detections.values()} == {tf.float32}


def test_channels_first_changes_nothing(images):
    keras.config.set_image_data_format("channels_first")
    try:
        model = SwinDetector(TOY, classes=2, head=HEAD)
        shapes = {name: x.shape for name, x in model(images[:1]).items()}
    finally:
        keras.config.set_image_data_format("channels_last")
    assert shapes["boxes"] == (1, 191, 4)


def test_a_backbone_of_version_2_and_grey_images_do_as_well():
    model = SwinDetector(
        "swinv2_tiny",
        classes=1,
        input_shape=(64, 32, 1),
        head=HEAD,
        embed_dim=8,
        depths=(1, 1, 1, 1),
        num_heads=(1, 1, 1, 1),
    )
    assert model.output["many_scores"].shape[1] == 8 * 4 + 4 * 2 + 2 * 1 + 1 + 1


def test_images_may_come_from_another_model(images):
    pixels = keras.Input((40, 56, 3), name="pixels")
    model = SwinDetector(TOY, classes=2, head=HEAD, input_tensor=pixels / 2)
    assert model.inputs[0].name == "pixels"
    assert end_in_detections(model)(images)["boxes"].shape == (2, 100, 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"classes": 0}, "at least 1. Received: 0"),
        ({"classes": 2.5}, "at least 1. Received: 2.5"),
        ({"head": "ligth"}, "'light', 'full'. Received: 'ligth'. Did you mean 'light'"),
        ({"head": None}, "Received: None"),
        ({"num_classes": 3}, "Pass `classes`"),
        ({"head": DetectionHead(first_stage=4)}, "first_stage=4 for 3 stages"),
        ({"input_shape": (None, 64, 3)}, "three known sizes"),
    ],
)
def test_what_cannot_work_is_refused(arguments, words):
    with pytest.raises(UsageError, match=words):
        SwinDetector(TOY, **arguments)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"channels": 0}, "`channels` must be a whole number, at least 1"),
        ({"convolutions": 1.5}, "Received: 1.5"),
        ({"extra_levels": -1}, "at least 0. Received: -1"),
        ({"norm": "group"}, "one of 'layer', 'none'. Received: 'group'"),
    ],
)
def test_sizes_of_a_head_that_cannot_work_are_refused(sizes, words):
    with pytest.raises(UsageError, match=words):
        DetectionHead(**sizes)


def test_a_head_without_norms_and_extra_levels_works(images):
    head = DetectionHead(channels=8, norm="none", first_stage=3, extra_levels=0)
    model = SwinDetector(TOY, classes=2, head=head)
    assert strides_of(TOY, head) == (8,)
    assert model(images)["many_scores"].shape == (2, 5 * 7, 2)
