"""Objects found in mirrored, turned and resized views of a picture."""

import numpy as np
import pytest
from PIL import Image
from white_spots import spots_in

from swin_keras.inference.pictures import Picture
from swin_keras.tasks import task_named
from swin_keras.tasks.found_in_views import found_in_views
from swin_keras.tasks.views import Turn, Views
from swin_keras.tasks.wanted import wanted_of

HIGH, WIDE = 90, 160
SPOTS = [(8, 12, 30, 40), (100, 4, 124, 20), (70, 56, 140, 80)]


def picture(mode="RGB"):
    pixels = np.zeros((HIGH, WIDE), np.uint8)
    for left, top, right, bottom in SPOTS:
        pixels[top:bottom, left:right] = 255
    return Image.fromarray(pixels).convert(mode)


class FindsWhite:
    """A detector that sees each white spot that stands alone in rows and columns."""

    letter_box, grey_range, class_names = False, None, ("spot",)

    def __init__(self, *input_shape, letter_box=False, sees=lambda image: True):
        self.input_shape, self.letter_box, self.sees = input_shape, letter_box, sees
        self.asked = 0

    def outputs(self, images):
        self.asked += len(images)
        height, width, _ = self.input_shape
        boxes, count = np.zeros((len(images), 9, 4)), np.zeros(len(images))
        for row, image in enumerate(images):
            found = spots_in(image[..., 0] > 127) if self.sees(image) else []
            boxes[row, : len(found)] = np.reshape(found, (-1, 4))
            count[row] = len(found)
        return {
            "boxes": boxes / (height, width, height, width),
            "classes": np.zeros((len(images), 9)),
            "scores": np.full((len(images), 9), 0.8),
            "count": count,
        }


def rounded(found):
    return sorted(map(tuple, found.boxes.round().astype(int).tolist()))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarters", range(4))
def test_a_turn_back_undoes_a_turn(mirrored, quarters):
    pixels = np.arange(24).reshape(2, 4, 3)
    turn = Turn(mirrored, quarters)
    np.testing.assert_array_equal(turn.back.of(turn.of(pixels)), pixels)


@pytest.mark.parametrize("window", ["whole", "slide"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("changes", "count"),
    [
        ({}, 1),
        ({"flip": True}, 2),
        ({"quarter_turns": True}, 4),
        ({"flip": True, "quarter_turns": True}, 8),
    ],
)
def test_all_views_find_the_same_boxes(window, channels, changes, count):
    """At the picture's own size, with nothing cut: exactly the same."""
    views = Views(window, **changes)
    assert views.count == count
    model = FindsWhite(160, 160, channels)
    if window == "whole":  # no stretching
        model = FindsWhite(160, 160, channels, letter_box=True)
    image = picture("L" if channels == 1 else "RGB")
    found, many = found_in_views(image, model, views, batch_size=4)
    assert many is None
    assert rounded(found) == sorted(SPOTS)
    np.testing.assert_allclose(found.boxes, found.boxes.round(), atol=1e-3)
    np.testing.assert_allclose(found.scores, 0.8, rtol=1e-6)
    assert model.asked == count


def test_pictures_that_are_stretched_are_turned_first():
    model = FindsWhite(45, 80, 3)  # turned pictures are squeezed into it, too
    views = Views(flip=True, quarter_turns=True)
    found, _ = found_in_views(picture(), model, views, batch_size=4)
    boxes = found.boxes[found.scores > 0.5]  # blurred edges are spots of their own
    assert len(boxes) == len(SPOTS)
    order = np.argsort(boxes[:, 0])
    np.testing.assert_allclose(boxes[order], sorted(SPOTS), atol=2)


def test_windows_at_several_scales_find_the_same_boxes():
    model = FindsWhite(320, 320, 3)
    views = Views("slide", scales=(0.5, 1, 2))
    found, _ = found_in_views(picture(), model, views, batch_size=4)
    assert len(found.boxes) == len(SPOTS)
    order = np.argsort(found.boxes[:, 0])
    np.testing.assert_allclose(found.boxes[order], sorted(SPOTS), atol=1)


def test_what_one_view_of_two_shows_is_half_as_certain():
    def sees(image):
        return image[30, 20].any()  # the first spot is at the left: not mirrored

    model = FindsWhite(160, 160, 3, sees=sees)
    found, _ = found_in_views(picture(), model, Views("slide", flip=True), 4)
    assert rounded(found) == sorted(SPOTS)
    np.testing.assert_allclose(found.scores, 0.4, rtol=1e-6)


def test_a_prediction_is_made_of_all_views():
    task, shown = task_named("detect"), Picture("a", np.asarray(picture()))
    views = Views("slide", flip=True, quarter_turns=True)
    model = FindsWhite(160, 160, 3)
    said = task.predict_views(shown, model, views, wanted_of(task, 5), 32)
    assert len(said.boxes) == len(SPOTS)
    assert said.size == (HIGH, WIDE)
    assert said.scores[0][1] == pytest.approx(0.8)
