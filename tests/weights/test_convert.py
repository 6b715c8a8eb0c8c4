"""A card says what was built, whatever the file was for that it was built from."""

import numpy as np
import pytest
from files import small_model

from swin_keras.applications import SwinDetector, SwinSegmenter
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import DetectionHead, SwinBackbone, SwinClassifier, SwinConfig
from swin_keras.models.feature_maps import feature_model
from swin_keras.models.segmentation.segmenter import end_in_probabilities
from swin_keras.weights import convert

TOY = SwinConfig(
    input_shape=(32, 32, 3), embed_dim=8, depths=(1, 1), num_heads=(1, 2), window_size=4
)
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 50, 3), np.uint8)


def saved(model, path, task, names=(), **said):
    """Save a model with a card as runs and exports have it."""
    said = {"grey_range": (0, 1023), "model": {"input_shape": [32, 32, 3]}} | said
    save_keras(model, path, ModelCard("x", "toy", class_names=names, task=task, **said))
    return path


@pytest.mark.parametrize("trained", ["classify", "multi-label", "detect", "segment"])
def test_a_classifier_on_feature_maps_is_one_for_its_card(trained, tmp_path):
    maps = feature_model(small_model())
    said = {"letter_box": trained == "detect", "train": {"task": trained}}
    source = saved(maps, tmp_path / "maps.keras", "features", **said)
    path = convert(source, tmp_path / "a.keras", classes=3, new_head=True)
    card = read_card(path)
    assert (card.task, card.letter_box) == ("classify", False)
    assert (card.grey_range, card.class_names) == ((0, 1023), ("0", "1", "2"))
    (answer,) = Predictor(path).predict(PICTURE)
    assert sum(share for _, share in answer.scores) == pytest.approx(1)


@pytest.mark.parametrize("task", ["features", "classify", "multi-label", None])
def test_one_class_with_a_new_head_is_a_share_of_its_own(task, tmp_path):
    is_maps, source = task in ("features", None), tmp_path / "other.keras"
    other = SwinBackbone(TOY) if is_maps else SwinClassifier(TOY, classes=2)
    if task:
        saved(other, source, task, () if is_maps else ("cat", "dog"))
    else:
        other.save(source)
    path = convert(source, tmp_path / "a.keras", classes=1, new_head=True)
    assert read_card(path).task == "multi-label"
    (answer,) = Predictor(path).predict(PICTURE)
    assert answer.scores[0][1] < 0.99  # a softmax of one is always 1


@pytest.mark.parametrize("activation", ["softmax", "sigmoid", None])
@pytest.mark.parametrize("task", ["classify", "multi-label"])
def test_a_classifier_stays_what_its_card_says(task, activation, tmp_path):
    model = SwinClassifier(TOY, classes=2, classifier_activation=activation)
    said = {"crop_fraction": 0.9}
    source = saved(model, tmp_path / "a.keras", task, ("cat", "dog"), **said)
    card = read_card(convert(source, tmp_path / "b.keras"))
    assert (card.task, card.class_names) == (task, ("cat", "dog"))
    assert (card.crop_fraction, card.grey_range) == (0.9, (0, 1023))


def test_a_detector_keeps_its_letter_box_and_a_segmenter_has_none(tmp_path):
    head = DetectionHead(channels=8, convolutions=1, extra_levels=2)
    detector = SwinDetector(TOY, head=head, classes=2)
    segmenter = end_in_probabilities(SwinSegmenter(TOY, "mlp", classes=2))
    for task, model in (("detect", detector), ("segment", segmenter)):
        path = tmp_path / f"{task}.keras"
        saved(model, path, task, ("cat", "dog"), letter_box=task == "detect")
        card = read_card(convert(path, tmp_path / f"{task}-again.keras"))
        assert (card.task, card.letter_box) == (task, task == "detect")
        assert (card.grey_range, card.class_names) == ((0, 1023), ("cat", "dog"))
