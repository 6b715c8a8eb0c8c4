"""A run ready to start: its data, its model, and its batches."""

import dataclasses
import functools
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from swin_keras.backend import require_tensorflow
from swin_keras.data import (
    BatchLoader,
    ImageDataset,
    Workers,
    batches,
    load_trained,
    steps_per_epoch,
)
from swin_keras.data.splitting import some_of
from swin_keras.data.unlabelled import with_unlabelled
from swin_keras.distillation.feature_distance import (
    FeatureDistillationLoss,
    outputs_with_distance,
)
from swin_keras.distillation.teacher import Teacher, load_teacher, open_teacher
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinConfig
from swin_keras.tasks import task_named
from swin_keras.tasks.distillation_loss import LABELS, TEACHER
from swin_keras.tasks.task import Task
from swin_keras.training.batch_size import with_batch_size
from swin_keras.training.config import TrainConfig
from swin_keras.training.devices import (
    check_devices,
    compiles,
    compiles_steps,
    loading_workers,
)
from swin_keras.training.memory import check_memory
from swin_keras.training.model_size import model_config_of
from swin_keras.training.recipe import freeze, make_optimizer
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
    teacher: Teacher | None = None  # that answers about them
    teacher_fingerprint: str | None = None  # also of one whose feature maps teach

    def training_batches(self, start_step=0):
        """Return images and targets of all steps from one on, for `fit`."""
        passes = {"epochs": self.config.epochs, "start_step": start_step}
        return self._distribute(self._training_loader, **passes)

    def validation_batches(self):
        """Return images and targets to validate on, for `fit`."""
        crop_fraction = self.config.crop_fraction
        return self._distribute(
            functools.partial(
                self._loader, self.dataset.splits["val"], crop_fraction=crop_fraction
            )
        )

    @property
    def task(self) -> Task:
        """What the model is trained for."""
        return task_named(self.config.task)

    def validation_score(self):
        """Return what judges all validation answers at once; `None` for nothing."""
        return self.task.validation_score(self.model_config, self.dataset)

    @property
    def validation_steps(self) -> int | None:
        """Steps that several devices must agree on; one device sees the end."""
        if self.replicas.strategy is None:
            return None
        return steps_per_epoch(
            self.dataset.splits["val"],
            self.config.batch_size,
            shard_count=self.replicas.count,
        )

    def close(self):
        """End the processes that load images; whoever asks for more starts others."""
        if self.workers:
            self.workers.close()

    def first_images(self):
        """Return the images and targets of the first step, as the loader has them.

        `(B, H, W, C)`, augmented and mixed, as they are trained on.
        """
        return self._training_loader()(0)

    def names(self, step: int) -> list[str]:
        """Return the names of the images of a step."""
        return self._training_loader().names(step)

    def _distribute(self, make_loader, **passes):
        def make_batches(**shards):
            loader = make_loader(**shards)
            dataset = batches(loader, **passes, workers=self.workers)
            if loader.training and self.teacher is not None:
                start = passes.get("start_step", 0)
                return self._for_student(dataset, loader, start)
            return self._for_fit(dataset, loader.training)

        return self.replicas.distribute(make_batches)

    def _for_student(self, dataset, loader, start_step):
        """Return batches of which the targets are labels and a teacher's logits."""
        change = self.task.target_map(self.dataset, self.config, training=True)

        def with_logits(images, targets, logits):
            images, labels, *weights = change(images, targets)
            return images, {LABELS: labels, TEACHER: logits}, *weights

        fingerprint = self.data_card["fingerprint"]
        folder = self.config.teacher_cache
        taught = self.teacher.teach(dataset, loader, start_step, folder, fingerprint)
        return taught.map(with_logits).prefetch(tf.data.AUTOTUNE)

    def _training_loader(self, **shards):
        return self._loader(
            self.dataset.training,
            training=True,
            seed=self.config.seed,
            **self.task.loader_options(self.dataset, self.config),
            micro_batches=self.config.gradient_accumulation_steps,
            **shards,
        )

    def _loader(self, split, **more):
        height, width, channels = self.model_config.input_shape
        return BatchLoader(
            split,
            self.config.batch_size,
            (height, width),
            channels,
            letter_box=self.config.letter_box,
            **more,
        )

    def _for_fit(self, dataset, training):
        change = self.task.target_map(self.dataset, self.config, training)
        return dataset.map(change).prefetch(tf.data.AUTOTUNE)

    @functools.cached_property
    def data_card(self) -> dict:
        images = {name: len(s) for name, s in self.dataset.splits.items()}
        if self.dataset.unlabelled is not None:
            images["unlabelled"] = len(self.dataset.unlabelled)
        data = {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint(),
            "held_out": {
                title: self.dataset.split_fingerprint(title)
                for title in ("val", "test")
            },
            "images": images,
        }
        if self.dataset.voc_from_zero is not None:
            data["voc_from_zero"] = self.dataset.voc_from_zero
        return data

    @property
    def fingerprint(self) -> str:
        """What a run resumes with alone: its data, and its teacher."""
        known = self.data_card["fingerprint"], self.teacher_fingerprint
        return " ".join(one for one in known if one)

    def card(self, name: str, metrics: dict) -> ModelCard:
        return ModelCard(
            name=name,
            variant=self.config.model,
            model=dataclasses.asdict(self.model_config),
            class_names=self.dataset.class_names,
            task=self.config.task,
            crop_fraction=self.config.crop_fraction,
            letter_box=self.config.letter_box,
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
    has_checkpoint: bool = False,
    resumed=None,
) -> TrainingJob:
    """Load the data, build and compile the model; write nothing.

    Args:
        config: What and how; nothing of it is "auto". A batch size and rates that are
            not given follow from the data and the memory.
        replicas: The devices; by default those that `config.strategy` names.
        dataset: Its data, if they are loaded already.
        has_checkpoint: Whether the run resumes with weights of its own, so that those
            it started from are not read again.
        resumed: Path of the run, if it resumes: what to do about too little memory is
            another matter then.

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
    task = task_named(config.task)
    task.check_options(config)
    model_config = model_config_of(config, dataset)
    task.check_model(model_config, config)
    config = with_batch_size(config, dataset, model_config, replicas)
    task.loader_options(dataset, config)  # which refuses what cannot be
    check_devices(config, replicas, dataset)
    parts = replicas.count * config.gradient_accumulation_steps
    targets = task.target_bytes(dataset, model_config, config)
    check_memory(config, model_config, config.batch_size // parts, targets, resumed)
    teacher = open_teacher(config, dataset, model_config.input_shape)
    teacher_fingerprint = teacher and teacher.fingerprint
    steps = steps_per_epoch(dataset.training, config.batch_size, training=True)
    # Only now: preparing a data set for the first time draws random numbers, too.
    keras.utils.set_random_seed(config.seed)
    with replicas.scope(), _dtype_policy(config.precision):
        model, outputs = task.build(model_config, dataset, config)
        if config.weights is not None and not has_checkpoint:
            # Reading weights is another part, which training without them spares.
            from swin_keras.weights.loading import load_start

            load_start(
                model,
                config.weights,
                variant=config.model,
                class_names=dataset.class_names,
            )
        freeze(model, config, model_config.depths)
        loss = task.loss(model_config, dataset, config)
        if config.distillation == "features":
            frozen, teacher_fingerprint = load_teacher(config)
            outputs = outputs_with_distance(model, outputs, frozen)
            loss = FeatureDistillationLoss(loss, config.teacher_weight)
        training_model = TrainingModel(model.inputs, outputs, name="logits")
        training_model.keep(model)
        training_model.micro_batches = config.gradient_accumulation_steps
        training_model.compiles = compiles(config, training_model, replicas)
        training_model.loss_function = loss
        training_model.compile(
            optimizer=make_optimizer(config, model_config.depths, steps),
            metrics=task.metrics(dataset) or None,
            jit_compile=False,  # see `TrainingModel.compiles`
        )
        training_model.inner_optimizer.compiles = compiles_steps(config, training_model)
        training_model.optimizer.build(training_model.trainable_variables)
        images = np.zeros((1, *model_config.input_shape), "uint8")
        targets = task.example_targets(dataset, model_config.input_shape)
        training_model.build_metrics(images, targets)
    return TrainingJob(
        config,
        replicas,
        dataset,
        model_config,
        model,
        training_model,
        steps,
        workers=loading_workers(config),
        teacher=teacher,
        teacher_fingerprint=teacher_fingerprint,
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
    """Load a configuration's data, with the training images that it wants.

    No more of those with labels than it says, and those without that it names.

    Raises:
        DataError: If the data cannot be used.
    """
    dataset = load_trained(
        dataclasses.asdict(config), **task_named(config.task).data_options
    )
    train = dataset.splits["train"]
    if 0 < config.train_images < len(train):
        chosen = some_of(train.targets.strata, config.train_images, config.seed)
        splits = {**dataset.splits, "train": train.subset(chosen, "train")}
        dataset = dataclasses.replace(dataset, splits=splits)
    if config.unlabelled is None:
        return dataset
    return with_unlabelled(
        dataset,
        config.unlabelled,
        on_bad=config.on_bad,
        grey_range=config.grey_range,
        follow_links=config.follow_links,
        lost=config.lost,
    )
