"""MediaPipe takes the files as they are."""

import numpy as np
import pytest

from swin_keras.data import load_image
from swin_keras.inference import Predictor


@pytest.mark.parametrize("name", ["model.tflite", "model_int8.tflite"])
def test_mediapipe_names_the_same_class(small_export, images_dir, name):
    mediapipe = pytest.importorskip("mediapipe", reason="needs the extra `mediapipe`")
    from mediapipe.tasks.python import BaseOptions, vision

    expected = Predictor(small_export / "model.keras")
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
