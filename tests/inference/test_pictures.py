"""Whatever holds a picture is prepared as a file is, and asked alone or with others."""

import io
import re
import shutil
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swin_keras.data import load_image
from swin_keras.data.image_io import prepare_image
from swin_keras.errors import DataError, UsageError
from swin_keras.inference import pictures as pictures_module
from swin_keras.inference import predictor as predictor_module
from swin_keras.inference.annotate import Album
from swin_keras.inference.model_paths import path_of_model
from swin_keras.inference.pictures import pictures
from swin_keras.inference.predictor import Predictor

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "tests" / "samples").glob("*.png"))


@pytest.fixture(scope="module")
def digits():
    return Predictor(ROOT / "saved_models" / "digits" / "model.tflite")


@pytest.fixture
def photo(tmp_path):
    """A JPEG 40 x 60 in colour whose EXIF says that it lies on its side."""
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
    image = Image.fromarray(pixels).resize((40, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "photo.jpg", exif=exif, quality=95)
    return tmp_path / "photo.jpg"


FORMS = {
    "path": lambda path: path,
    "text": str,
    "bytes": lambda path: path.read_bytes(),
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "file in memory": lambda path: io.BytesIO(path.read_bytes()),
    "Pillow image": Image.open,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("crop_fraction", [1.0, 0.8])
def test_every_form_of_a_photo_has_the_pixels_of_its_file(
    photo, form, channels, crop_fraction
):
    preparation = ((24, 32), channels, crop_fraction)
    expected = load_image(photo, *preparation)
    (picture,) = pictures(FORMS[form](photo))
    np.testing.assert_array_equal(picture.pixels(*preparation), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "I;16"])
def test_an_image_of_any_mode_has_the_pixels_of_its_file(tmp_path, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    image = Image.fromarray(pixels).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    image.save(tmp_path / "image.png")
    expected = load_image(tmp_path / "image.png", (16, 16), 3, 0.9)
    (picture,) = pictures(image)
    np.testing.assert_array_equal(picture.pixels((16, 16), 3, 0.9), expected)


def test_an_image_of_floats_says_what_its_file_does(tmp_path):
    image = Image.fromarray(np.ones((20, 30), np.float32))
    image.save(tmp_path / "depth.tif")
    for source in (image, tmp_path / "depth.tif"):
        (picture,) = pictures(source)
        with pytest.raises(DataError, match="cannot be turned into 8 bits a channel"):
            picture.pixels((16, 16), 3)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_array_has_the_pixels_of_a_file_with_its_values(tmp_path, dtype, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 20, 30, channels), np.uint8)
    for index, values in enumerate(pixels):
        values = values[..., 0] if channels == 1 else values
        Image.fromarray(values).save(tmp_path / f"{index}.png")
    files = pictures([tmp_path])
    arrays = pictures([pixels[0].astype(dtype), pixels[1:].astype(dtype)])
    for file, array in zip(files, arrays, strict=True):
        expected = file.pixels((16, 24), 3, 0.8)
        np.testing.assert_array_equal(array.pixels((16, 24), 3, 0.8), expected)


@pytest.mark.parametrize("form", FORMS)
def test_one_picture_alone_is_answered_as_in_a_list(digits, form):
    make = FORMS[form]
    expected = next(digits.predict(SAMPLES[3])).scores
    for given in (make(SAMPLES[3]), [make(SAMPLES[3])]):
        (answer,) = digits.predict(given)
        assert answer.scores == expected


def test_everything_together_is_answered_in_order_under_its_name(digits):
    batch = np.stack([np.asarray(Image.open(path))[..., None] for path in SAMPLES[5:8]])
    with open(SAMPLES[1], "rb") as file, Image.open(SAMPLES[2]) as image:
        given = [
            SAMPLES[0],
            file,
            image,
            SAMPLES[3].read_bytes(),
            io.BytesIO(SAMPLES[4].read_bytes()),
            batch,
            str(SAMPLES[8]),
        ]
        answers = list(digits.predict(given, batch_size=4))
    assert [a.scores[0][0] for a in answers] == list("012345678")
    assert [a.path for a in answers] == [
        *map(str, SAMPLES[:3]),
        *(f"image {index}" for index in range(3, 8)),
        str(SAMPLES[8]),
    ]


def test_an_endless_camera_is_read_a_batch_at_a_time(digits):
    read = []

    def camera():
        while True:
            read.append(len(read))
            yield np.full((20, 20, 3), 100, "uint8")

    answers = digits.predict(camera(), batch_size=2)
    assert [next(answers).path for _ in range(3)] == ["image 0", "image 1", "image 2"]
    assert len(read) == 4


def test_what_cannot_be_read_is_named_and_the_others_are_answered(digits):
    cut = SAMPLES[3].read_bytes()[:80]
    answers = list(digits.predict([cut, SAMPLES[4], io.BytesIO(b"")]))
    assert [bool(a.error) for a in answers] == [True, False, True]
    assert answers[1].scores[0][0] == "4"
    assert answers[2].error == "empty, 0 bytes"


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        2.5,
        True,
        {"a.png": 1},
        [None],
        [5],
        [[1, 2]],
        [[SAMPLES[0]]],
        [io.StringIO("text")],
        np.zeros(16),
        np.zeros((3, 20, 16)),
        np.zeros((0, 16, 3)),
        np.full((16, 16, 3), 300),
        np.full((16, 16, 3), -1.0),
        np.full((16, 16, 3), np.nan),
        np.full((16, 16, 3), "a"),
        np.zeros((16, 16, 3), bool),
    ],
    ids=lambda given: re.sub(r" at 0x\w+", "", repr(given)),
)
def test_anything_else_is_refused_and_told_what_is_taken(digits, given):
    with pytest.raises(UsageError, match=r"A model takes paths of images .*Received"):
        list(digits.predict(given))


