"""The README of an export tells how many images its LiteRT files take."""

import pytest

from swin_keras.exporting.readme import readme_text
from swin_keras.model_files.card import ModelCard

FILE = {"bytes": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("batch_size", "words"),
    [(1, "take one image at a time"), (4, "take 4 images"), (0, "take any number of")],
)
def test_the_batch_of_the_litert_files_is_told(batch_size, words):
    card = ModelCard("toy", "swin", {"input_shape": (16, 16, 1)}, ("cat", "dog"))
    fields = {"files": {"model.tflite": FILE}, "litert_batch_size": batch_size}
    said = readme_text(ModelCard(**(vars(card) | fields)))
    assert words in said
    assert ("cannot be resized" in said) == (batch_size > 0)
    assert ".tflite" not in readme_text(card)
