"""Maps of pictures whose sides are padded lie where the model looked."""

import dataclasses

import keras
import numpy as np
import pytest

from swin_keras import explain
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.overlay import overlay
from swin_keras.explaining.regions import cell_at, reach, share_of_cells
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.tasks.explained import ExplanationTarget

SIDE, PATCH = 100, 4  # 25 tokens, then 13, 7 and 4: the last map has 128 pixels


@pytest.fixture(scope="module")
def model():
    """Return a model of four stages whose tokens do not look at each other."""
    config = SwinConfig(
        input_shape=(SIDE, SIDE, 3),
        patch_size=PATCH,
        embed_dim=8,
        depths=(1, 1, 1, 1),
        num_heads=(1, 1, 2, 2),
        window_size=1,
    )
    return SwinClassifier(config, classes=3)


def test_cells_go_as_far_as_the_padding():
    assert reach((4, 4), (SIDE, 128), PATCH) == (1.28, 1.0)
    assert reach((7, 25), (SIDE, SIDE), PATCH) == (1.12, 1.0)
    assert reach((4, 4), (SIDE, SIDE), None) == (1.0, 1.0)
    assert reach((100, 3), (SIDE, SIDE), PATCH) == (1.0, 1.0)  # no stage's map
    assert reach((1, 1), (20, 32), PATCH) == (1.6, 1.0)


@pytest.mark.parametrize("pixel", [10, 40, 60, 80, 98])
def test_what_changes_a_cell_is_drawn_where_it_is(model, pixel):
    picture = np.full((SIDE, SIDE, 3), 128, np.uint8)
    changed = picture.copy()
    changed[:4, pixel // 4 * 4 : pixel // 4 * 4 + 4] = 255
    before, after = explain(model, [picture, changed], method="cam", class_name="0")
    difference = np.abs(before.maps["0"] - after.maps["0"])
    _, column = np.unravel_index(difference.argmax(), difference.shape)
    assert column == pixel // 32
    assert cell_at((pixel / SIDE, 0), (4, 4), reach((4, 4), (SIDE, SIDE), PATCH)) == (
        0,
        column,
    )
    drawn = overlay(picture, difference, is_smooth=False, reached=after.reached)
    warm = np.asarray(drawn, int)[2, :, 0]  # red, in the first row of cells
    places = np.nonzero(warm > 200)[0] / drawn.width * SIDE
    assert places.min() == pytest.approx(32 * column, abs=1)
    assert places.max() == pytest.approx(min(32 * column + 32, SIDE), abs=1)


def test_attention_is_asked_about_the_token_under_the_place(model):
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for place, column in ((0.3, 0), (0.6, 1), (0.9, 2), (0.97, 3)):
        (answer,) = explain(model, picture, method="attention", stage=4, at=(place, 0))
        assert answer.maps["window"][0, column] == pytest.approx(1)
        answer.overlay()


def test_a_box_or_a_mask_lies_on_the_cells_that_see_it():
    reached = reach((4, 4), (SIDE, SIDE), PATCH)
    mask = np.zeros((25, 25), bool)
    mask[:8, 16:24] = True
    box = ExplanationTarget("a", "a", 1.0, 0, mask[:1], box=(0.64, 0.0, 0.96, 0.32))
    of_mask = ExplanationTarget("a", "a", 1.0, 0, mask, mask=mask)
    expected = np.zeros((4, 4))
    expected[0, 2] = 1
    for target in (box, of_mask):
        np.testing.assert_allclose(
            share_of_cells(target, (4, 4), reached), expected, atol=1e-6
        )


@pytest.mark.parametrize("side", [64, 50])  # 50: 13 tokens, 7, 4 and 2
def test_a_model_that_resizes_is_explained_as_one_of_that_size(side):
    sizes = {
        "patch_size": PATCH,
        "embed_dim": 8,
        "depths": (2, 2, 2, 2),
        "num_heads": (1, 1, 2, 2),
        "window_size": 2,
    }
    resizing = keras.layers.Resizing(side, side)
    images = keras.Input((SIDE, SIDE, 3))
    large = SwinClassifier(
        SwinConfig(**sizes), input_tensor=resizing(images), classes=3
    )
    small = SwinClassifier(SwinConfig(input_shape=(side, side, 3), **sizes), classes=3)
    small.set_weights(large.get_weights())
    picture = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    resized = np.asarray(resizing(picture.astype("float32")))
    one, other = Explainer(large), Explainer(small)
    for at in ((0.6, 0.6), (0.8, 0.2), (0.95, 0.95)):
        expected = other.query_maps(resized, at, stage=3)
        for name, values in one.query_maps(picture, at, stage=3).items():
            np.testing.assert_allclose(values, expected[name], atol=1e-5)
    box = ExplanationTarget("a", "a", 1.0, 0, np.ones(1), box=(0.6, 0.5, 0.9, 0.8))
    np.testing.assert_allclose(
        one.maps(picture, [box], method="rollout"),
        other.maps(resized, [box], method="rollout"),
        atol=1e-5,
    )
    (answer,) = explain(large, picture, method="grad-cam", stage=3)
    assert answer.reached == other.reach((4, 4)) == (64 / side, 64 / side)
    (values,) = answer.maps.values()
    values[:] = 0
    values[:, -1] = 1
    grey = np.full_like(answer.image, 128)
    tiled = dataclasses.replace(answer, method="attention", image=grey)
    drawn = np.asarray(tiled.overlay(), int)
    warm = np.nonzero(drawn[0, :, 0] > 200)[0] / drawn.shape[1] * side
    assert warm.min() == pytest.approx(48, abs=1)
    assert warm.max() == pytest.approx(side, abs=1)
