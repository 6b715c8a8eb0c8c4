"""Checkpoints that other projects wrote, small, with the logits that they gave.

`golden/make_golden.py` wrote them; here no torch is needed.
"""

from pathlib import Path

import numpy as np
import pytest

from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config
from swin_keras.weights import from_pretrained, load_weights

GOLDEN = Path(__file__).parent / "golden"
LOGITS = np.load(GOLDEN / "logits.npz")
NAMES = sorted(set(LOGITS.files) - {"images"})
SIZES = {
    "input_shape": (32, 32, 3),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 4,
    "mlp_ratio": 2.0,
}


def checkpoint(name):
    folder = GOLDEN / name
    return next(folder.glob("*.pth"), folder)


def answers(model):
    return np.asarray(model(LOGITS["images"].astype("float32")))


@pytest.mark.parametrize("name", NAMES)
def test_logits_are_those_of_the_project_that_wrote_the_file(name):
    config = SwinV2Config if name.endswith("v2") else SwinConfig
    model = SwinClassifier(
        config(**SIZES),
        classes=3,
        include_preprocessing=False,
        classifier_activation=None,
    )
    report = load_weights(model, checkpoint(name))
    assert report.loaded[0] == report.loaded[1]
    assert not report.adapted
    np.testing.assert_allclose(answers(model), LOGITS[name], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_built_from_what_the_file_tells(name):
    model = from_pretrained(
        checkpoint(name),
        input_shape=SIZES["input_shape"],
        include_preprocessing=False,
        classifier_activation=None,
    )
    np.testing.assert_allclose(answers(model), LOGITS[name], atol=1e-5)


def test_the_numbers_tell_images_and_projects_apart():
    """Logits that a wrong mapping leaves as they are would show nothing."""
    all_logits = np.concatenate([LOGITS[name] for name in NAMES])
    distances = np.abs(all_logits[:, None] - all_logits[None]).max(-1)
    assert distances[~np.eye(len(distances), dtype=bool)].min() > 0.05
