"""Weights of a detector: its own, whole; a backbone's; another detector's backbone."""

import dataclasses

import numpy as np
import pytest
from files import checkpoint_arrays, small_model
from safetensors.numpy import save_file

from swin_keras.applications import SwinDetector
from swin_keras.errors import WeightsError
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import DetectionHead, SwinConfig, end_in_detections
from swin_keras.weights import convert, from_pretrained, info, load_weights
from swin_keras.weights.checkpoint import open_checkpoint
from swin_keras.weights.dense_heads import checkpoint_head
from swin_keras.weights.tensor_mapping import tensor_mapping

SIZES = {
    "input_shape": (32, 32, 3),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (1, 1),
    "num_heads": (1, 2),
    "window_size": 4,
}
TOY = SwinConfig(**SIZES)
HEAD = DetectionHead(channels=8, convolutions=1, extra_levels=2)


def detector(seed=0, **changes):
    """Build a toy whose numbers are all random, also those that begin as 0 or 1."""
    model = SwinDetector(TOY, **{"head": HEAD, "classes": 2, **changes})
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(size=w.shape) for w in model.weights])
    return model


def weights_of(model):
    return {weight.path: weight.numpy() for weight in model.weights}


def assert_equal(given, expected, names):
    for name in names:
        np.testing.assert_array_equal(given[name], expected[name], err_msg=name)


def head_of(model):
    return [name for name in weights_of(model) if name.startswith("head_")]


def is_by_class(name):
    return "class_logits" in name or "head_one_logits" in name


def backbone_of(model):
    return [name for name in weights_of(model) if not name.startswith("head_")]


@pytest.mark.parametrize("norm", ["layer", "none"])
def test_every_weight_of_a_detector_has_a_place(norm):
    model = detector(head=DetectionHead(channels=8, convolutions=2, norm=norm))
    mapped = tensor_mapping(model).values()
    assert {id(one.variable) for one in mapped} == {id(w) for w in model.weights}


@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_its_own_files_bring_the_whole_detector(ending, tmp_path):
    trained = detector()
    path = tmp_path / f"a.{ending}"
    (trained.save if ending == "keras" else trained.save_weights)(path)
    given = SwinDetector(TOY, head=HEAD, classes=2, weights=str(path))
    assert_equal(weights_of(given), weights_of(trained), weights_of(trained))


def test_classes_are_found_by_name_and_the_rest_of_the_head_stays(tmp_path):
    trained = detector()
    card = ModelCard("x", "toy", {}, ("cat", "dog"), task="detect")
    save_keras(trained, tmp_path / "a.keras", card)
    model = detector(seed=1, class_names=("dog", "owl", "cat"), classes=3)
    new = weights_of(model)
    report = load_weights(
        model, tmp_path / "a.keras", class_names=("dog", "owl", "cat")
    )
    assert "2 of the file's 2 classes kept, by name (dog, cat); new: owl" in str(report)
    given, old = weights_of(model), weights_of(trained)
    by_class = [name for name in old if is_by_class(name)]
    assert len(by_class) == 4
    assert_equal(given, old, old.keys() - set(by_class))
    for name in by_class:
        expected = old[name][..., 1], new[name][..., 1], old[name][..., 0]
        np.testing.assert_array_equal(given[name], np.stack(expected, -1))


def test_a_classifier_gives_its_backbone(tmp_path):
    classifier = small_model(**SIZES)
    save_file(checkpoint_arrays(classifier, "official"), tmp_path / "x.safetensors")
    model = detector()
    before = weights_of(model)
    report = load_weights(model, tmp_path / "x.safetensors")
    assert "head: new; train it" in str(report)
    given, theirs = weights_of(model), weights_of(classifier)
    shared = [name for name in backbone_of(model) if name in theirs]
    assert len(shared) > 30
    assert_equal(given, theirs, shared)
    assert_equal(given, before, head_of(model))


def test_a_published_detector_gives_its_backbone_with_its_norms(tmp_path):
    arrays = {
        f"backbone.{name}": x
        for name, x in checkpoint_arrays(small_model(**SIZES), "official").items()
        if not name.startswith(("head.", "norm."))
    }
    for stage, channels in enumerate((8, 16)):
        arrays[f"backbone.norm{stage}.weight"] = np.full(channels, 3, "float32")
        arrays[f"backbone.norm{stage}.bias"] = np.full(channels, 4, "float32")
    arrays["neck.lateral_convs.0.conv.weight"] = np.ones((8, 8, 1, 1), "float32")
    arrays["rpn_head.rpn_conv.weight"] = np.ones((8, 8, 3, 3), "float32")
    save_file(arrays, tmp_path / "x.safetensors")
    model = SwinDetector(TOY, head=HEAD, weights=str(tmp_path / "x.safetensors"))
    # Of the only stage whose map the pyramid takes:
    gamma, beta = model.get_layer("stage_2_norm").get_weights()
    np.testing.assert_array_equal(gamma, 3)
    np.testing.assert_array_equal(beta, 4)
    report = load_weights(model, tmp_path / "x.safetensors")
    assert {"/neck.lateral_convs.0.conv.weight", "/rpn_head.rpn_conv.weight"} <= set(
        report.unused
    )