def test_a_grey_array_needs_no_channels(digits):
    pixels = np.asarray(Image.open(SAMPLES[3]).convert("L"))
    (flat,), (deep,) = digits.predict(pixels), digits.predict(pixels[..., None])
    assert flat == deep
    (several,) = {one.scores for one in digits.predict([pixels, pixels.astype("f4")])}
    assert several == flat.scores


def test_floats_that_are_scaled_already_are_refused(digits):
    with pytest.raises(UsageError, match="already scaled to 0-1"):
        list(digits.predict(np.full((16, 16, 1), 0.5)))


def test_a_path_that_is_not_there_is_told_before_the_first_answer(digits):
    with pytest.raises(DataError, match=r"There is no image or folder nothing\.png"):
        digits.predict([*SAMPLES, "nothing.png"])
    with pytest.raises(DataError, match=r"There is no image or folder one\.png"):
        list(digits.predict("one.png"))


@pytest.mark.parametrize("options", [{"top": 0}, {"batch_size": 0}])
def test_no_class_or_no_batch_is_refused(digits, options):
    with pytest.raises(UsageError, match="must be a whole number of at least 1"):
        digits.predict(SAMPLES, **options)


def test_a_classifier_has_no_score_from_which_on_a_class_is_there(digits):
    with pytest.raises(UsageError, match="is for boxes, and for images of several"):
        digits.predict(SAMPLES, min_score=0.5)


def test_an_array_of_paths_is_the_pictures_at_them(digits):
    given = [str(path) for path in SAMPLES[:3]]
    expected = list(digits.predict(given))
    assert list(digits.predict(np.array(given))) == expected
    assert list(digits.predict(np.array([Path(p) for p in given]))) == expected


def test_pictures_that_links_lead_to_are_looked_at(digits, tmp_path):
    (tmp_path / "links").mkdir()
    for path in SAMPLES[:2]:
        (tmp_path / "links" / path.name).symlink_to(path)
    assert len(list(digits.predict(tmp_path / "links"))) == 2


@pytest.mark.parametrize("level", [0, 1])
def test_a_black_frame_of_floats_is_a_picture(digits, level):
    frame = np.full((16, 16, 3), level, "float32")
    (of_floats,), (of_bytes,) = map(
        list, (digits.predict(frame), digits.predict(frame.astype("uint8")))
    )
    assert of_floats.scores == of_bytes.scores


@pytest.mark.parametrize("options", [{"top": "3"}, {"batch_size": 2.5}])
def test_numbers_that_are_not_whole_are_refused(digits, options):
    with pytest.raises(UsageError, match="must be a whole number"):
        next(iter(digits.predict(SAMPLES[0], **options)))


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(SAMPLES[0].parent, tmp_path / "samples")
    names = [picture.name for picture in pictures("~/samples")]
    assert names == [str(tmp_path / "samples" / path.name) for path in SAMPLES]
    assert path_of_model("~/a.keras") == tmp_path / "a.keras"
    assert Album("~/album").folder == tmp_path / "album"


def test_files_of_a_batch_are_read_side_by_side(digits, photo, monkeypatch):
    """And whatever is the caller's own, by the thread that asked."""
    both, own = threading.Barrier(2), []

    def load_together(*args):
        both.wait(timeout=20)
        return load_image(*args)

    def read_own(*args):
        own.append(threading.current_thread())
        return prepare_image(*args)

    monkeypatch.setattr(predictor_module, "usable_cores", lambda: 2)
    monkeypatch.setattr(pictures_module, "load_image", load_together)
    monkeypatch.setattr(pictures_module, "prepare_image", read_own)
    array = np.zeros((9, 9, 3), "uint8")
    given = [photo, array, photo.read_bytes(), Image.open(photo)]
    found = list(digits.predict(given))
    assert not any(one.error for one in found)
    assert found[0].scores == found[2].scores
    assert own == [threading.current_thread()] * 2


def test_one_that_cannot_be_read_keeps_its_place(digits, photo, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(photo.read_bytes()[:300])
    given = [photo, tmp_path / "bad.jpg", photo, b"nothing", photo]
    found = list(digits.predict(given, batch_size=4))
    assert [bool(one.error) for one in found] == [False, True, False, True, False]
    assert found[0].scores == found[2].scores == found[4].scores


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_what_ends_a_batch_does_not_wait_for_its_other_files(
    digits, photo, monkeypatch, error
):
    begun = []

    def load(*args):
        begun.append(args)
        time.sleep(0.2)
        raise error

    monkeypatch.setattr(predictor_module, "usable_cores", lambda: 2)
    monkeypatch.setattr(pictures_module, "load_image", load)
    with pytest.raises(error):
        next(digits.predict([photo] * 32))
    assert len(begun) < 20
