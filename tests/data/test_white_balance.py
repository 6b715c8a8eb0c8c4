"""Training pictures are seen in light of other colours, each channel for itself."""

import numpy as np
import pytest
from augmentations import KINDS
from image_files import noise

from swin_keras.data.white_balance import white_balance

COLOURED = np.asarray(noise(0, (64, 48)))
GREYS = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)


def balanced(seed, pixels=GREYS, largest=0.2):
    return white_balance(pixels, largest, np.random.default_rng(seed))


@pytest.mark.parametrize("kind", KINDS)
def test_every_task_s_pictures_get_a_tint_each_of_their_own(kind):
    augmentation, given = KINDS[kind](white_balance=0.2), COLOURED.copy()
    tints = [
        augmentation.finish(given, np.random.default_rng(seed)).mean((0, 1))
        for seed in range(40)
    ]
    np.testing.assert_array_equal(given, COLOURED)
    ratios = np.array([tint[0] / tint[2] for tint in tints])
    usual = COLOURED[..., 0].mean() / COLOURED[..., 2].mean()
    assert ratios.min() < 0.9 * usual
    assert ratios.max() > 1.1 * usual


def test_white_and_black_move_as_far_as_is_said_and_no_farther():
    drawn = np.array([balanced(seed)[0] for seed in range(300)], int)
    slopes = drawn[:, 128] - drawn[:, 64]  # 64 steps of white minus black
    assert slopes.min() >= np.floor(64 * 0.7)  # white at 0.8, black at 0.1
    assert slopes.max() <= np.ceil(64 * 1.3)
    assert slopes.min() < 64 * 0.75
    assert slopes.max() > 64 * 1.25
    black, white = drawn[:, 0], drawn[:, 255]
    assert black.max() == pytest.approx(25.5, abs=1.5)
    assert white.min() == pytest.approx(255 * 0.8, abs=3)
    assert (black == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert (white == 255).mean() == pytest.approx(0.5, abs=0.1)


def test_what_is_between_stays_between_and_nothing_wraps():
    for seed in range(50):
        assert (np.diff(balanced(seed, largest=0.5)[0].astype(int), axis=0) >= 0).all()


def test_neutral_greys_get_a_colour_which_turning_hues_gives_none():
    tinted = balanced(0)[0, 128].astype(int)
    assert np.ptp(tinted) > 5


def test_a_grey_picture_has_no_colours_to_change():
    grey = COLOURED[..., :1]
    assert balanced(0, grey) is grey
