"""Training pictures become softer by a random amount, and nothing else changes."""

import numpy as np
import pytest
from augmentations import KINDS
from image_files import noise

from swin_keras.data.blur import blur

SHARP = np.asarray(noise(0, (64, 48)))


def sharpness(pixels):
    return np.abs(np.diff(pixels.astype(float), axis=0)).mean()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_pictures_become_softer_by_different_amounts(kind, channels):
    augmentation, sharp = KINDS[kind](blur=2.0), SHARP[..., :channels]
    softened = [
        augmentation.finish(sharp, np.random.default_rng(seed)) for seed in range(40)
    ]
    for pixels in softened:
        assert pixels.shape == sharp.shape
        assert pixels.dtype == np.uint8
        assert pixels.mean() == pytest.approx(sharp.mean(), abs=2)
    shares = sorted(sharpness(pixels) / sharpness(sharp) for pixels in softened)
    assert shares[-1] > 0.9  # some stay sharp, some do not
    assert shares[0] < 0.15
    assert 0.1 < np.median(shares) < 0.6


def test_an_edge_becomes_as_wide_as_what_was_drawn():
    edge = np.zeros((41, 40, 1), np.uint8)
    edge[:, 20:] = 250
    for seed in range(20):
        drawn = np.random.default_rng(seed).uniform(0, 3)
        blurred = blur(edge, 3.0, np.random.default_rng(seed))[20, :, 0]
        steps = np.diff(blurred.astype(float)) / 250
        variance = (steps * (np.arange(39) - 19) ** 2).sum()
        assert np.sqrt(variance) == pytest.approx(drawn, abs=0.15)
