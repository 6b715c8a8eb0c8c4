"""A small trained-looking classifier in colour, and one export of it."""

import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image
from small_model import NAMES, SMALL, shaken

from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier


@pytest.fixture(scope="session")
def small_model():
    keras.utils.set_random_seed(0)
    return shaken(SwinClassifier(SMALL, classes=len(NAMES), name="small"))


@pytest.fixture(scope="session")
def model_file(small_model, tmp_path_factory):
    card = ModelCard("small", "swin_small", dataclasses.asdict(SMALL), NAMES)
    path = tmp_path_factory.mktemp("models") / "small.keras"
    save_keras(small_model, path, card)
    return path


@pytest.fixture(scope="session")
def images_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for index in range(12):
        rng = np.random.default_rng(index)
        coarse = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(coarse).resize((40, 36)).save(folder / f"{index:02}.png")
    return folder


@pytest.fixture(scope="session")
def small_export(model_file, images_dir, made_once):
    """The folder of an export in the default forms."""

    def fill(folder):
        config = ExportConfig(saved_models_dir=str(folder), images=str(images_dir))
        export(model_file, config)

    return made_once("small_exports", fill) / "small"
