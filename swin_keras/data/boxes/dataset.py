"""Pictures with boxes as a data set whose batches a detector is trained on."""

from collections.abc import Mapping
from dataclasses import dataclass

from swin_keras.data.boxes.records import BoxSet
from swin_keras.data.dataset import ImageDataset
from swin_keras.data.splits import FileSplit, Split
from swin_keras.data.targets import Boxes, ImageBoxes


@dataclass(frozen=True, eq=False)
class NamedSplit(Split):
    """Image files that are not files of a folder: each item is a name in `images`."""

    images: Mapping[str, bytes]

    def name(self, index):
        return self.items[index]

    def source(self, index):
        return self.images[self.items[index]]

    def contents(self):
        yield from (item.encode() for item in self.items)


def as_dataset(boxes: BoxSet, *, capacity: int | None = None, grey_range=None):
    """Return the pictures and boxes as an `ImageDataset`, in the order of the records.

    Crowds and difficult objects are the targets' crowds: neither learned nor missed.

    Args:
        boxes: The set.
        capacity: Most boxes of an input; of more, the largest are kept. Defaults to
            the most of any picture.
        grey_range: As for `load_dataset`.
    """
    most = max((record.count for record in boxes.records), default=0)
    splits, made = {}, {}  # the test split may be the val split
    for title, records in boxes.splits.items():
        if id(records) not in made:
            made[id(records)] = _split(
                boxes, title, records, capacity or max(most, 1), grey_range
            )
        splits[title] = made[id(records)]
    return ImageDataset(
        name=boxes.name,
        class_names=boxes.class_names,
        splits=splits,
        notes=boxes.notes,
        skipped=tuple((f.path, f.detail) for f in boxes.findings if f.level == "error"),
        voc_from_zero=boxes.voc_from_zero,
    )


def _split(boxes, title, records, capacity, grey_range) -> Split:
    targets = Boxes.of(
        [ImageBoxes.of(r.boxes, r.classes, r.ignored, r.areas) for r in records],
        len(boxes.class_names),
        capacity,
    )
    paths = [record.path for record in records]
    if boxes.images is None:
        return FileSplit(paths, targets, title, boxes.root, grey_range=grey_range)
    return NamedSplit(paths, targets, title, boxes.images, grey_range=grey_range)
