"""The recipe: optimizer, learning rate, loss and augmentation of a run."""

import keras

from swin_keras.data import Augmentation, ImageDataset
from swin_keras.training.config import TrainConfig


def make_optimizer(config: TrainConfig, model, steps_per_epoch: int):
    """Return AdamW with warm-up and cosine, decaying matrices only.

    Biases, norms, and whatever makes relative position bias or scales cosines do
    not decay, as in the published recipe.
    """
    optimizer = keras.optimizers.AdamW(
        learning_rate=make_schedule(config, steps_per_epoch),
        weight_decay=config.weight_decay,
        global_clipnorm=config.clip_norm,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum or 0.99,
    )
    optimizer.exclude_from_weight_decay(
        var_list=[v for v in model.trainable_variables if not decays(v)]
    )
    return optimizer


def decays(variable) -> bool:
    """Tell whether weight decay applies to a variable of a Swin model."""
    in_bias = "/position_bias/" in variable.path
    return len(variable.shape) > 1 and not in_bias and variable.name != "logit_scale"


def make_schedule(config: TrainConfig, steps_per_epoch: int):
    """Return the learning rate of each step: linear warm-up, then cosine to 0."""
    steps = config.epochs * steps_per_epoch
    # A short run keeps most of its steps for the cosine.
    warmup = min(round(config.warmup_epochs * steps_per_epoch), steps // 5)
    return keras.optimizers.schedules.CosineDecay(
        0.0 if warmup else config.learning_rate,
        decay_steps=max(steps - warmup, 1),
        warmup_target=config.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def make_loss(config: TrainConfig, classes: int):
    """Return cross-entropy on logits `(B, classes)` and labels `(B,)`."""
    return SmoothedCrossentropy(config.label_smoothing, classes)


@keras.saving.register_keras_serializable(package="swin_keras")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy between integer labels and logits, with label smoothing.

    `(B,)` labels and `(B, classes)` logits. Keras smooths one-hot labels only.

    Args:
        label_smoothing: Share of the target given to all classes alike.
        classes: Number of classes.
    """

    def __init__(self, label_smoothing: float, classes: int, name="loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing
        self.classes = classes

    def call(self, y_true, y_pred):
        one_hot = keras.ops.one_hot(
            keras.ops.reshape(y_true, (-1,)), self.classes, dtype=y_pred.dtype
        )
        return keras.losses.categorical_crossentropy(
            one_hot, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )

    def get_config(self):
        return {
            **super().get_config(),
            "label_smoothing": self.label_smoothing,
            "classes": self.classes,
        }


def make_augmentation(config: TrainConfig, dataset: ImageDataset) -> Augmentation:
    """Return the random changes to training images that a run makes."""
    flip = dataset.mirror_safe if config.flip is None else config.flip
    return Augmentation(
        crop_scale=(config.min_crop_area, 1.0),
        crop_ratio=(1 / config.crop_ratio, config.crop_ratio),
        rotate=config.rotate,
        shift=config.shift,
        flip=flip,
    )
