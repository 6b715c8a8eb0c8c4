"""What every source becomes: named splits of labelled images, by index."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from swin_keras.data.image_io import decode_image, image_mode, prepare_image


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images with random access. Its kinds say what an item is.

    Args:
        items: One entry an image.
        labels: Class index of each image, int64 `(N,)`.
        title: Name of the split, for the names of its images.
    """

    items: Sequence
    labels: np.ndarray
    title: str

    def __len__(self) -> int:
        return len(self.labels)

    def name(self, index: int) -> str:
        """Return what messages and predictions call an image: "test/17"."""
        return f"{self.title}/{index}"

    def image(self, index: int, channels: int, at_least=None) -> Image.Image:
        """Return one image as `decode_image` does."""
        return decode_image(self.source(index), channels, self.name(index), at_least)

    def source(self, index: int):
        """Return the path or the bytes of the file that holds an image."""
        return self.items[index]

    def subset(self, indices, title: str) -> "Split":
        """Return the images at `indices`, in that order, as a split of its own."""
        if isinstance(self.items, np.ndarray):
            items = self.items[indices]
        else:
            items = [self.items[index] for index in indices]
        return dataclasses.replace(
            self, items=items, labels=self.labels[indices], title=title
        )

    def contents(self) -> Iterator[bytes]:
        """Yield what tells these images from others, cheap to compute."""
        raise NotImplementedError


class ArraySplit(Split):
    """Decoded images in memory: `items` is uint8 `(N, H, W, C)`."""

    def image(self, index, channels, at_least=None):
        pixels = self.items[index]
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
        return image.convert(image_mode(channels))

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

    def contents(self):
        yield np.array([len(item) for item in self.items]).data


@dataclass(frozen=True, eq=False)
class FileSplit(Split):
    """Image files on disk: each item is a path below `root`."""

    root: Path

    def name(self, index):
        return str(self.root / self.items[index])

    def source(self, index):
        return self.name(index)

    def contents(self):
        for item in self.items:
            yield f"{item} {(self.root / item).stat().st_size}\n".encode()


@dataclass(frozen=True, eq=False)
class RecordSplit(Split):
    """Examples that stay on disk: each item is a place in `examples`."""

    examples: Sequence[tuple[bytes, int]]

    def source(self, index):
        encoded, _ = self.examples[int(self.items[index])]
        return encoded

    def contents(self):
        yield np.ascontiguousarray(self.items).data


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images in classes, split for training, choosing and judging a model.

    Args:
        name: A folder's name or a data set's.
        class_names: Names in the order of the labels.
        splits: "train", "val" and "test".
        image_shape: `(height, width, channels)`; `None` where images differ.
        mirror_safe: Whether a mirrored image still belongs to its class.
        notes: What was decided on the way, to be shown to the user.
        skipped: `(path, reason)` of every file that was left out.
    """

    name: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Split]
    image_shape: tuple[int | None, int | None, int] = (None, None, 3)
    mirror_safe: bool = True
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def classes(self) -> int:
        return len(self.class_names)

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that change when the data does.

        Arrays count with their bytes, files with their paths and sizes.
        """
        digest = hashlib.sha256(repr(self.class_names).encode())
        for title in sorted(self.splits):
            split = self.splits[title]
            digest.update(f"{title} {len(split)}\n".encode())
            digest.update(np.asarray(split.labels, "<i8").data)
            for part in split.contents():
                digest.update(part)
        return digest.hexdigest()[:16]
