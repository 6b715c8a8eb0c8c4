"""Pictures of another shape than the input: their boxes come back exactly."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from swin_keras.data.boxes import whole_picture
from swin_keras.errors import UsageError
from swin_keras.inference.pictures import Picture
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks import task_named
from swin_keras.tasks.detect import found_in
from swin_keras.training import TrainConfig

INPUT = (48, 96, 3)
BOXES = np.array([[0, 0, 80, 60], [10, 20, 30, 40], [79, 0, 80, 60]], "float32")


def predictor(letter_box):
    return SimpleNamespace(input_shape=INPUT, letter_box=letter_box, grey_range=None)


@pytest.mark.parametrize("letter_box", [False, True])
@pytest.mark.parametrize("size", [(60, 80), (60, 400), (600, 80)])
def test_boxes_come_back_in_pixels_of_the_picture(letter_box, size):
    height, width = size
    boxes = BOXES * np.tile((width / 80, height / 60), 2)
    geometry = whole_picture((width, height), INPUT[:2], letter_box=letter_box)
    x1, y1, x2, y2 = (geometry.boxes(boxes)[0] / (96, 48, 96, 48)).T
    outputs = {
        "boxes": np.stack([y1, x1, y2, x2], 1),
        "scores": np.array([0.9, 0.8, 0.7]),
        "classes": np.zeros(3),
        "count": np.array(3.0),
    }
    found, _ = found_in(outputs, predictor(letter_box), size)
    np.testing.assert_allclose(found.boxes, boxes, atol=1e-3)


def test_boxes_in_the_black_beyond_a_picture_are_none():
    size, letter_box = (30, 30), True  # 24 columns of black at both sides
    rows = [(0.1, 0, 0.9, 0.2), (0, 0.3, 1, 0.7), (0.1, 0.8, 0.9, 1)]
    outputs = {
        "boxes": np.array(rows),
        "scores": np.array([0.9, 0.8, 0.7]),
        "classes": np.arange(3.0),
        "count": np.array(3.0),
    }
    found, _ = found_in(outputs, predictor(letter_box), size)
    assert found.classes.tolist() == [1]
    assert found.scores.tolist() == [0.8]
    assert len(found.boxes) == 1


def test_a_picture_is_in_the_middle_of_black():
    picture = Picture("white", np.full((30, 30, 3), 255, np.uint8))
    pixels, size = task_named("detect").read(picture, predictor(True))
    assert size == (30, 30)
    assert (pixels[:, 24:72] == 255).all()
    assert not pixels[:, :24].any()
    assert not pixels[:, 72:].any()
    stretched, _ = task_named("detect").read(picture, predictor(False))
    assert (stretched == 255).all()


def test_what_is_trained_is_what_is_asked():
    config = TrainConfig(task="detect", letter_box=True, flip=False)
    options = task_named("detect").loader_options(None, config)
    assert options["augmentation"].letter_box
    assert "--letter_box true" in config.to_command()


def test_a_card_and_its_readme_tell():
    model = {"input_shape": INPUT}
    card = ModelCard("a", "toy", model, ("cat",), task="detect", letter_box=True)
    assert ModelCard.from_json(card.to_json()).letter_box
    about = task_named("detect").about_pictures
    assert "letter box" in about(card)
    assert "No file does it itself: give" in about(card)
    files = {"model.tflite": {}, "saved_model/1/saved_model.pb": {}}
    text = about(dataclasses.replace(card, files=files))
    assert "`serve_xla` do it, too" in text
    assert "No other file does it itself, and MediaPipe stretches: give" in text
    wrong = card.to_json().replace('"letter_box": true', '"letter_box": 1')
    with pytest.raises(ValueError, match="`letter_box` must be true or false"):
        ModelCard.from_json(wrong)


@pytest.mark.parametrize("task", ["classify", "multi-label", "segment"])
def test_tasks_that_would_not_obey_refuse(task):
    config = TrainConfig(task=task, letter_box=True, mixup=0.0, label_smoothing=0.0)
    with pytest.raises(UsageError, match="`letter_box` means nothing to the task"):
        task_named(task).check_options(config)
