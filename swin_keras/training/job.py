"""A run ready to start: its data, its model, and its batches."""

import dataclasses
import functools
import os
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from swin_keras.card import ModelCard
from swin_keras.data import (
    BatchLoader,
    ImageDataset,
    Workers,
    batches,
    load_trained,
    steps_per_epoch,
)
from swin_keras.data.splitting import stratified
from swin_keras.errors import UsageError
from swin_keras.models import SwinClassifier, SwinConfig, variant_config
from swin_keras.training.backend import require_tensorflow
from swin_keras.training.batch_size import images_mixed, with_batch_size
from swin_keras.training.config import TrainConfig
from swin_keras.training.memory import check_memory
from swin_keras.training.recipe import (
    freeze,
    make_augmentation,
    make_class_weights,
    make_loss,
    make_mixing,
    make_optimizer,
)
from swin_keras.training.strategy import Replicas, make_strategy
from swin_keras.training.training_model import TrainingModel


@dataclass(frozen=True)
class TrainingJob:
    """A run ready to start: data, models that share weights, and batches."""

    config: TrainConfig
    replicas: Replicas
    dataset: ImageDataset
    model_config: SwinConfig
    model: keras.Model
    training_model: TrainingModel
    steps: int
    workers: Workers | None = None  # that load the images

    def training_batches(self, start_step=0):
        """Return images and targets of all steps from one on, for `fit`."""
        passes = {"epochs": self.config.epochs, "start_step": start_step}
        return self._distribute(self._training_loader, **passes)

    def validation_batches(self):
        """Return images and targets to validate on, for `fit`."""
        crop_fraction = self.config.crop_fraction
        return self._distribute(
            functools.partial(self._loader, "val", crop_fraction=crop_fraction)
        )

    @property
    def validation_steps(self) -> int | None:
        """Steps that several devices must agree on; one device sees the end."""
        if self.replicas.strategy is None:
            return None
        return steps_per_epoch(self.dataset.splits["val"], self.config.batch_size)

    def first_images(self):
        """Return the images of the first step and their shares of the classes.

        `(B, H, W, C)` and `(B, classes)`, augmented and mixed, as they are trained on.
        """
        images, labels = self._training_loader()(0)
        is_mixed = labels.ndim == 2
        return images, labels if is_mixed else np.eye(self.dataset.classes)[labels]

    def names(self, step: int) -> list[str]:
        """Return the names of the images of a step."""
        return self._training_loader().names(step)

    def _distribute(self, make_loader, **passes):
        def make_batches(**shards):
            loader = make_loader(**shards)
            dataset = batches(loader, **passes, workers=self.workers)
            return self._with_targets(dataset, loader.training)

        return self.replicas.distribute(make_batches)

    def _training_loader(self, **shards):
        return self._loader(
            "train",
            training=True,
            seed=self.config.seed,
            augmentation=make_augmentation(self.config, self.dataset),
            mixing=make_mixing(self.config),
            classes=self.dataset.classes,
            micro_batches=self.config.gradient_accumulation_steps,
            **shards,
        )

    def _loader(self, split, **more):
        height, width, channels = self.model_config.input_shape
        return BatchLoader(
            self.dataset.splits[split],
            self.config.batch_size,
            (height, width),
            channels,
            **more,
        )

    def _with_targets(self, dataset, training):
        """Map labels to shares of the classes, and weights where classes have them."""
        classes = self.dataset.classes
        weights = make_class_weights(self.config, self.dataset) if training else None

        def map_labels(images, labels):
            shares = labels
            if labels.dtype.is_integer:
                shares = tf.one_hot(labels, classes)
            if weights is None:
                return images, shares
            return images, shares, tf.linalg.matvec(shares, weights)

        return dataset.map(map_labels).prefetch(tf.data.AUTOTUNE)

    @functools.cached_property
    def data_card(self) -> dict:
        return {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint(),
            "images": {name: len(s) for name, s in self.dataset.splits.items()},
        }

    def card(self, name: str, metrics: dict) -> ModelCard:
        return ModelCard(
            name=name,
            variant=self.config.model,
            model=dataclasses.asdict(self.model_config),
            class_names=self.dataset.class_names,
            crop_fraction=self.config.crop_fraction,
            grey_range=self.config.grey_range,
            train=dataclasses.asdict(self.config),
            data=self.data_card,
            metrics={key: float(value) for key, value in metrics.items()},
            command=self.config.to_command(),
        )


