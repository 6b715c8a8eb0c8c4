"""Batches by index, in NumPy: step number and shard -> images and targets."""

import functools
import math
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from swin_keras.data.augmentation import Augmentation
from swin_keras.data.boxes.augmentation import whole_picture
from swin_keras.data.boxes.mosaic import PICTURES, draw_tiles, is_mosaic
from swin_keras.data.copy_paste import draw_donor, paste
from swin_keras.data.image_io import image_mode, prepare_image, useful_side
from swin_keras.data.mixing import Mixing
from swin_keras.data.splits import ArraySplit, Split
from swin_keras.errors import UsageError

MAX_RESIZED = 2**28  # bytes of resized images that are kept in memory
MIXING = 1  # tells the draws of a mixed pair from those of its first image


@dataclass(frozen=True)
class BatchLoader:
    """Step number -> images and targets: uint8 `(B, H, W, C)`, 0..255, and

    - int32 `(B,)` of a split whose images have one class each; float32
      `(B, classes)` where they have several, or are mixed;
    - uint8 `(B, H, W)` of masks, 255 where pixels do not count;
    - float32 `(B, M, 5)` of boxes; see `Boxes`.

    Training shuffles each epoch anew and drops the last short batch; evaluation
    keeps order and all images, in batches of nearly equal size. A batch is a pure
    function of `seed` and its step, so a run resumes at any step as if it had
    never stopped, and shards together hold what one pipeline would.

    Images with masks or boxes are evaluated whole, stretched to the target's size or
    with black at two sides.

    Args:
        split: Where the images come from.
        batch_size: Images of a step, over all shards.
        image_size: `(height, width)` in pixels.
        channels: 3 for RGB, 1 for grey.
        training: Whether to shuffle, augment, mix and drop the short batch.
        seed: Chooses the orders, the augmentation and the mixing.
        augmentation: Random changes to each image in training.
        crop_fraction: Centre crop of images that are not augmented.
        mixing: Mixes pairs of images in training.
        classes: Number of classes, for the labels of mixed images.
        micro_batches: Equal parts of a training batch, each of which is cut into
            shards: a shard holds its rows of part 0, then those of part 1, so that
            a part over all shards holds the same images for any number of them.
        shards: What to load of every batch: one element of a pipeline each, in
            this order, for the replicas of one machine.
        shard_count: Parts of every batch, over all machines.
        letter_box: Whether images with masks or boxes that are not augmented keep
            their width over height, and are not stretched.

    Raises:
        UsageError: If `batch_size` is larger than the training images, or does not
            divide into micro batches, shards and pairs; if there are fewer images
            than shards; or if masks or boxes are to be mixed.
    """

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
    letter_box: bool = False

    def __post_init__(self):
        image_mode(self.channels)
        object.__setattr__(self, "image_size", tuple(self.image_size))
        object.__setattr__(self, "shards", tuple(self.shards))
        if not self.shards or not set(self.shards) <= set(range(self.shard_count)):
            raise UsageError(
                "`shards` must name some of the shards, from 0 on. Received: "
                f"shards={self.shards}, shard_count={self.shard_count}."
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
        if self.mixing and self.split.targets.has_places:
            raise UsageError(
                "Mixing is for classes of whole images. Received: mixing and "
                f"{self.split.targets.kind}."
            )

    def __call__(self, step: int, shard: int = 0):
        """Load a shard of a step: images and targets."""
        epoch, indices = self.indices(step, shard)
        images, targets = self.samples(epoch, indices)
        if not self.is_mixed:
            return images, targets
        rngs = (
            np.random.default_rng([self.seed, epoch, int(first), MIXING])
            for first in indices[::2]
        )
        return self.mixing.apply(images, targets, self.classes, rngs)

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

    @functools.cached_property
    def _targets(self):
        """The split's targets, with room for those of several pictures in an input."""
        targets = self.split.targets
        is_joined = self.augments and getattr(self.augmentation, "mosaic", 0) > 0
        return targets.together(PICTURES) if is_joined else targets

    def samples(self, epoch: int, indices):
        """Return some images, uint8 `(B, H, W, C)`, and their targets."""
        targets = self._targets
        if self.is_ready():
            loaded = [targets.load(index) for index in indices]
            return self.split.items[indices], targets.stacked(loaded)
        images, placed = np.empty((len(indices), *self.image_shape), np.uint8), []
        for row, index in enumerate(indices):
            images[row], target = self.sample(epoch, int(index))
            placed.append(target)
        return images, targets.stacked(placed)

    def sample(self, epoch: int, index: int):
        """Return one image, uint8 `(H, W, C)`, and its target."""
        split, targets = self.split, self._targets
        target = targets.load(index)
        if not (self.augments or targets.has_places):  # as a model will be asked
            at_least = useful_side(self.image_size, self.crop_fraction)
            image = split.image(index, self.channels, at_least)
            return prepare_image(image, self.image_size, self.crop_fraction), target

        rng = np.random.default_rng([self.seed, epoch, index])
        if self.augments and is_mosaic(self.augmentation, rng):
            return self._mosaic(index, rng)
        pixels, geometry = self._view(index, target, self.image_size, rng)
        placed = targets.placed(target, geometry)
        if not self.augments:
            return pixels, placed
        donor = draw_donor(self.augmentation, len(split), rng)
        if donor is not None:
            pixels, placed = self._pasted(pixels, placed, donor, rng)
        pixels = geometry.blackened(self.augmentation.finish(pixels, rng))
        return pixels, placed

    def _pasted(self, pixels, mask, donor, rng):
        """Return an image and its mask with the objects of another picture."""
        target = self.split.targets.load(donor)
        front, geometry = self._view(donor, target, self.image_size, rng)
        front_mask = self.split.targets.placed(target, geometry)
        return paste(pixels, mask, front, front_mask, self.augmentation.background)

    def _mosaic(self, index, rng):
        """Return an image of four, and its target."""
        pixels, views = np.empty(self.image_shape, np.uint8), []
        tiles = draw_tiles(index, len(self.split), self.image_size, rng)
        for tile in tiles:
            target = self.split.targets.load(tile.index)
            part, geometry = self._view(tile.index, target, tile.size, rng)
            tile.within(pixels)[:] = part
            views.append((target, geometry, tile.place))
        pixels = self.augmentation.finish(pixels, rng)
        for tile, (_, geometry, _) in zip(tiles, views, strict=True):
            tile.within(pixels)[:] = geometry.blackened(tile.within(pixels))
        return pixels, self._targets.placed_together(views)

    def _view(self, index, target, image_size, rng):
        """Return what is seen of a picture, uint8 `(H, W, C)`, and its geometry."""
        geometry = None

        def choose(size):  # once it is known how large the picture is
            nonlocal geometry
            geometry = self._geometry(size, image_size, rng, target)
            return geometry.useful_side

        image = self.split.image(index, self.channels, choose)
        if geometry is None:  # the picture was decoded already
            choose(image.size)
        return geometry.image(image), geometry

    def _geometry(self, size, image_size, rng, target):
        if not self.augments:
            return whole_picture(size, image_size, letter_box=self.letter_box)
        preview = functools.partial(self.split.targets.preview, target)
        part = {} if image_size == self.image_size else {"part_of": self.image_size}
        return self.augmentation.draw(size, image_size, rng, preview, **part)

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
    def target_shape(self) -> tuple[int, ...]:
        """The shape of one target of a batch."""
        if self.is_mixed:
            return (self.classes,)
        return self._targets.shape(self.image_size)

    @property
    def target_dtype(self):
        """The type of a batch's targets."""
        return np.float32 if self.is_mixed else self.split.targets.dtype

    @property
    def rows(self) -> int | None:
        """Images of each element; `None` where that differs."""
        return self.batch_size // self.shard_count if self.training else None

    @property
    def augments(self) -> bool:
        return self.training and self.augmentation is not None

    @property
    def is_mixed(self) -> bool:
        return self.training and self.mixing is not None

    def is_ready(self) -> bool:
        """Return whether the images in memory are what the model wants."""
        return (
            self._may_be_resized()
            and self.crop_fraction == 1
            and self.split.items.shape[1:] == self.image_shape
        )

    def resized(self) -> "BatchLoader":
        """Resize a small set in memory once, not again in every epoch."""
        if (
            not self._may_be_resized()
            or len(self.split) * math.prod(self.image_shape) > MAX_RESIZED
        ):
            return self
        split = self.split.resized(self.image_size, self.channels, self.crop_fraction)
        return replace(self, split=split, crop_fraction=1.0)

    def _may_be_resized(self):
        return (
            isinstance(self.split, ArraySplit)
            and not self.augments
            and not self.split.targets.has_places
        )


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
