"""What every kind of target can do: be read, follow its picture, make a batch."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from swin_keras.data.packed import PackedBytes


class Targets(ABC):
    """The targets of a split's images, by index.

    Attributes:
        kind: A word for the kind: "classes", "multi_label", "masks" or "boxes".
        has_places: Whether a target has places in its picture, so that it must
            follow the picture's geometry, and the whole picture is evaluated.
        dtype: That of a batch.
        is_blank: Whether there is nothing in them to judge a model by.
    """

    kind: str
    has_places = False
    dtype: type
    is_blank = False

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def load(self, index: int):
        """Return one target as it is stored, in the picture's own pixels."""

    @abstractmethod
    def subset(self, indices) -> "Targets":
        """Return the targets at `indices`, in that order."""

    @abstractmethod
    def joined(self, others: Sequence["Targets"]) -> "Targets":
        """Return these targets and, after them, others of their kind."""

    @abstractmethod
    def shape(self, image_size) -> tuple[int, ...]:
        """Return the shape of one target of a batch."""

    @property
    @abstractmethod
    def strata(self) -> np.ndarray:
        """The class by which each image is held out, `(N,)`."""

    @abstractmethod
    def contents(self) -> Iterator[bytes]:
        """Yield what distinguishes these targets from others, cheap to compute."""

    def placed(self, target, geometry):
        """Return a loaded target as it belongs to the input that `geometry` makes."""
        return target

    def preview(self, target, geometry):
        """Return what an augmentation asks to know of a geometry before it takes it."""
        return None

    def stacked(self, placed: Sequence) -> np.ndarray:
        """Return placed targets as a batch."""
        return np.stack(placed).astype(self.dtype)


class Reader(ABC):
    """Makes a target of an item; its kinds say how. Must be fit for `pickle`."""

    @abstractmethod
    def __call__(self, item):
        """Return the target of an item."""

    def contents(self, item) -> bytes:
        """Return what distinguishes an item from others, cheap to compute."""
        return repr(item).encode()

    def has_labels(self, item) -> bool:
        """Return whether a model can be judged by the target of an item."""
        return True


@dataclass(frozen=True)
class JoinedReader(Reader):
    """Reads several targets as one: each item is a part's number and a place in it."""

    parts: "tuple[ReadTargets, ...]"

    def __call__(self, item):
        number, place = item
        return self.parts[number].load(place)

    def contents(self, item):
        number, place = item
        part = self.parts[number]
        return part.read.contents(part.items[place])

    def has_labels(self, item):
        number, place = item
        part = self.parts[number]
        return part.read.has_labels(part.items[place])


@dataclass(frozen=True, eq=False)
class ReadTargets(Targets):
    """Targets with places, each made of an item when it is asked for.

    Args:
        items: One entry an image.
        read: Makes a target of an item.
    """

    items: Sequence
    read: Callable

    has_places = True

    def __len__(self):
        return len(self.items)

    def load(self, index):
        return self.read(self.items[index])

    def subset(self, indices):
        if isinstance(self.items, np.ndarray | PackedBytes):
            return replace(self, items=self.items[indices])
        return replace(self, items=[self.items[index] for index in indices])

    def joined(self, others):
        parts = (self, *others)
        items = [(n, i) for n, part in enumerate(parts) for i in range(len(part))]
        return replace(self, items=items, read=JoinedReader(parts))

    def contents(self):
        yield from map(self.read.contents, self.items)


def as_targets(targets) -> Targets:
    """Return targets; an array of class indices stands for `Classes`."""
    from swin_keras.data.targets.classes import Classes

    return targets if isinstance(targets, Targets) else Classes(np.asarray(targets))
