"""Several views of a picture: windows that slide, mirrored ones, scales."""

import numpy as np
import pytest
from PIL import Image

from swin_keras.cli import main
from swin_keras.errors import UsageError
from swin_keras.inference.evaluation import evaluate
from swin_keras.tasks.views import (
    Views,
    class_map_in_views,
    mean_probabilities,
    slide,
    starts,
)

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


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("turns", [False, True])
def test_what_is_known_of_each_pixel_is_what_windows_say_together(size, flip, turns):
    pixels = picture_of(size)
    views = Views("slide", flip, quarter_turns=turns)
    found = mean_probabilities(Image.fromarray(pixels), views, WINDOW, exactly)
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
    np.testing.assert_allclose(slide(pixels, WINDOW, by_place), expected, rtol=1e-5)


ALL = {"flip": True, "quarter_turns": True}
MANY_VIEWS = [
    Views(),
    Views(**ALL),
    Views("slide"),
    Views("slide", **ALL, scales=(0.5, 1, 2)),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("views", MANY_VIEWS, ids=str)
def test_the_largest_mean_at_each_pixel_is_its_class(size, views):
    image = Image.fromarray(picture_of(size))
    found = class_map_in_views(image, views, WINDOW, by_place, classes=3)
    means = mean_probabilities(image, views, WINDOW, by_place)
    first, second = np.sort(means, axis=-1)[..., :-3:-1].transpose(2, 0, 1)
    is_clear = first - second > 1e-3  # of up to 255, rounded to float32
    assert is_clear.mean() > 0.9
    np.testing.assert_array_equal(found[is_clear], means.argmax(-1)[is_clear])


@pytest.mark.parametrize("scales", [(1,), (0.5, 1, 2)])
def test_a_large_picture_is_looked_at_in_blocks(scales):
    """The model counts what it sees around a pixel, as far as a window reaches."""
    image, largest = Image.fromarray(picture_of((200, 260))), []

    def ask(pictures):
        largest.append(len(pictures))
        return exactly(pictures)

    views = Views("slide", scales=scales)
    whole = class_map_in_views(image, views, WINDOW, ask, classes=3)
    at_once = max(largest)
    largest.clear()
    most = 3 * 80 * 80 * max(scales) ** 2
    blocks = class_map_in_views(image, views, WINDOW, ask, classes=3, most=most)
    np.testing.assert_array_equal(blocks, whole)
    assert max(largest) < at_once / 2  # windows in a row


def test_blocks_of_many_classes_are_still_larger_than_a_window():
    image = Image.fromarray(picture_of((100, 130)))
    found = class_map_in_views(image, Views("slide"), WINDOW, exactly, 3, most=1)
    np.testing.assert_array_equal(found, picture_of((100, 130)).argmax(-1))


@pytest.mark.parametrize("length", range(12, 60))
def test_windows_reach_both_ends_and_overlap_by_a_third(length):
    found = starts(length, 12)
    assert found[0] == 0
    assert found[-1] + 12 == length
    steps = np.diff(found)
    assert ((steps > 0) & (steps <= 8)).all()
    assert len(found) == -(-(length - 12) // 8) + 1  # and none too many


def test_mirrored_views_are_turned_back():
    image = Image.fromarray(picture_of((12, 18)))
    one = mean_probabilities(image, Views(), WINDOW, by_place)
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    other = mean_probabilities(mirrored, Views(), WINDOW, by_place)[:, ::-1]
    both = mean_probabilities(image, Views(flip=True), WINDOW, by_place)
    np.testing.assert_allclose(both, (one + other) / 2, rtol=1e-6)


def test_scales_show_the_picture_larger_and_smaller():
    image, seen = Image.fromarray(picture_of((24, 36))), []

    def ask(pictures):
        seen.append(len(pictures))
        return np.ones((len(pictures), 3, 4, 2), np.float32)

    views = Views("slide", scales=(0.5, 1, 2))
    means = mean_probabilities(image, views, WINDOW, ask)
    np.testing.assert_array_equal(means, np.ones((24, 36, 2)))
    # Rows of windows over 12 x 18, 24 x 36 and 48 x 72 pixels.
    assert seen == [1, *[3] * 3, *[6] * 6]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"window": "slid"}, "Did you mean 'slide'"),
        ({"scales": (0.5, 1)}, "Choose window='slide'"),
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