def prepare(
    config: TrainConfig,
    replicas: Replicas | None = None,
    dataset: ImageDataset | None = None,
) -> TrainingJob:
    """Load the data, build and compile the model; write nothing.

    Args:
        config: What and how; nothing of it is "auto". A batch size and rates that are
            not given follow from the data and the memory.
        replicas: The devices; by default those that `config.strategy` names.
        dataset: Its data, if they are loaded already.

    Raises:
        UsageError: If an option cannot work.
        DataError: If the data cannot be used.
        WeightsError: If the weights to start from cannot be loaded.
    """
    require_tensorflow("Training")
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    replicas = replicas or Replicas(make_strategy(config.strategy))
    if dataset is None:
        dataset = load_data(config)
    model_config = model_config_of(config, dataset)
    config = with_batch_size(config, dataset, model_config, replicas)
    _check_devices(config, replicas)
    parts = replicas.count * config.gradient_accumulation_steps
    check_memory(config, model_config, config.batch_size // parts)
    steps = steps_per_epoch(dataset.splits["train"], config.batch_size, training=True)
    # Only now: preparing a data set for the first time draws random numbers, too.
    keras.utils.set_random_seed(config.seed)
    with replicas.scope(), _dtype_policy(config.precision):
        model = SwinClassifier(model_config, classes=dataset.classes, name=config.model)
        if config.weights is not None:
            # Reading weights is another part, which training without them spares.
            from swin_keras.weights import load_weights

            load_weights(
                model,
                config.weights,
                variant=config.model,
                class_names=dataset.class_names,
            )
        freeze(model, config, model_config.depths)
        training_model = TrainingModel(
            model.inputs, model.get_layer("head").output, name="logits"
        )
        training_model.micro_batches = config.gradient_accumulation_steps
        training_model.compiles = _compiles(config)
        training_model.compile(
            optimizer=make_optimizer(config, model_config.depths, steps),
            loss=make_loss(config),
            metrics=["accuracy"],
            jit_compile=False,  # see `TrainingModel.compiles`
        )
        training_model.optimizer.build(training_model.trainable_variables)
        images = np.zeros((1, *model_config.input_shape), "uint8")
        training_model.build_metrics(images, np.zeros((1, dataset.classes), "float32"))
    return TrainingJob(
        *(config, replicas, dataset, model_config, model, training_model, steps),
        workers=_workers(config),
    )


@contextmanager
def _dtype_policy(policy):
    """Build in a precision, and leave that of the process as it was."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def load_data(config: TrainConfig) -> ImageDataset:
    """Load a configuration's data, with no more training images than it wants.

    Raises:
        DataError: If the data cannot be used.
    """
    dataset = load_trained(dataclasses.asdict(config))
    train = dataset.splits["train"]
    if not 0 < config.train_images < len(train):
        return dataset
    share = config.train_images / len(train)
    _, chosen = stratified(train.targets.strata, [share], config.seed)
    splits = {**dataset.splits, "train": train.subset(chosen, "train")}
    return dataclasses.replace(dataset, splits=splits)


def _compiles(config):
    """Tell whether XLA compiles the training step; see docs/performance.md."""
    if config.jit_compile is not None:
        return config.jit_compile
    if on_cpu():
        # There, XLA multiplies bfloat16 as float32; TensorFlow's kernels do not.
        return config.precision != "mixed_bfloat16"
    return not config.deterministic  # which not all of XLA's operations can be


def _workers(config):
    """Return the processes that load images; see `TrainConfig.workers`."""
    count = config.workers
    if count == "auto":
        count = 0 if on_cpu() else len(os.sched_getaffinity(0))
    return Workers(count) if count else None


def on_cpu() -> bool:
    """Return whether there is nothing but processor cores to train on."""
    kinds = {device.device_type for device in tf.config.list_physical_devices()}
    return not kinds & {"GPU", "TPU"}


def _check_devices(config, replicas):
    """Refuse what several devices cannot do, and batches that they cannot share."""
    if replicas.count > 1 and config.precision == "mixed_float16":
        raise UsageError(
            "mixed_float16 is not safe on several devices: an overflow on one of them "
            "would spoil the weights of all. Use --precision mixed_bfloat16."
        )
    pair = images_mixed(config)
    parts = replicas.count * config.gradient_accumulation_steps * pair
    if config.batch_size % parts:
        nearest = max(parts, config.batch_size // parts * parts)
        factors = [f"{replicas.count} devices"] * (replicas.count > 1)
        if config.gradient_accumulation_steps > 1:
            factors.append(f"{config.gradient_accumulation_steps} accumulation steps")
        factors += ["pairs of mixed images"] * (pair > 1)
        raise UsageError(
            f"`batch_size` must be a multiple of {parts} ({', '.join(factors)}). "
            f"Received: {config.batch_size}. Nearest: {nearest}."
        )


def model_config_of(config: TrainConfig, dataset: ImageDataset) -> SwinConfig:
    """Fit the variant to the data's channels and the wanted image size.

    By default that is the variant's size, but not more than twice the images'
    own where that is known: enlarging digits of 8 pixels to 32 only costs time.

    Raises:
        UsageError: If the sizes cannot make a model.
    """
    variant = variant_config(config.model)
    *own_size, channels = dataset.image_shape
    size = config.image_size
    if size is None:
        sides = zip(variant.input_shape, own_size, strict=False)
        size = tuple(min(side, 2 * own) if own else side for side, own in sides)
    elif isinstance(size, int):
        size = (size, size)
    sizes = {"input_shape": (*size, channels), "remat": config.remat}
    if config.freeze_stages == "all":
        sizes["drop_path_rate"] = 0.0
    model_config = variant.replace(**(sizes | config.sizes))
    stages = len(model_config.depths)
    if config.freeze_stages != "all" and config.freeze_stages > stages:
        raise UsageError(
            f"`freeze_stages` must be at most the model's {stages} stages, or 'all'. "
            f"Received: {config.freeze_stages}."
        )
    return model_config
