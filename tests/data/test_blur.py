"""Training pictures become softer by a random amount, and nothing else changes."""

from types import SimpleNamespace

import numpy as np
import pytest
from image_files import noise

from swin_keras import TrainConfig
from swin_keras.data import DenseAugmentation
from swin_keras.data.augmentation import Augmentation
from swin_keras.data.blur import blur
from swin_keras.data.boxes.augmentation import BoxAugmentation
from swin_keras.errors import UsageError
from swin_keras.tasks import task_named

KINDS = {
    "classify": Augmentation,
    "segment": lambda **o: DenseAugmentation(photometric=False, **o),
    "detect": lambda **o: BoxAugmentation(colour=0, **o),
}
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


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_pictures_stay_as_they_are(kind):
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(KINDS[kind]().finish(SHARP, rng), SHARP)


def test_without_it_nothing_is_drawn():
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    assert blur(SHARP, 0.0, rng) is SHARP
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("task", ["classify", "multi-label", "segment", "detect"])
def test_a_run_hands_it_to_its_pictures(task):
    dataset = SimpleNamespace(mirror_safe=True, class_names=("sky", "kite"), classes=2)
    config = TrainConfig(task=task, blur=1.5)
    options = task_named(task).loader_options(dataset, config)
    assert options["augmentation"].blur == 1.5


@pytest.mark.parametrize("value", [-0.5, float("nan"), float("inf")])
def test_a_width_that_is_none_is_refused(value):
    for kind in KINDS.values():
        with pytest.raises(UsageError, match="`blur` must be a number of pixels"):
            kind(blur=value)


def test_a_run_refuses_it_before_anything_is_read():
    with pytest.raises(UsageError, match="`blur` must not be negative"):
        TrainConfig(blur=-1.0)
