"""The images that an export is compared, calibrated and tested on."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from swin_keras.data import BatchLoader, garments, load_trained
from swin_keras.data.loading import looks_like_path
from swin_keras.errors import DataError, UsageError
from swin_keras.files import expanded
from swin_keras.inference.evaluation import evaluate_dataset, has_changed
from swin_keras.inference.pictures import Picture, image_files
from swin_keras.inference.predictor import Predictor
from swin_keras.litert.quantize import MAX_CALIBRATION_IMAGES
from swin_keras.model_files.card import ModelCard
from swin_keras.model_files.preparation import CardPreparation
from swin_keras.names import composed, printable
from swin_keras.tasks import task_named, trained_task

log = logging.getLogger(__name__)
NOISE_IMAGES = 8
MAX_COMPARED = 64  # images; more say no more of a form


def comparison_images(config, model: Path, card: ModelCard):
    """Return images to compare the forms on, and whether they are real.

    `(B, H, W, C)` uint8: those asked for, the run's samples, or noise.
    """
    folder = expanded(config.images) if config.images else model / "samples"
    if config.images or folder.is_dir():
        return _load(folder, card, MAX_COMPARED), True
    log.info("no images to compare on (--images): random noise instead")
    rng = np.random.default_rng(0)
    size = (NOISE_IMAGES, *card.model["input_shape"])
    return rng.integers(0, 256, size, np.uint8), False


def calibration_images(config, card: ModelCard) -> np.ndarray:
    """Return images to calibrate on: those asked for, or of the training split.

    Raises:
        UsageError: If there are none, or the model wants other values than theirs.
    """
    if not card.normalizes:
        raise UsageError(
            "litert-int8-static takes its ranges from images of 0..255, and this model "
            "does not normalize them itself. Leave that format out, or build the model "
            "with include_preprocessing=True."
        )
    if config.calibration:
        return _load(expanded(config.calibration), card, MAX_CALIBRATION_IMAGES)
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
    known = set(map(composed, card.class_names))
    if unknown := sorted(set(dataset.class_names) - known):
        log.info("no accuracy: the model has no class %s", ", ".join(unknown[:5]))
        return None
    if has_changed(card, dataset, "test"):
        log.warning(
            "no accuracy: %s has changed since the model was trained, which may know "
            "some of what are test images now",
            printable(dataset.name),
        )
        return None
    test = _sample(dataset.splits["test"], config.test_images)
    dataset = dataclasses.replace(dataset, splits={**dataset.splits, "test": test})
    return lambda path: evaluate_dataset(Predictor(path, trust=True), dataset)


def _sample(split, count):
    """Return `count` images of a split, always the same ones."""
    return split.subset(_chosen(len(split), count), split.title)


def _chosen(count, most):
    """Return which of `count` things are taken where `most` are enough."""
    return np.sort(np.random.default_rng(0).permutation(count)[:most])


def data_at_hand(card: ModelCard):
    """Return what a model was trained on, if this machine has it; else `None`.

    Nothing is downloaded.
    """
    name, data_dir = (card.train.get(key) for key in ("data", "data_dir"))
    if not isinstance(name, str) or not _is_here(name, data_dir):
        return None
    try:
        task = trained_task(card) or task_named(card.task)
        return load_trained(card.train, **task.data_options)
    except (DataError, UsageError) as error:
        log.info("the training data cannot be read: %s", error)
        return None


def _is_here(name, data_dir) -> bool:
    data_dir = expanded(data_dir) if data_dir else None
    if expanded(name).exists() or name == "digits" or garments.is_here(name, data_dir):
        return True
    if looks_like_path(name):
        return False
    if data_dir and any(data_dir.glob("*-ubyte*")):
        return True
    from swin_keras.data.tfds_source import find_builder

    try:
        return find_builder(name, data_dir).is_prepared()
    except DataError:
        return False


class _Preparation(CardPreparation):
    """What `Task.read` asks of a model, which is not there yet."""

    def __init__(self, card):
        self.card, self.input_shape = card, tuple(card.model["input_shape"])


def _load(folder: Path, card: ModelCard, most: int) -> np.ndarray:
    """Return some images of a folder, prepared as the model's own are."""
    files = image_files(folder)
    if len(files) > most:
        log.info("%d of the %d images in %s are enough", most, len(files), folder)
        files = [files[index] for index in _chosen(len(files), most)]
    task, preparation = task_named(card.task), _Preparation(card)
    return np.stack(
        [task.read(Picture(str(file), file), preparation)[0] for file in files]
    )
