"""A teacher: a model of any form that answers about a student's training images."""

import functools
import hashlib
from pathlib import Path

import numpy as np

from swin_keras import __version__
from swin_keras.data import BatchLoader
from swin_keras.data.exit_gate import GATE
from swin_keras.data.grey import check_grey_range
from swin_keras.distillation.stored_answers import DTYPE, StoredAnswers
from swin_keras.errors import UsageError
from swin_keras.files import expanded
from swin_keras.inference.model_paths import find_keras_model, find_model
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import load_keras, read_card
from swin_keras.models.conventions import normalizes

SMALLEST = 1e-7  # of a probability whose logarithm is taken


class Teacher:
    """What a `Predictor` says of a student's classes, in the student's order.

    Args:
        predictor: The teacher.
        class_names: The student's classes; the teacher must know each by its name. What
            else it knows is left out.
        input_shape: Of the student's images.
        grey_range: Values of black and white, where the student has them.

    Raises:
        UsageError: If it cannot teach that student.
    """

    def __init__(self, predictor: Predictor, class_names, input_shape, grey_range=None):
        self.predictor = predictor
        _check_task(predictor)
        _check_classes(predictor, class_names)
        _check_images(predictor, input_shape, grey_range)
        self.class_names = tuple(class_names)
        places = {name: place for place, name in enumerate(predictor.class_names)}
        self._columns = [places[name] for name in class_names]

    def logits(self, images) -> np.ndarray:
        """Return logarithms of its probabilities, float16 `(B, classes)`.

        Args:
            images: `(B, H, W, C)`, 0..255.
        """
        rows = self.predictor.probabilities(images)[:, self._columns]
        return np.log(np.maximum(rows, SMALLEST)).astype(DTYPE)

    @functools.cached_property
    def fingerprint(self) -> str:
        """What `fingerprint_of` says of the model's file."""
        # Of one file on all machines, of which those with a GPU run another.
        return fingerprint_of(find_model(self.predictor.path))

    def teach(self, dataset, loader: BatchLoader, start_step=0, folder=None, data=""):
        """Add this teacher's logits to batches of images and targets.

        Args:
            dataset: What `batches` makes of the loader.
            loader: The loader, whose augmented and mixed images the teacher sees.
            start_step: The dataset's first step.
            folder: Where answers are stored, or `None`.
            data: Fingerprint of the data.

        Returns:
            A `tf.data.Dataset` of images, targets and logits.
        """
        import tensorflow as tf

        shards = loader.shards
        shape = loader.rows, len(self.class_names)
        stores = {}
        if folder is not None:
            about = self.about(loader, data)
            for shard in shards:
                stores[shard] = StoredAnswers(
                    folder, about, shape, shard, loader.shard_count
                )

        def answer(number, images):
            step, place = divmod(int(number), len(shards))
            store = stores.get(shards[place])
            if store is None:
                return self.logits(images)
            return store.answers(step, images, self.logits)

        guarded = GATE.guard(answer, np.zeros(shape, DTYPE))

        def add(number, batch):
            images, targets = batch
            logits = tf.numpy_function(
                guarded, [number, images], tf.float16, stateful=False
            )
            logits.set_shape(shape)
            return images, targets, logits

        numbers = tf.data.Dataset.counter(start_step * len(shards))
        return tf.data.Dataset.zip(numbers, dataset).map(add)

    def about(self, loader: BatchLoader, data: str) -> dict:
        """Return what the answers about a loader's images depend on."""
        return {
            "teacher": self.fingerprint,
            "classes": self.class_names,
            "data": data,
            "version": __version__,
            **{
                name: repr(getattr(loader, name))
                for name in (
                    "batch_size",
                    "image_size",
                    "channels",
                    "seed",
                    "augmentation",
                    "mixing",
                    "micro_batches",
                    "crop_fraction",
                    "shard_count",
                )
            },
        }


def fingerprint_of(model: Path) -> str:
    """Return 16 hexadecimal digits that change when a model's file or folder does."""
    digest = hashlib.sha256()
    for path in sorted(model.rglob("*")) if model.is_dir() else [model]:
        if path.is_file():
            digest.update(f"{path.relative_to(model)}\n".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def load_teacher(config):
    """Return the Keras model whose feature maps teach, and its fingerprint.

    Raises:
        ModelFileError: If it is no model.
        UsageError: If it has no layers to look into, or sees grey otherwise.
    """
    path = find_keras_model(expanded(config.teacher))
    if path.suffix != ".keras":
        raise UsageError(
            "Feature distillation needs a Keras model as its teacher: a `.keras` file, "
            f"or the folder of a run. Received: {path}."
        )
    card = read_card(path)
    if card is not None:
        _check_grey(path, card.grey_range, check_grey_range(config.grey_range))
    model = load_keras(path)
    _check_pixels(path, normalizes(model))
    return model, fingerprint_of(path)


def open_teacher(config, dataset, input_shape) -> Teacher | None:
    """Return the teacher whose answers a run's configuration asks for, or `None`.

    Raises:
        ModelFileError: If it is no model.
        UsageError: If it cannot teach that run's model.
    """
    if config.distillation in (None, "features"):
        return None
    predictor = Predictor(config.teacher)
    return Teacher(predictor, dataset.class_names, input_shape, config.grey_range)


def _check_task(predictor):
    if predictor.task.name != "classify":
        raise UsageError(
            "A teacher of classes must be a classifier. Received: "
            f"{predictor.path}, a model for the task {predictor.task.name!r}."
        )
    if predictor.gives_logits:
        raise UsageError(
            "A teacher of classes must give probabilities. Received: "
            f"{predictor.path}, which ends in no softmax. Save "
            "keras.Model(model.input, keras.layers.Softmax()(model.output))."
        )
    _check_pixels(predictor.path, predictor.normalizes)


def _check_classes(predictor, class_names):
    missing = [name for name in class_names if name not in predictor.class_names]
    if missing:
        raise UsageError(
            "A teacher must know each of the student's classes by its name. "
            f"{predictor.path} does not know {_some(missing)}; it knows "
            f"{_some(predictor.class_names)}. Name the folders of the classes as the "
            "teacher does, or train a teacher on these data."
        )


def _check_images(predictor, input_shape, grey_range):
    if predictor.input_shape != tuple(input_shape):
        height, width, channels = predictor.input_shape
        size = f"{height}" if height == width else f"[{height}, {width}]"
        remedy = f"Use --image-size {size}"
        if channels != input_shape[-1]:
            remedy = f"Use a teacher for images with {input_shape[-1]} channels"
        raise UsageError(
            "A teacher must take images of the student's size and colours, "
            f"{tuple(input_shape)}. Received: {predictor.path}, which takes "
            f"{predictor.input_shape}. {remedy}, or train a teacher of that size."
        )
    _check_grey(predictor.path, predictor.grey_range, grey_range)


def _check_pixels(path, is_scaling):
    if not is_scaling:
        raise UsageError(
            "A teacher must take images of 0..255, as its student does, and normalize "
            f"them itself. Received: {path}, which does not: build it with "
            "include_preprocessing=True."
        )


def _check_grey(path, own, grey_range):
    if own != grey_range:
        raise UsageError(
            "A teacher must see grey values as the student does: `grey_range` of "
            f"{path} is {own}, and of the run {grey_range}."
        )


def _some(names):
    shown = ", ".join(map(str, names[:8]))
    return f"{shown}, ..." if len(names) > 8 else shown
