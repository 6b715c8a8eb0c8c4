"""Images and targets of a split, by index: in memory, in files, in records, joined."""

import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from swin_keras.data.image_file import ImageError, open_image
from swin_keras.data.image_io import (
    decode_image,
    image_mode,
    prepare_image,
    upright_size,
)
from swin_keras.data.packed import PackedBytes, PackedPaths
from swin_keras.data.targets import Classes, Targets, as_targets
from swin_keras.errors import DataError
from swin_keras.names import printable


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their targets with random access. Its kinds say what an item is.

    Args:
        items: One entry an image.
        targets: What belongs to each image; an int64 array `(N,)` of class indices
            becomes `Classes`.
        title: Name of the split, for the names of its images.
        grey_range: Values of black and of white in grey images of more than 8
            bits; see `to_eight_bits`.
    """

    items: Sequence
    targets: Targets
    title: str
    grey_range: tuple[float, float] | None = field(default=None, kw_only=True)

    def __post_init__(self):
        object.__setattr__(self, "targets", as_targets(self.targets))

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def labels(self) -> np.ndarray:
        """Class index of each image, int64 `(N,)`.

        Raises:
            DataError: If they do not have one class each.
        """
        if not isinstance(self.targets, Classes):
            raise DataError(
                f"The images of {self.title} must have one class each. "
                f"Received: {self.targets.kind}."
            )
        return self.targets.ids

    def name(self, index: int) -> str:
        """Return what messages and predictions call an image: "test/17"."""
        return f"{self.title}/{index}"

    def image(self, index: int, channels: int, at_least=None) -> Image.Image:
        """Return one image as `decode_image` does."""
        return decode_image(
            self.source(index), channels, self.name(index), at_least, self.grey_range
        )

    def size(self, index: int) -> tuple[int, int]:
        """Return width and height of an upright image, without decoding it."""
        with open_image(self.source(index), self.name(index)) as image:
            return upright_size(image)

    def source(self, index: int):
        """Return the path or the bytes of the file that holds an image."""
        return self.items[index]

    def subset(self, indices, title: str) -> "Split":
        """Return the images at `indices`, in that order, as a split of its own."""
        if isinstance(self.items, np.ndarray | PackedBytes):
            items = self.items[indices]
        else:
            items = [self.items[index] for index in indices]
        return dataclasses.replace(
            self, items=items, targets=self.targets.subset(indices), title=title
        )

    def contents(self) -> Iterator[bytes]:
        """Yield what distinguishes these images from others, cheap to compute."""
        raise NotImplementedError


class ArraySplit(Split):
    """Decoded images in memory: `items` is uint8 `(N, H, W, C)`."""

    def image(self, index, channels, at_least=None):
        pixels = self.items[index]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return image.convert(image_mode(channels))

    def size(self, index):
        height, width = self.items[index].shape[:2]
        return width, height

    def contents(self):
        yield np.ascontiguousarray(self.items).data

    def resized(self, image_size, channels: int, crop_fraction: float = 1.0):
        """Return the split with all images as a model wants them."""
        shape = (*image_size, channels)
        if self.items.shape[1:] == shape and crop_fraction == 1:
            return self
        items = np.empty((len(self), *shape), np.uint8)
        for index in range(len(self)):
            image = self.image(index, channels)
            items[index] = prepare_image(image, image_size, crop_fraction)
        return dataclasses.replace(self, items=items)


class EncodedSplit(Split):
    """Image files held in memory: each item is the bytes of one."""

    def __post_init__(self):
        super().__post_init__()
        if not isinstance(self.items, PackedBytes):
            object.__setattr__(self, "items", PackedBytes(self.items))

    def contents(self):
        yield self.items.sizes.data


@dataclass(frozen=True, eq=False)
class FileSplit(Split):
    """Image files on disk: each item is a path below `root`.

    Args:
        lost: Path -> bytes that it had when a run began, of files that the run
            could not read. They count as they were, whatever became of them.
        gone: Those of `lost` that cannot be used: another image of the class stands
            in the place of each, so that all others keep theirs.
    """

    root: Path
    lost: Mapping[str, int] = field(default_factory=dict, kw_only=True)
    gone: frozenset[str] = field(default=frozenset(), kw_only=True)

    def name(self, index):
        return printable(self.source(index))

    def source(self, index):
        item = self.items[index]
        return str(self.root / (self._stand_in(index) if item in self.gone else item))

    def _stand_in(self, index):
        """Return the next image of the same class, from the first after the last."""
        (places,) = np.nonzero(self.labels == self.labels[index])
        start = int(np.searchsorted(places, index))
        for place in np.roll(places, -start):
            if self.items[place] not in self.gone:
                return self.items[place]
        raise ImageError(
            self.root / self.items[index],
            f"gone, and no other image of its class is in {self.title} to stand for it",
        )

    @functools.cached_property
    def sizes(self) -> np.ndarray:
        """Bytes of each file when the run began, or when this is first asked."""
        return np.array(
            [
                self.lost[item]
                if item in self.lost
                else (self.root / item).stat().st_size
                for item in self.items
            ],
            np.int64,
        )

    def __getstate__(self):
        return self.__dict__ | {"items": PackedPaths(self.items)}

    def contents(self):
        for item, size in zip(self.items, self.sizes, strict=True):
            yield os.fsencode(f"{item} {size}\n")


@dataclass(frozen=True, eq=False)
class RecordSplit(Split):
    """Examples that stay on disk: each item is a place in `examples`."""

    examples: Sequence[tuple]  # (encoded image, target)

    def source(self, index):
        try:
            encoded, _ = self.examples[int(self.items[index])]
        except Exception as error:  # whatever a library makes of a damaged record
            reason = f"damaged record ({type(error).__name__}: {error})"
            raise ImageError(self.name(index), reason) from error
        return encoded

    def contents(self):
        yield np.ascontiguousarray(self.items).data


@dataclass(frozen=True, eq=False)
class JoinedSplit(Split):
    """Several splits as one: each item is a split's number and an index in it.

    The images keep the names that they have in their splits.
    """

    parts: tuple[Split, ...]

    @classmethod
    def of(cls, parts: Sequence[Split], title: str) -> "JoinedSplit":
        """Join splits, one after the other."""
        items = [(n, i) for n, part in enumerate(parts) for i in range(len(part))]
        first, *others = (part.targets for part in parts)
        return cls(items, first.joined(others), title, tuple(parts))

    def name(self, index):
        part, place = self.items[index]
        return self.parts[part].name(place)

    def image(self, index, channels, at_least=None):
        part, place = self.items[index]
        return self.parts[part].image(place, channels, at_least)

    def size(self, index):
        part, place = self.items[index]
        return self.parts[part].size(place)

    def source(self, index):
        part, place = self.items[index]
        return self.parts[part].source(place)

    def __getstate__(self):
        return self.__dict__ | {"items": np.array(self.items, np.int64)}

    def contents(self):
        yield repr([(int(part), int(place)) for part, place in self.items]).encode()
        for part in self.parts:
            yield from part.contents()
