"""The recipe: optimizer, learning rate, and what learns."""

import keras

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
        clip_norm=config.clip_norm or None,
        layer_decay=config.layer_decay,
        depths=depths,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum or 0.99,
    )


def make_schedule(config: TrainConfig, steps_per_epoch: int):
    """Return the learning rate of each step: linear warm-up, then the fall.

    A run that was extended after its end has another warm-up and schedule. A part that
    stopped early was on the way to its planned end.
    """
    ends = [*(config.planned_ends or config.restarts), config.epochs]
    starts = [0, *config.restarts]
    schedules = [
        _warmup_and_fall(config, end - start, steps_per_epoch)
        for start, end in zip(starts, ends, strict=True)
    ]
    if len(schedules) == 1:
        return schedules[0]
    steps = [start * steps_per_epoch for start in config.restarts]
    return ScheduleParts(schedules, steps)


def warmup_steps(config: TrainConfig, epochs: int, steps_per_epoch: int) -> int:
    """Return the steps of the warm-up: a short run keeps most of its own for the fall.

    Args:
        config: The run's.
        epochs: How many the run has, or its part since it was extended.
        steps_per_epoch: Steps in an epoch.
    """
    asked = round(config.warmup_epochs * steps_per_epoch)
    return min(asked, epochs * steps_per_epoch // 5)


def _warmup_and_fall(config, epochs, steps_per_epoch):
    steps = epochs * steps_per_epoch
    warmup = warmup_steps(config, epochs, steps_per_epoch)
    if config.schedule == "linear":
        return WarmupAndLine(
            config.learning_rate, config.min_learning_rate, warmup, steps
        )
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else config.learning_rate,
        decay_steps=max(steps - warmup, 1),
        alpha=min(config.min_learning_rate / config.learning_rate, 1.0),
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


@keras.saving.register_keras_serializable(package="swin_keras")
class WarmupAndLine(keras.optimizers.schedules.LearningRateSchedule):
    """A straight line up from 0, then one down: "poly" of power 1.

    Args:
        highest: Rate after the warm-up.
        lowest: Rate at the end.
        warmup: Steps of the first line.
        steps: Steps of both.
    """

    def __init__(self, highest, lowest, warmup, steps):
        super().__init__()
        self.highest, self.lowest = highest, lowest
        self.warmup, self.steps = warmup, steps

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        left = (self.steps - step) / max(self.steps - self.warmup, 1)
        fall = self.lowest + (self.highest - self.lowest) * keras.ops.clip(left, 0, 1)
        rise = self.highest * step / max(self.warmup, 1)
        return keras.ops.where(step < self.warmup, rise, fall)

    def get_config(self):
        return {
            "highest": self.highest,
            "lowest": self.lowest,
            "warmup": self.warmup,
            "steps": self.steps,
        }


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
