"""MediaPipe takes the files as they are."""

import numpy as np
import pytest
from PIL import Image

from swin_keras.data import load_image
from swin_keras.data.image_io import centre_box
from swin_keras.inference.predictor import Predictor


@pytest.mark.parametrize("name", ["model.tflite", "model_int8.tflite"])
def test_mediapipe_names_the_same_class(small_export, images_dir, name):
    mediapipe = pytest.importorskip("mediapipe", reason="needs the extra `mediapipe`")
    from mediapipe.tasks.python import BaseOptions, vision

    expected = Predictor(small_export / name)  # the same file, by our own runtime
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(small_export / name)),
        max_results=1,
    )
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for path in sorted(images_dir.iterdir()):
            pixels = np.ascontiguousarray(load_image(path, (32, 32), 3))
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=pixels
            )
            (best,) = classifier.classify(image).classifications[0].categories
            scores = expected.probabilities(pixels[None])[0]
            assert best.category_name == expected.class_names[scores.argmax()]
            assert best.score == pytest.approx(float(scores.max()), abs=0.02)


SIDES = [(240, 120), (120, 240), (200, 150), (90, 250), (320, 180)]
CLEAR = 0.006  # between the best two: MediaPipe resizes without antialiasing


def test_mediapipe_stretches_pictures_unless_it_is_given_our_cut(
    small_export, tmp_path
):
    """As the samples of docs/mobile.md give it, by a region of interest."""
    mediapipe = pytest.importorskip("mediapipe", reason="needs the extra `mediapipe`")
    from mediapipe.tasks.python import BaseOptions, vision
    from mediapipe.tasks.python.components.containers.rect import RectF
    from mediapipe.tasks.python.vision.core.image_processing_options import (
        ImageProcessingOptions,
    )

    expected = Predictor(small_export / "model.keras")
    options = vision.ImageClassifierOptions(
        base_options=BaseOptions(model_asset_path=str(small_export / "model.tflite")),
        max_results=1,
    )
    stretched, cut, clear = 0, 0, 0
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for index in range(60):
            coarse = np.random.default_rng(index).integers(0, 256, (6, 6, 3), np.uint8)
            width, height = size = SIDES[index % len(SIDES)]
            picture = Image.fromarray(coarse).resize(size)
            picture.save(tmp_path / "picture.png")
            seen = load_image(tmp_path / "picture.png", (32, 32), 3)
            scores = expected.probabilities(seen[None])[0]
            second, best = np.sort(scores)[-2:]
            if best - second < CLEAR:
                continue
            clear += 1
            image = mediapipe.Image(
                image_format=mediapipe.ImageFormat.SRGB, data=np.array(picture)
            )
            left, top, right, bottom = centre_box(size, (32, 32))
            centre = RectF(left / width, top / height, bottom / height, right / width)
            whole, region = (
                classifier.classify(image, how).classifications[0].categories[0]
                for how in (None, ImageProcessingOptions(region_of_interest=centre))
            )
            name = expected.class_names[scores.argmax()]
            stretched += whole.category_name == name
            cut += region.category_name == name
            assert region.score == pytest.approx(float(best), abs=0.01)
    assert clear > 20
    assert cut == clear > stretched
