"""Memory that is full is no fault of the file, and is told with what to do."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from swin_keras.cli import main
from swin_keras.errors import ModelFileError, ResourceError
from swin_keras.inference.runtimes import KerasModel, SavedModel
from swin_keras.model_files import load_keras

ROOT = Path(__file__).parents[2]
ZEROS = np.zeros((2, 16, 16, 1), "float32")
NO_ROOM = r"do not fit into the memory\. Try a smaller `batch_size` \(--batch-size\)"


def raising(error):
    def raise_it(*args, **options):
        raise error

    return raise_it


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.ResourceExhaustedError(None, None, "SelectV2"),
        tf.errors.InternalError(None, None, "CUBLAS_STATUS_ALLOC_FAILED"),
    ],
)
def test_a_model_without_room_is_a_sentence(exported, monkeypatch, error):
    model = KerasModel(exported / "model.keras")
    monkeypatch.setattr(model._model, "predict_on_batch", raising(error))
    with pytest.raises(ResourceError, match=NO_ROOM):
        model(ZEROS)
    model = SavedModel(exported / "saved_model" / "1")
    monkeypatch.setattr(model, "_answer", raising(error))
    with pytest.raises(ResourceError, match=NO_ROOM):
        model(ZEROS)


def test_other_faults_are_the_files(exported, monkeypatch):
    model = KerasModel(exported / "model.keras")
    fault = tf.errors.InternalError(None, None, "a fault")
    monkeypatch.setattr(model._model, "predict_on_batch", raising(fault))
    with pytest.raises(ModelFileError, match="must take one batch of images"):
        model(ZEROS)


def test_a_model_that_cannot_be_loaded_for_want_of_memory_is_a_sentence(
    exported, monkeypatch
):
    import keras

    error = tf.errors.InternalError(None, None, "Dst tensor is not initialized.")
    monkeypatch.setattr(keras.models, "load_model", raising(error))
    with pytest.raises(ResourceError, match="does not fit into the memory"):
        load_keras(exported / "model.keras")
    monkeypatch.setattr(tf.saved_model, "load", raising(error))
    with pytest.raises(ResourceError, match=NO_ROOM):
        SavedModel(exported / "saved_model" / "1")


@pytest.mark.parametrize(
    ("command", "more"),
    [("evaluate", "--workers=0"), ("predict", str(ROOT / "tests/samples/3.png"))],
)
def test_commands_take_the_smaller_batch_that_is_advised(command, more, capsys):
    words = [command, str(ROOT / "saved_models/digits"), more]
    assert main([*words, "--batch-size", "3"]) == 0
    assert main([*words, "--batch-size", "0"]) == 2
    assert "`batch_size` must be" in capsys.readouterr().err
