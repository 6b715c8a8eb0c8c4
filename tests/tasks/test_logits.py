"""Models that end in no softmax or sigmoid are judged by what their logits mean."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

from swin_keras.errors import UsageError
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier, SwinConfig

TOY = SwinConfig(
    input_shape=(16, 16, 3), embed_dim=8, depths=(1,), num_heads=(1,), window_size=4
)


@pytest.fixture
def photos(tmp_path):
    """Return pictures of two classes; some have both."""
    rng = np.random.default_rng(0)
    for name, numbers in (("cat", range(8)), ("dog", range(5, 12))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in numbers:
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("task", "activation"), [("classify", "softmax"), ("multi-label", "sigmoid")]
)
def test_logits_are_judged_as_the_probabilities_that_they_stand_for(
    task, activation, photos, tmp_path
):
    results, found = [], []
    start = SwinClassifier(TOY, classes=2)
    for ending in (activation, None):
        model = SwinClassifier(TOY, classes=2, classifier_activation=ending)
        model.set_weights([3 * weight for weight in start.get_weights()])
        card = ModelCard("toy", "swin_nano", dataclasses.asdict(TOY), ("cat", "dog"))
        path = tmp_path / f"{ending}.keras"
        save_keras(model, path, dataclasses.replace(card, task=task))
        results.append(evaluate(path, photos, split="all").to_dict())
        found.append(list(Predictor(path).predict(photos / "cat")))
    expected, given = results
    assert given.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, float):
            assert given[name] == pytest.approx(value, abs=1e-5), name
    if task == "multi-label":
        for one, other in zip(*found, strict=True):
            assert [name for name, _ in one.labels] == [n for n, _ in other.labels]
            np.testing.assert_allclose(
                [share for _, share in one.scores],
                [share for _, share in other.scores],
                atol=1e-6,
            )


@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_the_best_class_of_one_is_not_judged(activation, photos, tmp_path):
    model = SwinClassifier(TOY, classes=1, classifier_activation=activation)
    card = ModelCard("toy", "swin_nano", dataclasses.asdict(TOY), ("cat",))
    save_keras(model, tmp_path / "one.keras", card)
    shutil.rmtree(photos / "dog")
    with pytest.raises(UsageError, match="must have two classes or more"):
        evaluate(tmp_path / "one.keras", photos, split="all")
