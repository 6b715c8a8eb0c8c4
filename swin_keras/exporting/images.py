"""The images that an export is compared, calibrated and tested on."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from swin_keras.data import BatchLoader, garments, load_image, load_trained
from swin_keras.data.loading import looks_like_path
from swin_keras.errors import DataError, UsageError
from swin_keras.inference.evaluation import evaluate_dataset
from swin_keras.inference.predictor import Predictor, image_files
from swin_keras.litert.quantize import MAX_CALIBRATION_IMAGES
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks import task_named

log = logging.getLogger(__name__)
NOISE_IMAGES = 8


def comparison_images(config, model: Path, card: ModelCard):
    """Return images to compare the forms on, and whether they are real.

    `(B, H, W, C)` uint8: those asked for, the run's samples, or noise.
    """
    folder = Path(config.images) if config.images else model / "samples"
    if config.images or folder.is_dir():
        return _load(folder, card), True
    log.info("no images to compare on (--images): random noise instead")
    rng = np.random.default_rng(0)
    size = (NOISE_IMAGES, *card.model["input_shape"])
    return rng.integers(0, 256, size, np.uint8), False


def calibration_images(config, card: ModelCard) -> np.ndarray:
    """Return images to calibrate on: those asked for, or of the training split.

    Raises:
        UsageError: If there are none.
    """
    if config.calibration:
        return _load(Path(config.calibration), card)
    dataset = data_at_hand(card)
    if dataset is None:
        raise UsageError(
            "litert-int8-static needs images like those to come, and the data that "
            "the model was trained on is not here. Name a folder: --calibration."
        )
    split = _sample(dataset.splits["train"], MAX_CALIBRATION_IMAGES)
    *size, channels = card.model["input_shape"]
    loader = BatchLoader(
        split,
        len(split),
        size,
        channels,
        crop_fraction=card.crop_fraction,
        letter_box=card.letter_box,
    )
    return loader(0)[0]


def evaluator(config, card: ModelCard):
    """Return a function from a model file to its `Evaluation`; `None` without data.

    Data that has changed since, or whose classes have other names now, counts as
    not there: it is said, and the export continues without an accuracy.
    """
    dataset = data_at_hand(card) if config.test_images else None
    if dataset is None:
        return None
    if unknown := sorted(set(dataset.class_names) - set(card.class_names)):
        log.info("no accuracy: the model has no class %s", ", ".join(unknown[:5]))
        return None
    test = _sample(dataset.splits["test"], config.test_images)
    dataset = dataclasses.replace(dataset, splits={**dataset.splits, "test": test})
    return lambda path: evaluate_dataset(Predictor(path, trust=True), dataset)


def _sample(split, count):
    """Return `count` images of a split, always the same ones."""
    chosen = np.random.default_rng(0).permutation(len(split))[:count]
    return split.subset(np.sort(chosen), split.title)


def data_at_hand(card: ModelCard):
    """Return what a model was trained on, if this machine has it; else `None`.

    Nothing is downloaded.
    """
    name, data_dir = (card.train.get(key) for key in ("data", "data_dir"))
    if not isinstance(name, str) or not _is_here(name, data_dir):
        return None
    try:
        return load_trained(card.train, **task_named(card.task).data_options)
    except (DataError, UsageError) as error:
        log.info("the training data cannot be read: %s", error)
        return None


def _is_here(name, data_dir) -> bool:
    if Path(name).exists() or name == "digits" or garments.is_here(name, data_dir):
        return True
    if looks_like_path(name):
        return False
    if data_dir and any(Path(data_dir).glob("*-ubyte*")):
        return True
    from swin_keras.data.tfds_source import find_builder

    try:
        return find_builder(name, data_dir).is_prepared()
    except DataError:
        return False


def _load(folder: Path, card: ModelCard) -> np.ndarray:
    *size, channels = card.model["input_shape"]
    return np.stack(
        [
            load_image(file, size, channels, card.crop_fraction, card.grey_range)
            for file in image_files(folder)
        ]
    )
