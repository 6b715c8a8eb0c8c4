"""Batches by index: what a step holds depends on its number and nothing else."""

import math
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from swin_keras.data.augmentation import Augmentation
from swin_keras.data.dataset import ArraySplit, Split
from swin_keras.data.image_io import enough, image_mode, prepare_image
from swin_keras.errors import DataError, UsageError

MOST_RESIZED = 2**28  # bytes of resized images that are kept in memory


def batches(
    split: Split,
    batch_size: int,
    image_size,
    channels: int,
    *,
    training: bool = False,
    seed: int = 0,
    epochs: int = 1,
    start_step: int = 0,
    augmentation: Augmentation | None = None,
    crop_fraction: float = 1.0,
    shard: tuple[int, int] = (0, 1),
):
    """Return a `tf.data.Dataset` of uint8 images and int32 labels.

    `(B, H, W, C)`, 0..255, and `(B,)`.

    Training shuffles each epoch anew and drops the last short batch;
    evaluation keeps order and all images. A batch is a pure function of
    `seed` and its step, so a run goes on at `start_step` as if it had never
    stopped, and shards together hold what one pipeline would.

    Args:
        split: Where the images come from.
        batch_size: Images of a step, over all shards.
        image_size: `(height, width)` in pixels.
        channels: 3 for RGB, 1 for grey.
        training: Whether to shuffle, augment and drop the short batch.
        seed: Chooses the orders and the augmentation.
        epochs: Passes over the split.
        start_step: First step, counted from the first epoch.
        augmentation: Random changes to each image in training.
        crop_fraction: Centre crop of images that are not augmented.
        shard: `(index, count)`: load only this part of every batch.

    Raises:
        UsageError: If there are fewer training images than `batch_size`.
        tf.errors.OpError: While iterating, if an image cannot be read; see
            `data_errors`.
    """
    import tensorflow as tf

    image_mode(channels)
    loader = BatchLoader(
        split=split,
        batch_size=batch_size,
        image_size=tuple(image_size),
        channels=channels,
        training=training,
        seed=seed,
        augmentation=augmentation if training else None,
        crop_fraction=crop_fraction,
        shard=shard,
    ).resized()
    steps = epochs * steps_per_epoch(split, batch_size, training)
    rows = batch_size // shard[1] if training and batch_size % shard[1] == 0 else None

    def load(step):
        images, labels = tf.numpy_function(loader, [step], (tf.uint8, tf.int32))
        images.set_shape((rows, *loader.image_size, channels))
        labels.set_shape((rows,))
        return images, labels

    options = tf.data.Options()
    options.deterministic = True
    return (
        tf.data.Dataset.range(start_step, steps)
        .map(load, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


@dataclass(frozen=True)
class BatchLoader:
    """Step number -> images and labels. The arguments are those of `batches`."""

    split: Split
    batch_size: int
    image_size: tuple[int, int]
    channels: int
    training: bool = False
    seed: int = 0
    augmentation: Augmentation | None = None
    crop_fraction: float = 1.0
    shard: tuple[int, int] = (0, 1)

    def __call__(self, step):
        """Load a step: uint8 `(B, H, W, C)` and int32 `(B,)`."""
        epoch, indices = self.indices(int(step))
        labels = self.split.labels[indices].astype(np.int32)
        if self.is_ready():
            return self.split.items[indices], labels
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        for row, index in enumerate(indices):
            images[row] = self.image(epoch, int(index))
        return images, labels

    def indices(self, step: int) -> tuple[int, np.ndarray]:
        """Return the epoch of a step and the indices of its images."""
        epoch, batch = divmod(
            step, steps_per_epoch(self.split, self.batch_size, self.training)
        )
        size = len(self.split)
        order = (
            epoch_order(self.seed, epoch, size) if self.training else np.arange(size)
        )
        indices = order[batch * self.batch_size : (batch + 1) * self.batch_size]
        shard, shards = self.shard
        start, stop = (len(indices) * part // shards for part in (shard, shard + 1))
        return epoch, indices[start:stop]

    def image(self, epoch: int, index: int) -> np.ndarray:
        """Return one image: uint8 `(H, W, C)`."""
        if self.augmentation is None:
            at_least = enough(self.image_size, self.crop_fraction)
            image = self.split.image(index, self.channels, at_least)
            return prepare_image(image, self.image_size, self.crop_fraction)
        at_least = self.augmentation.enough(self.image_size)
        image = self.split.image(index, self.channels, at_least)
        rng = np.random.default_rng([self.seed, epoch, index])
        return self.augmentation.apply(image, self.image_size, rng)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return (*self.image_size, self.channels)

    def is_ready(self) -> bool:
        """Tell whether the images in memory are what the model wants."""
        return (
            isinstance(self.split, ArraySplit)
            and self.augmentation is None
            and self.crop_fraction == 1
            and self.split.items.shape[1:] == self.image_shape
        )

    def resized(self) -> "BatchLoader":
        """Resize a small set in memory once, not again in every epoch."""
        if (
            not isinstance(self.split, ArraySplit)
            or self.augmentation is not None
            or len(self.split) * math.prod(self.image_shape) > MOST_RESIZED
        ):
            return self
        split = self.split.resized(self.image_size, self.channels, self.crop_fraction)
        return replace(self, split=split, crop_fraction=1.0)


def steps_per_epoch(split: Split, batch_size: int, training: bool = False) -> int:
    """Return the batches in one pass over a split.

    Raises:
        UsageError: If there are fewer training images than `batch_size`.
    """
    if not training:
        return math.ceil(len(split) / batch_size)
    if not 0 < batch_size <= len(split):
        raise UsageError(
            f"`batch_size` must be between 1 and the {len(split)} training images. "
            f"Received: batch_size={batch_size}."
        )
    return len(split) // batch_size


@lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, size: int) -> np.ndarray:
    """Return the order of an epoch: a permutation of `range(size)`."""
    order = np.random.default_rng([seed, epoch]).permutation(size)
    order.flags.writeable = False
    return order


@contextmanager
def data_errors():
    """Turn what TensorFlow makes of a `DataError` in `batches` back into one.

    ```python
    with data_errors():
        model.fit(batches(...))
    ```
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        found = re.search(r"ImageError: (.*)", error.message)
        if found is None:
            raise
        raise DataError(found[1]) from error