def test_a_detector_gives_a_classifier_its_backbone(tmp_path):
    trained = detector()
    trained.save(tmp_path / "a.keras")
    model = small_model(**SIZES)
    load_weights(model, tmp_path / "a.keras", new_head=True)
    given, theirs = weights_of(model), weights_of(trained)
    shared = [name for name in given if name in theirs]
    assert len(shared) > 30
    assert_equal(given, theirs, shared)


def test_another_head_is_refused_in_words(tmp_path):
    detector().save(tmp_path / "a.keras")
    other = DetectionHead(channels=16, convolutions=1, extra_levels=2)
    with pytest.raises(WeightsError, match=r"detector\.pyramid_lateral_3\.weight is"):
        SwinDetector(TOY, head=other, classes=2, weights=str(tmp_path / "a.keras"))


# Built from a file


@pytest.mark.parametrize(
    "sizes",
    [
        {"convolutions": 0, "first_stage": 1, "extra_levels": 0},
        {"convolutions": 2, "first_stage": 2, "norm": "none"},
        {"convolutions": 1, "first_stage": 1, "extra_levels": 1},
    ],
)
def test_a_head_is_told_from_its_tensors(sizes, tmp_path):
    head = DetectionHead(channels=8, **sizes)
    trained = detector(head=head)
    trained.save(tmp_path / "a.keras")
    assert checkpoint_head(open_checkpoint(tmp_path / "a.keras")) == head
    back = from_pretrained(tmp_path / "a.keras")
    assert list(back.output) == list(trained.output)
    assert_equal(weights_of(back), weights_of(trained), weights_of(trained))


@pytest.mark.parametrize("preprocessing", [True, False])
def test_a_detector_of_a_run_comes_back_whole(preprocessing, tmp_path, caplog):
    trained = detector(include_preprocessing=preprocessing)
    card = ModelCard("x", "toy", {}, ("cat", "dog"), task="detect")
    save_keras(trained, tmp_path / "best.keras", card)
    back = from_pretrained(tmp_path)
    assert not caplog.records  # nothing was adapted
    images = np.random.default_rng(0).uniform(0, 255, (2, *TOY.input_shape))
    for name, expected in trained(images).items():
        np.testing.assert_array_equal(back(images)[name], expected, err_msg=name)


def test_a_detector_is_built_for_other_classes_and_pictures(tmp_path):
    trained = detector()
    card = ModelCard("x", "toy", {}, ("cat", "dog"), task="detect")
    save_keras(trained, tmp_path / "a.keras", card)
    names = ("dog", "owl", "cat")
    back = from_pretrained(
        tmp_path / "a.keras", class_names=names, input_shape=(48, 64, 3)
    )
    assert back.input_shape == (None, 48, 64, 3)
    assert back.output["one_scores"].shape[-1] == 3
    given, old = weights_of(back), weights_of(trained)
    for name in filter(is_by_class, old):
        np.testing.assert_array_equal(given[name][..., 0], old[name][..., 1])
        np.testing.assert_array_equal(given[name][..., 2], old[name][..., 0])
    path = tmp_path / "a.keras"
    backbone = from_pretrained(path, include_top=False, new_head=True)
    assert not head_of(backbone)


def test_an_export_gives_a_detector_whose_centerness_is_new(tmp_path, caplog):
    trained = detector()
    end_in_detections(trained).save(tmp_path / "model.keras")
    back = from_pretrained(tmp_path)
    assert "centerness, which exports leave out, is new" in caplog.text
    given, old = weights_of(back), weights_of(trained)
    assert given.keys() == old.keys()
    new = {name for name in old if "centerness" in name}
    assert len(new) == 2
    assert_equal(given, old, old.keys() - new)
    model = detector(seed=1)
    assert "centerness" in str(load_weights(model, tmp_path))
    assert_equal(weights_of(model), old, old.keys() - new)


def test_a_detector_that_lacks_a_part_of_a_branch_is_refused(tmp_path):
    model = detector()
    model.get_layer("head_many_box_edges").name = "head_many_other"
    model.save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match=r"lacks 2 tensors .*many_box_edges"):
        from_pretrained(tmp_path / "a.keras")


@pytest.mark.slow
def test_a_converted_detector_predicts_as_before(tmp_path):
    trained = detector()
    source, sizes = tmp_path / "a.keras", dataclasses.asdict(HEAD)
    card = ModelCard(
        "x",
        "toy",
        dataclasses.asdict(TOY),
        ("cat", "dog"),
        task="detect",
        letter_box=True,
        train={"head": "light", "head_sizes": sizes},
    )
    save_keras(trained, source, card)
    assert info(source)["head"] == "detector"
    assert info(source)["classes"] == 2
    path = convert(source, tmp_path / "b.keras")
    picture = np.random.default_rng(0).integers(0, 256, (20, 50, 3), np.uint8)
    (before,), (after,) = (Predictor(f).predict(picture) for f in (source, path))
    assert len(before.boxes) > 10
    np.testing.assert_array_equal(after.boxes, before.boxes)
    assert after.scores == before.scores
