"""What `export` makes of a Keras file that says nothing of itself."""

import keras
import numpy as np
import pytest
from small_model import NAMES, SMALL, shaken

from swin_keras.applications import SwinDetector, SwinSegmenter, SwinTiny
from swin_keras.errors import UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.images import _load
from swin_keras.exporting.verify import EXACT, verify
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import read_card
from swin_keras.model_files.card import ModelCard
from swin_keras.models import DetectionHead, SegmentationHead, SwinClassifier
from swin_keras.models.feature_maps import features
from swin_keras.tasks import task_named


def exported(model, tmp_path, **options):
    model.save(tmp_path / "m.keras")
    config = ExportConfig(
        saved_models_dir=str(tmp_path / "out"), formats=("litert",), **options
    )
    return export(tmp_path / "m.keras", config)


@pytest.mark.slow
@pytest.mark.parametrize(
    "auxiliary", [pytest.param(False, marks=pytest.mark.slow), True]
)
def test_a_segmenter_ends_in_probabilities(tmp_path, auxiliary):
    head = SegmentationHead("mlp", channels=8)
    model = shaken(SwinSegmenter(SMALL, head, auxiliary=auxiliary, classes=3))
    folder = exported(model, tmp_path)
    card = read_card(folder)
    assert (card.task, card.class_names) == ("segment", ("0", "1", "2"))
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    said = Predictor(folder).probabilities(picture)
    logits = model(picture, training=False)
    logits = logits["logits"] if auxiliary else logits
    np.testing.assert_allclose(said.sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(said, keras.ops.softmax(logits), atol=1e-5)


@pytest.mark.slow
def test_a_detector_is_a_detector(tmp_path):
    head = DetectionHead(channels=8, convolutions=1, extra_levels=0)
    model = shaken(SwinDetector(SMALL, head, classes=3))
    card = read_card(exported(model, tmp_path))
    assert card.task == "detect"
    assert card.class_names == ("0", "1", "2")
    assert set(card.outputs) == {"boxes", "classes", "scores", "count"}


@pytest.mark.slow
def test_a_model_without_head_gives_its_feature_maps(tmp_path):
    card = read_card(exported(SwinClassifier(SMALL, include_top=False), tmp_path))
    assert (card.task, set(card.outputs)) == ("features", {"C2", "C3"})


def test_the_features_of_a_detector_are_those_of_its_stages():
    head = DetectionHead(channels=8, convolutions=1, extra_levels=0)
    assert set(features(SwinDetector(SMALL, head, classes=3))) == {"C2", "C3"}


def test_a_head_of_ones_own_is_not_cut_off(tmp_path):
    backbone = SwinClassifier(SMALL, include_top=False)
    maps = keras.layers.Conv2D(2, 1)(backbone.output)
    with pytest.raises(UsageError, match=r"\(None, 8, 8, 2\)"):
        exported(keras.Model(backbone.input, maps), tmp_path)


@pytest.mark.slow
def test_large_logits_may_be_rounded_more_and_not_be_wrong(tmp_path):
    """Those of a network that takes 0..255 as it is are in the hundreds."""
    inputs = x = keras.Input((64, 64, 3))
    how = {"strides": 2, "activation": "relu", "kernel_initializer": "he_normal"}
    for channels in (32, 64, 128):
        x = keras.layers.Conv2D(channels, 3, **how)(x)
    x = keras.layers.Dense(5, "softmax", name="head")(keras.layers.Flatten()(x))
    model = keras.Model(inputs, x)
    folder = exported(model, tmp_path)
    assert read_card(folder).checks["litert"]["difference"] > EXACT.difference
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    head.set_weights([1.001 * kernel, bias])
    (folder / "card.json").unlink()  # which lists the files' hashes
    model.save(folder / "model.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3))
    checks = verify(folder, task_named("classify"), ["litert"], pictures)
    assert checks[1].problems[0].startswith("logits differ by")


def test_images_of_any_size_are_refused_in_words(tmp_path):
    inputs = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    with pytest.raises(UsageError, match=r"images of one size.*None, None, None, 3"):
        exported(model, tmp_path)


def test_a_published_model_keeps_what_it_is():
    sizes = {"embed_dim": 24, "num_heads": (1, 2, 4, 8), "input_shape": (32, 32, 3)}
    model = SwinTiny(weights=None, classes=2, **sizes)
    assert set(features(model)) == {"C2", "C3", "C4", "C5"}


def test_some_images_of_a_large_folder_are_enough(images_dir, caplog):
    card = ModelCard("a", "b", {"input_shape": (32, 32, 3)}, NAMES)
    with caplog.at_level("INFO"):
        images = _load(images_dir, card, most=5)
    assert images.shape == (5, 32, 32, 3)
    assert "5 of the 12 images" in caplog.text
    np.testing.assert_array_equal(images, _load(images_dir, card, most=5))
    assert len(_load(images_dir, card, most=12)) == 12


def test_images_are_prepared_as_the_models_own(images_dir):
    pictures = {
        (task, letter_box): _load(
            images_dir,
            ModelCard(
                "a",
                "b",
                {"input_shape": (32, 32, 3)},
                NAMES,
                task=task,
                letter_box=letter_box,
            ),
            most=1,
        )[0]
        for task, letter_box in (
            ("classify", False),
            ("detect", False),
            ("detect", True),
        )
    }
    assert not pictures["detect", True][0].any()  # black above
    assert pictures["detect", False][0].any()
    assert (pictures["classify", False] != pictures["detect", False]).any()
