"""Windows of a picture at another scale, turned: cut straight from the picture."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from swin_keras.data.geometry import Geometry
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.views import Views

TURNS = Views(flip=True, quarter_turns=True).turns
SIZE = (61, 83)


def picture(channels=3):
    """Return a smooth picture: of noise, Pillow's order of the two sides matters."""
    pixels = np.random.default_rng(0).integers(60, 200, (8, 11, channels), np.uint8)
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    return image.resize(SIZE[::-1], Image.Resampling.BICUBIC)


def as_a_whole(shown):
    """The plain way: the whole picture resized, then turned."""
    source = shown.image.size
    whole = Geometry.whole(source, shown.upright_size).image(shown.image)
    return shown.turn.of(whole)


def seen_in(shown, top, left, size):
    """The same window, cut from the whole."""
    whole = as_a_whole(shown)
    seen = np.zeros((*size, whole.shape[2]), np.uint8)
    part = whole[top : top + size[0], left : left + size[1]]
    seen[: part.shape[0], : part.shape[1]] = part
    return seen


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("scale", [0.3, 1, 1.4, 2.5])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_window_is_that_of_the_whole(turn, scale, channels):
    shown = Shown(picture(channels), scale, turn)
    assert as_a_whole(shown).shape == (*shown.size, channels)
    height, width = shown.size
    for size in ((16, 12), (90, 14), (200, 300)):  # the last two reach beyond
        for top, left in ((0, 0), (max(0, height - size[0]), max(0, width - size[1]))):
            window = shown.window(top, left, size)
            expected = seen_in(shown, top, left, size)
            if scale == 1:
                np.testing.assert_array_equal(window, expected)
            # Pillow rounds after each side, and begins with the one that is cheaper:
            # twice half a step, of which bicubic weights make up to 1.25 times it.
            np.testing.assert_allclose(window, expected.astype(int), atol=2, rtol=0)


def test_a_window_takes_no_memory_of_the_whole():
    shown = Shown(picture(), 10, TURNS[3])
    tracemalloc.start()
    shown.window(100, 100, (32, 32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < np.prod(shown.size) / 4
