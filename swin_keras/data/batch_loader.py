"""Batches by index, in NumPy: step number and shard -> images and labels."""

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from swin_keras.data.augmentation import Augmentation
from swin_keras.data.dataset import ArraySplit, Split
from swin_keras.data.image_io import enough, prepare_image
from swin_keras.data.mixing import Mixing
from swin_keras.errors import UsageError

MOST_RESIZED = 2**28  # bytes of resized images that are kept in memory
MIXING = 1  # tells the draws of a mixed pair from those of its first image


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
    mixing: Mixing | None = None
    classes: int | None = None
    micro_batches: int = 1
    shards: tuple[int, ...] = (0,)
    shard_count: int = 1

    def __post_init__(self):
        if not self.shards or not set(self.shards) <= set(range(self.shard_count)):
            raise UsageError(
                "`shards` must name some of the shards, from 0 on. Received: "
                f"shards={tuple(self.shards)}, shard_count={self.shard_count}."
            )
        _ = self.steps  # refuses a batch that the split cannot fill
        if self.training:
            self._check_training()

    def _check_training(self):
        divisor = self.micro_batches * self.shard_count * (2 if self.mixing else 1)
        if self.micro_batches < 1 or self.batch_size % divisor:
            pairs = " into pairs, which are mixed," if self.mixing else ""
            raise UsageError(
                f"`batch_size` must divide{pairs} among micro batches and shards: be "
                f"a multiple of {max(divisor, 1)}. Received: "
                f"batch_size={self.batch_size}, micro_batches={self.micro_batches}, "
                f"shard_count={self.shard_count}."
            )
        if self.mixing and not self.classes:
            raise UsageError(
                f"Mixing needs the number of classes. Received: classes={self.classes}."
            )

    def __call__(self, step: int, shard: int = 0):
        """Load a shard of a step: uint8 `(B, H, W, C)` and its labels.

        Labels are int32 `(B,)`, or float32 `(B, classes)` where images are mixed.
        """
        epoch, indices = self.indices(step, shard)
        images = self.images(epoch, indices)
        labels = self.split.labels[indices].astype(np.int32)
        if not self.is_mixed:
            return images, labels
        rngs = (
            np.random.default_rng([self.seed, epoch, int(first), MIXING])
            for first in indices[::2]
        )
        return self.mixing.apply(images, labels, self.classes, rngs)

    def names(self, step: int) -> list[str]:
        """Return what the images of a step are called: a path, or "train/17"."""
        return [
            self.split.name(int(index))
            for shard in self.shards
            for index in self.indices(step, shard)[1]
        ]

    def indices(self, step: int, shard: int = 0) -> tuple[int, np.ndarray]:
        """Return the epoch of a step and the indices of a shard's images."""
        epoch, batch = divmod(step, self.steps)
        if not self.training:
            whole = _part(np.arange(len(self.split)), batch, self.steps)
            return epoch, _part(whole, shard, self.shard_count)
        order = epoch_order(self.seed, epoch, len(self.split))
        whole = order[batch * self.batch_size : (batch + 1) * self.batch_size]
        by_shard = whole.reshape(self.micro_batches, self.shard_count, -1)
        return epoch, by_shard[:, shard].ravel()

    def images(self, epoch: int, indices) -> np.ndarray:
        """Return some images: uint8 `(B, H, W, C)`."""
        if self.is_ready():
            return self.split.items[indices]
        images = np.empty((len(indices), *self.image_shape), np.uint8)
        for row, index in enumerate(indices):
            images[row] = self.image(epoch, int(index))
        return images

    def image(self, epoch: int, index: int) -> np.ndarray:
        """Return one image: uint8 `(H, W, C)`."""
        if self.augmentation is None:
            at_least = enough(self.image_size, self.crop_fraction)
            image = self.split.image(index, self.channels, at_least)
            return prepare_image(image, self.image_size, self.crop_fraction)

        def rng():  # twice the same: for what to decode, and what to do with it
            return np.random.default_rng([self.seed, epoch, index])

        def at_least(size):
            return self.augmentation.enough(size, self.image_size, rng())

        image = self.split.image(index, self.channels, at_least)
        return self.augmentation.apply(image, self.image_size, rng())

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return steps_per_epoch(
            self.split, self.batch_size, self.training, self.shard_count
        )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return (*self.image_size, self.channels)

    @property
    def is_mixed(self) -> bool:
        return self.training and self.mixing is not None

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


def steps_per_epoch(
    split: Split, batch_size: int, training: bool = False, shard_count: int = 1
) -> int:
    """Return the batches in one pass over a split.

    Raises:
        UsageError: If there are fewer training images than `batch_size`, or fewer
            images than shards.
    """
    if training:
        if not 0 < batch_size <= len(split):
            raise UsageError(
                f"`batch_size` must be between 1 and the {len(split)} training images. "
                f"Received: batch_size={batch_size}."
            )
        return len(split) // batch_size
    if not 0 < shard_count <= len(split):
        raise UsageError(
            f"There must be an image for each of the {shard_count} shards. "
            f"Received: {len(split)} images."
        )
    return min(math.ceil(len(split) / batch_size), len(split) // shard_count)


@lru_cache(maxsize=4)
def epoch_order(seed: int, epoch: int, size: int) -> np.ndarray:
    """Return the order of an epoch: a permutation of `range(size)`."""
    order = np.random.default_rng([seed, epoch]).permutation(size)
    order.flags.writeable = False
    return order


def _part(values, part: int, parts: int):
    """Return one of `parts` neighbouring parts of nearly equal size."""
    start, stop = (len(values) * end // parts for end in (part, part + 1))
    return values[start:stop]
