"""The recipe: optimizer, learning rate, loss and augmentation of a run."""

import keras
import numpy as np

from swin_keras.data import Augmentation, ImageDataset, Mixing, RandAugment
from swin_keras.models.layer_names import NORM, stage_of
from swin_keras.training.config import TrainConfig
from swin_keras.training.muon import SwinMuon
from swin_keras.training.optimizer import SwinAdamW


def make_optimizer(config: TrainConfig, depths, steps_per_epoch: int):
    """Return the optimizer of a run.

    Args:
        config: The run's.
        depths: Blocks in each stage of the model.
        steps_per_epoch: Steps in an epoch.
    """
    optimizer = {"adamw": SwinAdamW, "muon": SwinMuon}[config.optimizer]
    return optimizer(
        make_schedule(config, steps_per_epoch),
        weight_decay=config.weight_decay,
        clip_norm=config.clip_norm,
        layer_decay=config.layer_decay,
        depths=depths,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum or 0.99,
    )


def make_schedule(config: TrainConfig, steps_per_epoch: int):
    """Return the learning rate of each step: linear warm-up, then cosine.

    A run that went on after its end does so with another warm-up and cosine.
    """
    ends = [*config.restarts, config.epochs]
    starts = [0, *config.restarts]
    schedules = [
        _warmup_and_cosine(config, end - start, steps_per_epoch)
        for start, end in zip(starts, ends, strict=True)
    ]
    if len(schedules) == 1:
        return schedules[0]
    steps = [start * steps_per_epoch for start in config.restarts]
    return ScheduleParts(schedules, steps)


def _warmup_and_cosine(config, epochs, steps_per_epoch):
    steps = epochs * steps_per_epoch
    # A short run keeps most of its steps for the cosine.
    warmup = min(round(config.warmup_epochs * steps_per_epoch), steps // 5)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else config.learning_rate,
        decay_steps=max(steps - warmup, 1),
        alpha=min(config.min_learning_rate / config.learning_rate, 1.0),
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


@keras.saving.register_keras_serializable(package="swin_keras")
class ScheduleParts(keras.optimizers.schedules.LearningRateSchedule):
    """Schedules one after the other, each of which counts its own steps from 0.

    Args:
        schedules: At least one.
        starts: Steps at which those after the first begin.
    """

    def __init__(self, schedules, starts):
        super().__init__()
        self.schedules, self.starts = list(schedules), list(starts)

    def __call__(self, step):
        rate = self.schedules[0](step)
        for start, schedule in zip(self.starts, self.schedules[1:], strict=True):
            later = schedule(keras.ops.maximum(step - start, 0))
            rate = keras.ops.where(step < start, rate, later)
        return rate

    def get_config(self):
        schedules = map(keras.saving.serialize_keras_object, self.schedules)
        return {"schedules": list(schedules), "starts": self.starts}

    @classmethod
    def from_config(cls, config):
        schedules = map(keras.saving.deserialize_keras_object, config["schedules"])
        return cls(schedules, config["starts"])


def make_loss(config: TrainConfig):
    """Return cross-entropy on logits `(B, classes)` and shares `(B, classes)`."""
    return keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=config.label_smoothing, name="loss"
    )


def make_class_weights(config: TrainConfig, dataset: ImageDataset):
    """Return the weight of each class in the loss, or `None` for equal ones.

    Balanced weights are inverse to the images of a class; they average to 1 over
    the training images.
    """
    if config.class_weights == "none":
        return None
    counts = np.bincount(dataset.splits["train"].labels, minlength=dataset.classes)
    return (counts.sum() / (len(counts) * np.maximum(counts, 1))).astype("float32")


def freeze(model, config: TrainConfig, depths):
    """Stop the first stages of a model from learning; see `freeze_stages`."""
    frozen = config.freeze_stages
    if frozen == 0:
        return
    last = len(depths) if frozen == "all" else frozen
    for layer in model.layers:
        stage = stage_of(layer.name)
        is_within = stage is not None and stage <= last
        if is_within or (frozen == "all" and layer.name == NORM):
            layer.trainable = False


def make_augmentation(config: TrainConfig, dataset: ImageDataset) -> Augmentation:
    """Return the random changes to training images that a run makes."""
    flip = dataset.mirror_safe if config.flip is None else config.flip
    rand_augment = None
    if config.rand_augment:
        rand_augment = RandAugment(magnitude=config.rand_augment)
    return Augmentation(
        crop_scale=(config.min_crop_area, 1.0),
        crop_ratio=(1 / config.crop_ratio, config.crop_ratio),
        rotate=config.rotate,
        shift=config.shift,
        flip=flip,
        rand_augment=rand_augment,
        erase=config.erase,
    )


def make_mixing(config: TrainConfig) -> Mixing | None:
    """Return how a run mixes its training images, or `None`."""
    if not (config.mixup or config.cutmix):
        return None
    return Mixing(mixup=config.mixup, cutmix=config.cutmix)
