"""From a configuration to a job: load the data, build and compile the model."""

import dataclasses
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from swin_keras.backend import require_tensorflow
from swin_keras.data import (
    ImageDataset,
    load_trained,
    steps_per_epoch,
)
from swin_keras.data.splitting import some_of
from swin_keras.data.unlabelled import with_unlabelled
from swin_keras.distillation.feature_distance import (
    FeatureDistillationLoss,
    outputs_with_distance,
)
from swin_keras.distillation.teacher import load_teacher, open_teacher
from swin_keras.tasks import task_named
from swin_keras.training.batch_size import with_batch_size
from swin_keras.training.config import TrainConfig
from swin_keras.training.devices import (
    check_devices,
    compiles,
    compiles_steps,
    loading_workers,
)
from swin_keras.training.job import TrainingJob
from swin_keras.training.memory import check_memory
from swin_keras.training.model_size import model_config_of
from swin_keras.training.recipe import freeze, make_optimizer
from swin_keras.training.strategy import Replicas, make_strategy
from swin_keras.training.training_model import TrainingModel


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
