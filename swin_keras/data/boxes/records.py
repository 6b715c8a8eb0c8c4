"""What every format of boxes becomes: pictures with their objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from swin_keras.data.findings import Finding
from swin_keras.errors import DataError


@dataclass(frozen=True, eq=False)
class RawBoxes:
    """What a file says of one picture, before anything is checked.

    Args:
        path: The picture, below the folder, with "/".
        boxes: `x1, y1, x2, y2` from edge to edge, float64 `(N, 4)`.
        classes: Index into the class names, `(N,)`; -1 for an id of no class.
        size: `(width, height)` that the file states; `None` where it states none.
        relative: Whether boxes are shares of the picture's sides, not pixels.
        crowd: Which boxes hold a crowd, `(N,)`; `None` for none.
        difficult: Which objects are marked as difficult, `(N,)`; `None` for none.
        areas: Area of each object's outline in pixels, `(N,)`; `None` for that of
            its box.
        image_id: What the file calls the picture, where it numbers them.
        class_ids: What the file calls the class of each box, where it numbers
            classes otherwise.
    """

    path: str
    boxes: np.ndarray
    classes: np.ndarray
    size: tuple[float, float] | None = None
    relative: bool = False
    crowd: np.ndarray | None = None
    difficult: np.ndarray | None = None
    areas: np.ndarray | None = None
    image_id: int | str | None = None
    class_ids: Sequence | None = None


@dataclass(frozen=True, eq=False)
class BoxRecord:
    """One picture and its objects, all of which lie in it.

    Args:
        path: The picture, below the set's folder, with "/"; in a set of TensorFlow
            Datasets its split and place: "train/17".
        width: Of the upright picture, in pixels.
        height: Likewise.
        boxes: `x1, y1, x2, y2` in pixels of the upright picture, from edge to edge:
            one over the whole picture is `0, 0, width, height`. float32 `(N, 4)`.
        classes: Index into the class names, int32 `(N,)`.
        crowd: Boxes around several objects, which count neither as found nor as
            missed, bool `(N,)`.
        difficult: Objects that Pascal VOC's makers could hardly tell, bool `(N,)`.
        areas: Area of each object in pixels, by which COCO calls it small, medium
            or large: that of its outline where one is known. float32 `(N,)`.
        image_id: What the file calls the picture, where it numbers them.
    """

    path: str
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray
    difficult: np.ndarray
    areas: np.ndarray
    image_id: int | str | None = None

    @property
    def count(self) -> int:
        """Number of objects; no length, by which a picture of none would be false."""
        return len(self.boxes)

    @property
    def ignored(self) -> np.ndarray:
        """Which objects neither train a model nor count against it, bool `(N,)`."""
        return self.crowd | self.difficult

    def keep(self, chosen) -> "BoxRecord":
        """Return the record with the chosen objects alone, by mask or by places."""
        names = ("boxes", "classes", "crowd", "difficult", "areas")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


@dataclass(frozen=True, eq=False)
class BoxSet:
    """Pictures with boxes, in their splits.

    Args:
        root: The folder; `None` for a set of TensorFlow Datasets.
        name: That of the folder or of the set.
        format: What it was read as, for people: "COCO json".
        class_names: Names in the order of the classes.
        splits: "train", "val" and "test", or "all" for a folder without splits.
        category_ids: What the files call each class, in the same order.
        findings: What is wrong, bent right or left out.
        notes: What was decided on the way, to be shown to the user.
        images: Path -> the bytes of a picture, where they are not files.
        voc_from_zero: Whether pixels of Pascal VOC were counted from 0; `None` for
            another format.
    """

    root: Path | None
    name: str
    format: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Sequence[BoxRecord]]
    category_ids: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    images: Mapping[str, bytes] | None = field(default=None, repr=False)
    voc_from_zero: bool | None = None

    def source(self, record: BoxRecord):
        """Return the path or the bytes of the file that holds a picture."""
        return str(self.root / record.path) if self.root else self.images[record.path]

    @property
    def records(self) -> list[BoxRecord]:
        """All records, split by split."""
        return [record for split in self.splits.values() for record in split]

    def counts(self, title: str) -> np.ndarray:
        """Return how many objects each class has in a split, int64 `(classes,)`.

        Ignored ones do not count.
        """
        classes = [r.classes[~r.ignored] for r in self.splits[title]]
        together = np.concatenate(classes) if classes else np.zeros(0, np.int32)
        return np.bincount(together, minlength=len(self.class_names))


@dataclass(frozen=True, eq=False)
class Annotations:
    """What a reader of one format found, before the pictures are looked at.

    Args:
        format: What it is, for people: "COCO json".
        class_names: Names in the order of the classes.
        splits: Title -> pictures; "all" without splits.
        category_ids: What the files call each class.
        findings: What is wrong in the files.
        notes: What was decided on the way.
        voc_from_zero: Whether pixels of Pascal VOC were counted from 0; `None` for
            another format.
    """

    format: str
    class_names: tuple[str, ...]
    splits: Mapping[str, Sequence[RawBoxes]]
    category_ids: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    voc_from_zero: bool | None = None


def no_boxes() -> np.ndarray:
    """Return boxes of a picture without objects, float64 `(0, 4)`."""
    return np.zeros((0, 4), np.float64)


def unusable(what, why: str) -> DataError:
    """Return the error of a file of annotations that cannot be used."""
    return DataError(f"{what} cannot be used: {why}.")
