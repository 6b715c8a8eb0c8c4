"""Read a set of TensorFlow Datasets whose images have any number of classes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.packed import PackedBytes
from swin_keras.data.splits import EncodedSplit, RecordSplit, Split
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.data.targets import MultiLabel
from swin_keras.data.tfds_source import (
    CHARACTERS,
    damage_in_words,
    find_builder,
    fits_memory,
    open_splits,
    write_builder,
)
from swin_keras.errors import DataError
from swin_keras.names import composed


@dataclass(frozen=True)
class Labels:
    """Where the classes of an example are.

    Args:
        image: Key of the image.
        key: Key of the part that has the classes.
        class_names: Names of all classes.
        present: From that part of an example to the indices of its classes.
    """

    image: str
    key: str
    class_names: tuple[str, ...]
    present: Callable

    def vector(self, value) -> np.ndarray:
        """Return whether an image has each class, bool `(classes,)`."""
        vector = np.zeros(len(self.class_names), bool)
        vector[self.present(value)] = True
        return vector


def load_tfds_labels(
    name: str,
    *,
    data_dir=None,
    held_out: HeldOut | None = USUAL,
    grey_range=None,
    memory_limit: int | None = None,
) -> ImageDataset:
    """Read a set by name, preparing it first where that has not been done.

    Args:
        name: The set's. The classes of an image are those of a list of labels, such
            as those of `voc`; of its objects; or the attributes that it has, such as
            those of `celeb_a`.
        data_dir: Where prepared sets are. Defaults to that of TFDS.
        held_out: What is held out where a split is missing; `None` for nothing.
        grey_range: As for `load_dataset`.
        memory_limit: As for `load_tfds`.

    Raises:
        DataError: If there is no such set, or it cannot be had or used.
    """
    builder = find_builder(name, data_dir)
    labels = labels_of(builder)
    write_builder(builder)
    with damage_in_words(name, builder.data_path):
        in_memory = fits_memory(builder, memory_limit)
        keys = labels.image, labels.key
        splits = {
            title: _split(examples, labels, title, in_memory, grey_range)
            for title, examples in open_splits(builder, keys, held_out).items()
        }
    splits, notes = held_out.complete(splits) if held_out else (splits, ())
    return ImageDataset(
        name=name,
        class_names=labels.class_names,
        splits=splits,
        image_shape=tuple(builder.info.features[labels.image].shape),
        mirror_safe=builder.name not in CHARACTERS,
        notes=(f"The classes of an image are its {labels.key!r} in {name}.", *notes),
    )


def labels_of(builder) -> Labels:
    """Return where the classes of an example are.

    Raises:
        DataError: If it has no image, or no more than one class.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [
        k for k, kind in features.items() if isinstance(kind, tfds.features.Image)
    ]
    found = []
    for key, feature in features.items():
        for rank, read in enumerate((_of_list, _of_objects, _of_attributes)):
            if known := read(feature, builder.name):
                found.append((rank, key not in ("labels", "objects"), key, *known))
    if not images or not found:
        raise DataError(
            f"{builder.name} must have images with any number of classes: a list of "
            "labels, objects with a label, or attributes that are true or false. "
            f"Received: {', '.join(sorted(features))}."
        )
    _, _, key, class_names, present = min(found, key=lambda known: known[:3])
    image = "image" if "image" in images else images[0]
    return Labels(image, key, tuple(map(composed, class_names)), present)


def _of_list(feature, name):
    """Read a list of classes: `Sequence(ClassLabel)`."""
    import tensorflow_datasets as tfds

    inner = getattr(feature, "feature", None)
    if not isinstance(feature, tfds.features.Sequence) or not isinstance(
        inner, tfds.features.ClassLabel
    ):
        return None

    def present(value):
        classes = np.asarray(value, np.int64).reshape(-1)
        if len(set(classes.tolist())) < len(classes):  # an answer to each question
            raise DataError(
                f"The labels of an image in {name} must be different classes. "
                f"Received: {classes.tolist()[:20]}."
            )
        return classes[classes >= 0]

    return inner.names, present


def _of_objects(feature, name):
    """Read objects: `Sequence({"label": ClassLabel, ...})`."""
    import tensorflow_datasets as tfds

    inner = getattr(feature, "feature", None)
    if not isinstance(feature, tfds.features.Sequence) or not isinstance(
        inner, tfds.features.FeaturesDict
    ):
        return None
    label = dict(inner.items()).get("label")
    if not isinstance(label, tfds.features.ClassLabel):
        return None

    def present(value):
        classes = np.asarray(value["label"], np.int64).reshape(-1)
        return classes[classes >= 0]

    return label.names, present


def _of_attributes(feature, name):
    """Read attributes: `{"name": bool, ...}`."""
    import tensorflow_datasets as tfds

    if not isinstance(feature, tfds.features.FeaturesDict) or len(feature) < 2:
        return None
    kinds = dict(feature.items())
    if any(
        not isinstance(kind, tfds.features.Tensor | tfds.features.Scalar)
        or kind.np_dtype != np.bool_
        or kind.shape != ()
        for kind in kinds.values()
    ):
        return None
    names = sorted(kinds)

    def present(value):
        return np.flatnonzero([bool(value[attribute]) for attribute in names])

    return names, present


def _split(examples, labels: Labels, title, in_memory, grey_range) -> Split:
    """Return a split of encoded images and what classes they have."""
    vectors = np.array([labels.vector(value) for _, value in examples], bool)
    targets = MultiLabel(vectors.reshape(len(examples), -1))
    if not in_memory:
        places = np.arange(len(examples))
        return RecordSplit(places, targets, title, examples, grey_range=grey_range)
    images = PackedBytes(image for image, _ in examples)
    return EncodedSplit(images, targets, title, grey_range=grey_range)
