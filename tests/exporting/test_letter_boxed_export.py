"""The SavedModel of a letter-boxed detector takes pictures of any size itself."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from small_model import shaken

from swin_keras.applications import SwinDetector
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.letter_box import LetterBox
from swin_keras.inference.pictures import Picture
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import DetectionHead, SwinConfig
from swin_keras.tasks.detect import found_in

INPUT = (48, 64, 3)
TOY = SwinConfig(
    input_shape=INPUT,
    patch_size=4,
    embed_dim=16,
    depths=(1, 1),
    num_heads=(2, 4),
    window_size=4,
)
HEAD = DetectionHead(channels=8, convolutions=1, extra_levels=0)
SIZES = {
    "wide": (40, 200),
    "tall": (150, 50),
    "large": (211, 307),
    "small": (9, 10),
    "a strip": (16, 160),
    "a tie": (26, 37),
    "the input's": (48, 64),
}


def pixels_of(size):
    """Return a picture with something to see at every scale, uint8."""
    rng, (height, width) = np.random.default_rng(0), size
    coarse = rng.integers(0, 256, (6, 6, 3)).astype("float32")
    picture = tf.image.resize(coarse, size, "bicubic").numpy()
    noise = rng.normal(scale=20, size=(height, width, 3))
    return (picture + noise).clip(0, 255).astype(np.uint8)


def letter_boxed(pixels, sides=INPUT[:2]):
    pictures = tf.constant(pixels[None], tf.float32)
    return LetterBox((*sides, 3)).inputs(pictures)[0].numpy()


def in_pixels(answer, size):
    """Return `x1, y1, x2, y2` in pixels of a picture, of what `serve` gives."""
    boxes = answer["boxes"][: int(answer["count"])]
    return boxes[:, [1, 0, 3, 2]] * np.tile(size[::-1], 2)


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """Return exports of a detector that knows letter boxes and of one that does not."""
    keras.utils.set_random_seed(0)  # a fixture of a module comes before every seed
    folder = tmp_path_factory.mktemp("exports")
    model = shaken(SwinDetector(TOY, head=HEAD, classes=2))
    for weight in model.weights:
        if weight.path.endswith("class_logits/bias"):
            weight.assign(weight + 6.0)  # all are shown
    card = ModelCard(
        "toy", "toy", dataclasses.asdict(TOY), ("cat", "dog"), task="detect"
    )
    done = {}
    for kind in (True, False):
        path = folder / f"boxed-{kind}.keras"
        save_keras(model, path, dataclasses.replace(card, letter_box=kind))
        config = ExportConfig(
            saved_models_dir=str(folder),
            name=path.stem,
            formats=("saved_model",),
            verify=kind,
        )
        done[kind] = export(path, config)
    return done


@pytest.fixture(scope="module")
def boxed(exports):
    """Return the SavedModel that knows letter boxes, and a `Predictor` of it."""
    path = exports[True] / "saved_model" / "1"
    return tf.saved_model.load(str(path)), Predictor(path)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_its_pixels_are_those_that_predict_reads(size):
    pixels = pixels_of(size)
    expected, _ = Picture("a", pixels).whole(INPUT[:2], 3, letter_box=True)
    given = letter_boxed(pixels)
    # Pillow chooses which direction it resizes and rounds first.
    assert np.abs(given - expected).max() <= 4
    assert np.abs(given - expected).mean() < 0.2
    rows, columns = (np.flatnonzero(given.any((axis, 2))) for axis in (1, 0))
    part = given[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    image = Image.fromarray(pixels)
    for sides in ((part.shape[1], size[0]), part.shape[1::-1]):
        image = image.resize(sides, Image.Resampling.BICUBIC)
    assert np.abs(part - np.asarray(image)).max() <= 1
    assert np.abs(part - np.asarray(image)).mean() < 0.01


@pytest.mark.parametrize("size", [(649, 1888), (100, 3), (1, 300), (7, 9), (37, 74)])
def test_its_black_is_where_that_of_predict_is(size):
    # Of the first, rounding errors of the sides decided to which row half a row goes.
    white = np.full((*size, 3), 255, np.uint8)
    sides = (48, 96)
    expected, _ = Picture("a", white).whole(sides, 3, letter_box=True)
    np.testing.assert_array_equal(letter_boxed(white, sides), expected)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_its_boxes_are_those_of_predict_in_shares_of_the_picture(boxed, size):
    (model, predictor), pixels = boxed, pixels_of(size)
    assert predictor.input_shape == INPUT
    pictures = tf.constant(pixels[None], tf.float32)
    answer = {name: x[0].numpy() for name, x in model.serve(pictures).items()}
    boxes = in_pixels(answer, size)

    # Exactly what is done to the boxes of what the model sees.
    seen = {n: x[0] for n, x in predictor.outputs(model.letter_box(pictures)).items()}
    exact, _ = found_in(seen, predictor, size)
    assert len(exact.boxes) > 5
    np.testing.assert_allclose(boxes, exact.boxes, atol=1e-5 * max(size))

    # Of nearly the same pixels, boxes of nearly equal scores may change places.
    (expected,) = predictor.predict(pixels)
    assert len(boxes) == len(expected.boxes)
    distances = np.abs(boxes[:, None] - expected.boxes).max(-1)
    assert max(*distances.min(0), *distances.min(1)) < 0.01 * max(size)
    scores = [score for _, score in expected.scores]
    np.testing.assert_allclose(answer["scores"][: len(boxes)], scores, atol=0.01)


@pytest.mark.slow
def test_other_forms_and_a_batch_give_the_same(exports, boxed):
    (model, predictor), pixels = boxed, pixels_of(SIZES["wide"])
    pictures = tf.constant(np.stack([pixels[:, ::-1], pixels]), tf.float32)
    one, both = model.serve(pictures[1:]), model.serve(pictures)
    signature = model.signatures["serving_default"](images=pictures)
    compiled = model.serve_xla(pictures)
    for name, expected in both.items():
        np.testing.assert_allclose(expected[1:], one[name], atol=1e-5)
        np.testing.assert_allclose(signature[name], expected, atol=1e-6)
        np.testing.assert_allclose(compiled[name], expected, atol=1e-4)
    of_keras = Predictor(exports[True] / "model.keras")
    (a,), (b,) = (one.predict(pixels) for one in (of_keras, predictor))
    np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-2)


def test_a_stretched_detector_takes_its_own_size_only(exports):
    model = tf.saved_model.load(str(exports[False] / "saved_model" / "1"))
    assert not hasattr(model, "letter_box")
    assert model.serve.input_signature[0].shape.as_list() == [None, *INPUT]


def test_the_readme_tells_what_the_endpoint_takes(exports):
    boxed, stretched = (
        (exports[kind] / "README.md").read_text() for kind in (True, False)
    )
    assert "pictures of any size `(batch, height, width, 3)`" in boxed
    assert "letter_box" in boxed
    assert "any size" not in stretched
