"""What callbacks save of a model in training is the model that the run keeps."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from idx_files import write_garments

from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.inference.predictor import Predictor
from swin_keras.training.train import train

SIZES = {"patch_size": 2, "embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
COMMON = {
    "sizes": SIZES,
    "epochs": 1,
    "train_images": 10,
    "tensorboard": False,
    "verbose": False,
}
CLASSIFIER = {"data": "digits", "batch_size": 10, "jit_compile": False}
SEGMENTER = {
    "data": "garments/48",
    "task": "segment",
    "head_sizes": {"channels": 8, "auxiliary_channels": 8},
    "auxiliary": True,
    "mixup": 0.0,
    "batch_size": 5,
    "jit_compile": True,
}
FILES = ("checkpoint.keras", "method.keras", "function.keras")
LOADING = """
import sys
import keras, swin_keras
import numpy as np
images, *files = sys.argv[1:]
for file in files:
    model = keras.models.load_model(file)
    assert type(model) is type(keras.Model(model.input, model.output)), type(model)
    assert not model.compiled
    np.save(file + ".npy", model(np.load(images), training=False))
"""


class Saves(keras.callbacks.Callback):
    """Save a model in the two other ways that Keras has."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def on_epoch_end(self, epoch, logs=None):
        self.model.save(self.folder / "method.keras")
        keras.saving.save_model(self.model, self.folder / "function.keras")


@pytest.fixture
def train_and_save(digits_dir, tmp_path):
    """Return a function that trains with callbacks that save to `tmp_path`."""

    def run(**options):
        checkpoint = keras.callbacks.ModelCheckpoint
        return train(
            runs_dir=str(tmp_path),
            callbacks=[
                checkpoint(tmp_path / "checkpoint.keras"),
                checkpoint(tmp_path / "some.weights.h5", save_weights_only=True),
                Saves(tmp_path),
            ],
            **{**COMMON, "data_dir": str(digits_dir), **options},
        )

    return run


def check(run, folder):
    """Compare files that callbacks have saved with the model that a run kept."""
    kept = keras.models.load_model(run.best_model, compile=False)
    shape = (4, *kept.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 256, shape).astype("float32")
    np.save(folder / "images.npy", images)
    expected = np.asarray(kept(images, training=False))
    files = [str(folder / name) for name in FILES]
    words = [sys.executable, "-c", LOADING, str(folder / "images.npy"), *files]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    for file in files:
        np.testing.assert_allclose(np.load(f"{file}.npy"), expected, atol=1e-6)
    for weight in kept.weights:
        weight.assign(np.zeros(weight.shape))
    kept.load_weights(folder / "some.weights.h5")
    np.testing.assert_allclose(kept(images, training=False), expected, atol=1e-6)
    return images, expected


def test_a_classifier_is_saved_predicts_and_is_exported(train_and_save, tmp_path):
    images, expected = check(train_and_save(**CLASSIFIER), tmp_path)
    for name in FILES:
        said = Predictor(tmp_path / name).probabilities(images)
        np.testing.assert_allclose(said, expected, atol=1e-5)
    config = ExportConfig(
        saved_models_dir=str(tmp_path / "out"), formats=("litert",), verify=False
    )
    said = Predictor(export(tmp_path / FILES[0], config)).probabilities(images)
    np.testing.assert_allclose(said, expected, atol=1e-5)


def test_a_segmenter_is_saved_without_its_auxiliary_head(train_and_save, tmp_path):
    (tmp_path / "idx").mkdir()
    run = train_and_save(**SEGMENTER, data_dir=str(write_garments(tmp_path / "idx")))
    check(run, tmp_path)


def test_a_student_of_feature_maps_is_saved_alone(
    train_and_save, trained_run, tmp_path
):
    sizes = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
    teaching = {"teacher": str(trained_run.path), "distillation": "features"}
    check(train_and_save(**CLASSIFIER | teaching, sizes=sizes), tmp_path)
