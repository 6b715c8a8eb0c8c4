"""A run ready to start: its data, its model, and its batches."""

import dataclasses
import functools
from dataclasses import dataclass

import keras
import tensorflow as tf

from swin_keras.data import (
    BatchLoader,
    ImageDataset,
    Workers,
    batches,
    steps_per_epoch,
)
from swin_keras.distillation.teacher import Teacher
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinConfig
from swin_keras.tasks import task_named
from swin_keras.tasks.distillation_loss import LABELS, TEACHER
from swin_keras.tasks.task import Task
from swin_keras.training.config import TrainConfig
from swin_keras.training.strategy import Replicas
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
