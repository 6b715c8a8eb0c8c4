"""The batch size of a run that names none: what its data and its memory can fill."""

import dataclasses

from swin_keras.data import ImageDataset
from swin_keras.models import SwinConfig
from swin_keras.tasks import task_named
from swin_keras.training.config import TrainConfig
from swin_keras.training.memory import images_that_fit
from swin_keras.training.presets import PRESETS, RATES, fitted_values, preset_values
from swin_keras.training.strategy import Replicas

STEPS = 8  # of an epoch, at least, where there are enough images
MIN_IMAGES = 8  # images in a step, where there are enough for two steps


def with_batch_size(
    config: TrainConfig,
    dataset: ImageDataset,
    model_config: SwinConfig,
    replicas: Replicas,
) -> TrainConfig:
    """Give a configuration the batch size and the rates that it leaves open.

    Args:
        config: What was given stays.
        dataset: The run's data.
        model_config: Its model's sizes.
        replicas: The devices that share a step. Several machines must agree, and look
            at the data only.
    """
    values = preset_values(config.preset, config.batch_size)
    if config.batch_size is None:
        images = len(dataset.training)
        targets = task_named(config.task).target_bytes(dataset, model_config, config)
        fitting = images_that_fit(config, model_config, targets)
        if replicas.is_multiworker:
            fitting = None
        size = _fitted(config, images, fitting, replicas.count)
        values = fitted_values(config.preset, size)
    open_values = {
        name: values[name]
        for name in ("batch_size", *RATES)
        if getattr(config, name) is None
    }
    return dataclasses.replace(config, **open_values)


def _fitted(config, images, fitting, devices):
    """Return the preset's batch size, or the largest below it that fits."""
    size = min(PRESETS[config.preset]["batch_size"], largest_batch(images))
    parts = devices * config.gradient_accumulation_steps
    if fitting is not None:
        size = min(size, max(fitting * parts, 1))
    size = 2 ** (size.bit_length() - 1)
    parts *= images_mixed(config)
    return max(size // parts, 1) * parts


def largest_batch(images: int) -> int:
    """Return the largest batch with which an epoch still is a number of steps.

    >>> largest_batch(96), largest_batch(20), largest_batch(3)
    (12, 8, 1)
    """
    return max(images // STEPS, min(MIN_IMAGES, images // 2), 1)


def images_mixed(config: TrainConfig) -> int:
    """Return how many images a mixed one is made of."""
    return 2 if config.mixup or config.cutmix else 1
