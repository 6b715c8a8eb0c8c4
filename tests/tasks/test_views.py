"""Several views of a picture: windows that slide, mirrored ones, scales."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from swin_keras.cli import main
from swin_keras.errors import UsageError
from swin_keras.inference.evaluation import evaluate
from swin_keras.tasks.masks_in_views import class_map_in_views, mean_of_windows, slide
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.views import Views, starts

WINDOW = (12, 18)
SIZES = [(12, 18), (5, 7), (13, 18), (30, 9), (40, 53), (25, 90)]


def picture_of(size):
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def exactly(pictures):
    """Answer about each pixel by its colour alone: `(N, H, W, 3)`."""
    return pictures / np.float32(256)


def by_place(pictures):
    """Answer by the place in the window, too, as a model near its edges does."""
    weights = np.random.default_rng(1).random((*WINDOW, 3), np.float32)
    return pictures * weights


def everything(size):
    return tuple(slice(0, side) for side in size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", [False, True])
def test_what_is_known_of_each_pixel_is_what_windows_say_together(size, flip, turns):
    pixels = picture_of(size)
    views = Views("slide", flip, quarter_turns=turns)
    image = Image.fromarray(pixels)
    found = mean_of_windows(image, views, WINDOW, exactly, everything(size))
    np.testing.assert_array_equal(found, pixels / np.float32(256))


@pytest.mark.parametrize("size", SIZES)
def test_windows_are_averaged_as_a_loop_over_pixels_does(size):
    pixels = picture_of(size)
    padded = np.zeros((*np.maximum(size, WINDOW), 3), np.uint8)
    padded[: size[0], : size[1]] = pixels
    corners = [
        (top, left)
        for top in starts(padded.shape[0], WINDOW[0])
        for left in starts(padded.shape[1], WINDOW[1])
    ]
    answers = {
        (top, left): by_place(padded[None, top : top + 12, left : left + 18])[0]
        for top, left in corners
    }
    expected = np.empty((*size, 3))
    for y, x in np.ndindex(size):
        said = [
            answer[y - top, x - left]
            for (top, left), answer in answers.items()
            if 0 <= y - top < 12 and 0 <= x - left < 18
        ]
        expected[y, x] = np.mean(said, axis=0)
    shown = Shown(Image.fromarray(pixels))
    found = slide(shown, WINDOW, by_place, everything(size))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


ALL = {"flip": True, "quarter_turns": True}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scales", [(1,), (0.5, 0.7, 2)])
@pytest.mark.parametrize("turned", [{}, ALL])
def test_a_large_picture_is_asked_about_in_parts(size, scales, turned):
    image = Image.fromarray(picture_of(size))
    views = Views("slide", **turned, scales=scales)
    whole = class_map_in_views(image, views, WINDOW, by_place, classes=3)
    pixels = 3 * max(1, *scales) ** 2
    for most in (pixels * 16 * 16, pixels * 7 * 7):
        parts = class_map_in_views(image, views, WINDOW, by_place, 3, most)
        np.testing.assert_array_equal(parts, whole)


def test_a_part_takes_no_more_memory_than_it_may(monkeypatch):
    monkeypatch.setattr("swin_keras.scores.class_maps.MAX_VALUES", 2**12)
    image, classes = Image.fromarray(picture_of((400, 500))), 50

    def ask(pictures):
        return np.ones((len(pictures), 3, 4, classes), np.float32)

    peaks = []
    for most in (2**18, 2**30):
        tracemalloc.start()
        views = Views("slide", **ALL, scales=(0.25, 1))
        class_map_in_views(image, views, WINDOW, ask, classes, most)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    part, picture = 4 * 2**18, 400 * 500 * 3
    assert peaks[0] < 3 * part + 7 * picture
    assert peaks[1] > 2 * 4 * 400 * 500 * classes  # which it would take


@pytest.mark.parametrize("turn", Views(**ALL).turns, ids=str)
def test_a_region_lies_where_its_pixels_are_turned_to(turn):
    pixels = np.arange(35).reshape(5, 7)
    region = slice(1, 3), slice(2, 7)
    turned = turn.of(pixels)[turn.region(region, pixels.shape)]
    np.testing.assert_array_equal(turned, turn.of(pixels[region]))


@pytest.mark.parametrize("length", range(12, 60))
def test_windows_reach_both_ends_and_overlap_by_a_third(length):
    found = starts(length, 12)
    assert found[0] == 0
    assert found[-1] + 12 == length
    steps = np.diff(found)
    assert ((steps > 0) & (steps <= 8)).all()
    assert len(found) == -(-(length - 12) // 8) + 1  # and none too many


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", [False, True])
def test_views_of_the_whole_are_turned_back(flip, turns):
    """What every view says is of the upright picture, whatever its shape."""
    classes = picture_of((4, 6)).argmax(-1)
    pixels = 255 * np.eye(3, dtype=np.uint8)[classes]
    image = Image.fromarray(pixels.repeat(30, axis=0).repeat(30, axis=1))
    views = Views(flip=flip, quarter_turns=turns)
    found = class_map_in_views(image, views, WINDOW, exactly, classes=3)
    np.testing.assert_array_equal(found[15::30, 15::30], classes)


def test_scales_show_the_picture_larger_and_smaller():
    image, seen = Image.fromarray(picture_of((24, 36))), []

    def ask(pictures):
        seen.append(len(pictures))
        return np.ones((len(pictures), 3, 4, 2), np.float32)

    views = Views("slide", scales=(0.5, 1, 2))
    means = mean_of_windows(image, views, WINDOW, ask, everything((24, 36)))
    np.testing.assert_array_equal(means, np.ones((24, 36, 2)))
    # Rows of windows over 12 x 18, 24 x 36 and 48 x 72 pixels.
    assert seen == [1, *[3] * 3, *[6] * 6]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": "slid"}, "Did you mean 'slide'"),
        ({"scales": (0.5, 1)}, "Look with window='slide'"),
        ({"window": "slide", "scales": ()}, "numbers from 0.1 to 10"),
        ({"window": "slide", "scales": (0,)}, "numbers from 0.1 to 10"),
        ({"window": "slide", "scales": "1"}, "numbers from 0.1 to 10"),
        ({"window": "slide", "scales": (float("nan"),)}, "numbers from 0.1 to 10"),
    ],
)
def test_views_that_mean_nothing_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        Views(**options)


def test_classifiers_refuse_views_in_words(trained_run, capsys):
    with pytest.raises(UsageError, match="whose answers have places"):
        evaluate(trained_run.path, flip=True)
    assert main(["evaluate", str(trained_run.path), "--window", "slide"]) == 2
    assert "whose answers have places" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["--window", "slide"], ["--flip"], ["--top", "0"]])
def test_nothing_is_made_before_what_cannot_be_is_refused(asked, trained_run, tmp_path):
    picture, album = tmp_path / "a.png", tmp_path / "album"
    Image.fromarray(picture_of((12, 18))).save(picture)
    words = ["predict", trained_run.path, picture, "--save", album, *asked]
    assert main([*map(str, words)]) == 2
    assert not album.exists()
