"""Data with some of a model's classes, in another order: matched by their names."""

import dataclasses
import unicodedata

import keras
import numpy as np
import pytest

from swin_keras.data import Boxes, ImageBoxes, ImageDataset, Masks, MultiLabel
from swin_keras.data.splits import ArraySplit
from swin_keras.inference.evaluation import evaluate_dataset, has_changed
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks.views import ONE_VIEW, Views

MODEL, DATA = ("ant", "bee", "cat"), ("cat", "ant")
CAT, ANT = range(2)  # as the data counts
SIDE, IGNORED = 100, 255
COLOURS = {"ant": (255, 0, 0), "bee": (0, 255, 0), "cat": (0, 0, 255)}
VIEWS = pytest.mark.parametrize(
    "views", [ONE_VIEW, Views("slide")], ids=["whole", "slide"]
)


@pytest.fixture
def predictor_of(tmp_path):
    """Return a function that saves what a task's model does with its inputs."""

    def predictor_of(task, outputs_of):
        inputs = keras.Input((SIDE, SIDE, 3))
        scaled = keras.layers.Rescaling(1 / 255)(inputs)
        model = keras.Model(inputs, outputs_of(scaled))
        card = ModelCard("toy", "toy", {}, MODEL, task=task)
        save_keras(model, tmp_path / "toy.keras", card)
        return Predictor(tmp_path / "toy.keras")

    return predictor_of


def dataset_of(pictures, targets):
    split = ArraySplit(np.uint8(pictures), targets, "test")
    return ImageDataset("toy", DATA, {"test": split})


def surely(colours):
    """Return probabilities near 0 and 1 of values 0 and 1."""
    return keras.layers.Activation("sigmoid")(keras.layers.Rescaling(8, -4)(colours))


def test_several_labels_are_matched_by_name(predictor_of):
    predictor = predictor_of(
        "multi-label", lambda x: surely(keras.layers.GlobalMaxPooling2D()(x))
    )
    shown = [["ant"], ["cat", "bee"], ["ant", "cat"], []]
    pictures = np.zeros((4, SIDE, SIDE, 3))
    for picture, names in zip(pictures, shown, strict=True):
        picture[:] = sum((np.array(COLOURS[name]) for name in names), np.zeros(3))
    truth = [[name in names for name in DATA] for names in shown]
    result = evaluate_dataset(
        predictor, dataset_of(pictures, MultiLabel(np.array(truth)))
    )
    named = [[name in names for name in MODEL] for names in shown]
    named[1][1] = False  # the data knows no bee
    np.testing.assert_array_equal(result.truth, named)
    figures = result.figures()
    assert figures["recall"] == 1
    assert figures["precision"] == 4 / 5


@VIEWS
def test_classes_of_masks_are_matched_by_name(predictor_of, views):
    """50 columns of ant, 30 of cat, of which 10 look like bee, and 20 that are none."""
    predictor = predictor_of(
        "segment", lambda x: keras.layers.Softmax()(keras.layers.Rescaling(9)(x))
    )
    picture = np.zeros((1, SIDE, SIDE, 3))
    picture[:, :, :50] = COLOURS["ant"]
    picture[:, :, 50:70] = COLOURS["cat"]
    picture[:, :, 70:] = COLOURS["bee"]
    mask = np.full((SIDE, SIDE), ANT, np.uint8)
    mask[:, 50:80], mask[:, 80:] = CAT, IGNORED
    dataset = dataset_of(picture, Masks([mask], np.asarray))
    result = evaluate_dataset(predictor, dataset, views=views)
    expected = [[5000, 0, 0], [0, 0, 0], [0, 1000, 2000]]
    assert result.to_dict()["confusion"] == expected


def always(objects):
    """Return layers that find the same objects in every picture.

    Args:
        objects: `(left, top, right, bottom)` in pixels, the class's name and the score
            of each.
    """
    boxes, names, scores = zip(*objects, strict=True)
    sides = np.array(boxes)[:, [1, 0, 3, 2]] / SIDE

    def outputs_of(x):
        def say(values):
            values = np.float32(values)
            constant = keras.layers.Dense(values.size, kernel_initializer="zeros")
            said = constant(keras.layers.GlobalAveragePooling2D()(x))
            constant.bias.assign(values.ravel())
            return keras.layers.Reshape(values.shape)(said)

        return {
            "boxes": say(sides),
            "classes": say([MODEL.index(name) for name in names]),
            "scores": say(scores),
            "count": say(len(objects)),
        }

    return outputs_of


@VIEWS
def test_classes_of_boxes_are_matched_by_name(predictor_of, views):
    """A crowd is no object, and an outline tells how large an object is."""
    cat, ant, crowd = (10, 10, 30, 30), (5, 60, 35, 90), (40, 40, 98, 98)
    found = [
        (cat, "cat", 0.9),
        ((45, 45, 60, 60), "ant", 0.8),
        ((70, 70, 90, 90), "ant", 0.7),
        (ant, "ant", 0.6),
    ]
    truth = ImageBoxes.of(
        [cat, ant, crowd],
        [CAT, ANT, ANT],
        crowd=[False, False, True],
        areas=[40**2, 30**2, 58**2],  # medium by its outline alone: the cat
    )
    predictor = predictor_of("detect", always(found))
    dataset = dataset_of(np.zeros((1, SIDE, SIDE, 3)), Boxes.of([truth], len(DATA)))
    figures = evaluate_dataset(predictor, dataset, views=views).one
    assert figures.objects == 2
    assert figures.by_class == {"ant": 1, "bee": None, "cat": 1}
    assert (figures.small, figures.medium, figures.large) == (1, 1, None)


def test_a_name_whose_accent_is_written_in_another_way_is_the_same(tmp_path):
    """Models of earlier versions may have it so, and their data has it composed now."""
    one, two = (unicodedata.normalize(way, "caf\u00e9") for way in ("NFC", "NFD"))
    picture = np.zeros((1, SIDE, SIDE, 3))
    split = ArraySplit(np.uint8(picture), MultiLabel(np.array([[True, False]])), "test")
    dataset, before = (
        ImageDataset("toy", (name, "ant"), {"test": split}) for name in (one, two)
    )
    held_out = {"test": before.split_fingerprint("test")}
    inputs = keras.Input((SIDE, SIDE, 3))
    outputs = keras.layers.GlobalMaxPooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    outputs = keras.layers.Dense(2, "sigmoid")(outputs)
    data = {"held_out": held_out}
    card = ModelCard("toy", "toy", {}, (two, "ant"), task="multi-label", data=data)
    save_keras(keras.Model(inputs, outputs), tmp_path / "toy.keras", card)
    predictor = Predictor(tmp_path / "toy.keras")
    assert predictor.class_names == (one, "ant")
    assert evaluate_dataset(predictor, dataset).images == 1
    assert not has_changed(predictor.card, dataset, "test")
    renamed = dataclasses.replace(dataset, class_names=(one, "bee"))
    assert has_changed(predictor.card, renamed, "test")
