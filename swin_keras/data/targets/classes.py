"""Targets of whole pictures: one class each, or any number of classes."""

from dataclasses import dataclass

import numpy as np

from swin_keras.data.targets.target import Targets

NO_LABEL = -1  # in the place of a class, of an image of which nobody said it


@dataclass(frozen=True, eq=False)
class Classes(Targets):
    """One class an image. A batch is int32 `(B,)`.

    Args:
        ids: Class index of each image, int64 `(N,)`, or `NO_LABEL`.
    """

    ids: np.ndarray

    kind = "classes"
    dtype = np.int32

    def __len__(self):
        return len(self.ids)

    def load(self, index):
        return self.ids[index]

    def subset(self, indices):
        return type(self)(self.ids[indices])

    def joined(self, others):
        return type(self)(np.concatenate([part.ids for part in (self, *others)]))

    def shape(self, image_size):
        return ()

    @property
    def strata(self):
        return self.ids

    def contents(self):
        yield np.asarray(self.ids, "<i8").data


@dataclass(frozen=True, eq=False)
class MultiLabel(Targets):
    """Any number of classes an image. A batch is float32 `(B, classes)` of 0 and 1.

    Args:
        vectors: Whether each image has each class, bool `(N, classes)`.
    """

    vectors: np.ndarray

    kind = "multi_label"
    dtype = np.float32

    def __len__(self):
        return len(self.vectors)

    def load(self, index):
        return self.vectors[index]

    def subset(self, indices):
        return type(self)(self.vectors[indices])

    def joined(self, others):
        return type(self)(np.concatenate([part.vectors for part in (self, *others)]))

    def shape(self, image_size):
        return self.vectors.shape[1:]

    @property
    def is_blank(self):
        return len(self) > 0 and not self.vectors.any()

    @property
    def strata(self):
        return rarest(self.vectors)

    def contents(self):
        yield np.packbits(self.vectors, axis=1).data


def rarest(vectors: np.ndarray) -> np.ndarray:
    """Return each image's rarest class, and the number of classes where it has none.

    `(N, classes)` of bool to `(N,)`.
    """
    counts = np.where(vectors, vectors.sum(0), len(vectors) + 1)
    return np.where(vectors.any(1), counts.argmin(1), vectors.shape[1])
