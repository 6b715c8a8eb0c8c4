import numpy as np
import pytest

from swin_keras.data.random_erasing import erase, noise
from swin_keras.imagenet import IMAGENET_MEAN, IMAGENET_STD


def erased(seed, shape=(40, 60, 3)):
    """Return what was erased of a black image: its box, and the pixels inside."""
    pixels = np.zeros(shape, np.uint8)
    result = erase(pixels, np.random.default_rng(seed))
    assert not pixels.any()
    assert (result.shape, result.dtype) == (shape, np.uint8)
    rows, columns = (np.nonzero(result.any((axis, 2)))[0] for axis in (1, 0))
    box = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    return box, result[box[0] : box[2], box[1] : box[3]]


def test_one_rectangle_within_the_limits_is_erased():
    areas, ratios = [], []
    for seed in range(200):
        (top, left, bottom, right), inside = erased(seed)
        assert (inside > 0).any(-1).mean() > 0.9  # all of it
        areas.append((bottom - top) * (right - left) / (40 * 60))
        ratios.append((bottom - top) / (right - left))
    assert 0.01 < min(areas) < 0.05
    assert 0.28 < max(areas) < 0.36
    assert 0.2 < min(ratios) < 0.5
    assert 2 < max(ratios) < 4.2


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_is_standard_normal_to_a_model(channels):
    rng = np.random.default_rng(0)
    pixels = noise((200, 200, channels), rng).astype(float)
    mean, std = np.array([IMAGENET_MEAN, IMAGENET_STD])
    if channels == 1:
        mean, std = mean.mean(), std.mean()
    normal = (pixels - mean) / std
    np.testing.assert_allclose(normal.mean((0, 1)), 0, atol=0.03)
    np.testing.assert_allclose(normal.std((0, 1)), 1, atol=0.05)


def test_the_same_generator_erases_the_same():
    assert erased(3)[0] == erased(3)[0] != erased(4)[0]
    np.testing.assert_array_equal(erased(3)[1], erased(3)[1])
    assert erased(3, (40, 60, 1))[1].shape[-1] == 1
