"""Objects of a large picture, found in overlapping tiles."""

import numpy as np
import pytest
from PIL import Image
from white_spots import spots_in

from swin_keras.inference.pictures import Picture
from swin_keras.tasks import task_named
from swin_keras.tasks.found_objects import FINAL
from swin_keras.tasks.shown import Shown
from swin_keras.tasks.tiles import found_in_tiles
from swin_keras.tasks.views import Views
from swin_keras.tasks.wanted import wanted_of

SIDE, HIGH, WIDE = 12, 100, 250  # of an object, of the picture
CORNERS = [(0, 0), (57, 30), (60, 60), (88, 50), (120, 80), (238, 88)]


def picture():
    """Return a black picture with white squares, some over the edges of tiles."""
    pixels = np.zeros((HIGH, WIDE, 3), np.uint8)
    for left, top in CORNERS:
        pixels[top : top + SIDE, left : left + SIDE] = 255
    return Image.fromarray(pixels)


class FindsWhite:
    """A detector of 64 x 96 pixels that sees each white spot, whole or cut."""

    input_shape = (64, 96, 3)
    letter_box, grey_range, class_names = False, None, ("square",)
    batches = ()

    def outputs(self, images):
        self.batches += (len(images),)
        rows = [spots_in(image[..., 0] > 127) for image in images]
        count = np.array([len(row) for row in rows])
        boxes = np.zeros((len(images), 9, 4))
        for row, found in enumerate(rows):
            boxes[row, : len(found)] = np.reshape(found, (-1, 4))
        answers = {
            "boxes": boxes / (64, 96, 64, 96),
            "classes": np.zeros((len(images), 9)),
        }
        # What is cut is as certain as the whole.
        answers |= {"scores": np.full((len(images), 9), 0.9), "count": count}
        assert answers.keys() == FINAL
        return answers


def expected_boxes():
    return sorted((x, y, x + SIDE, y + SIDE) for x, y in CORNERS)


def test_each_object_is_found_once_and_whole():
    model = FindsWhite()
    found, many = found_in_tiles(Shown(picture()), model, batch_size=4)
    assert many is None
    assert (
        sorted(map(tuple, found.boxes.round().astype(int).tolist())) == expected_boxes()
    )
    np.testing.assert_allclose(found.boxes, found.boxes.round(), atol=1e-3)
    assert sum(model.batches) == 8  # 2 rows of 4 tiles
    assert max(model.batches) == 4


def test_a_picture_smaller_than_a_tile_is_one_tile():
    small = picture().crop((0, 0, 50, 40))
    model = FindsWhite()
    found, _ = found_in_tiles(Shown(small), model, batch_size=4)
    assert found.boxes.round().tolist() == [[0, 0, 12, 12]]
    assert model.batches == (1,)


def test_an_object_that_no_tile_shows_whole_is_kept_in_parts():
    pixels = np.zeros((64, 160, 3), np.uint8)
    pixels[10:30, 5:150] = 255
    found, _ = found_in_tiles(Shown(Image.fromarray(pixels)), FindsWhite(), 4)
    assert found.boxes[:, 0].min() == pytest.approx(5)
    assert found.boxes[:, 2].max() == pytest.approx(150)


def test_a_prediction_has_the_boxes_of_all_tiles():
    task, shown = task_named("detect"), Picture("a", np.asarray(picture()))
    wanted = wanted_of(task, 5)
    said = task.predict_views(shown, FindsWhite(), Views("slide"), wanted, 32)
    assert len(said.boxes) == len(CORNERS)
    assert said.size == (HIGH, WIDE)
    assert said.scores[0] == ("square", 0.9)


def test_evaluation_counts_more_boxes_than_coco_does():
    from swin_keras.scores.detection import DetectionScore

    rows = np.arange(150)[:, None] * 20
    boxes = np.concatenate([rows, rows * 0, rows + 10, rows * 0 + 10], axis=1)
    recalls = []
    for most in (100, 2000):
        score = DetectionScore(["tree"], max_detections=most)
        sure, kinds = np.linspace(0.9, 0.5, 150), np.zeros(150, int)
        score.add(boxes, sure, kinds, boxes, kinds)
        recalls.append(score.figures().recall)
    assert recalls == [pytest.approx(100 / 150), pytest.approx(1)]
