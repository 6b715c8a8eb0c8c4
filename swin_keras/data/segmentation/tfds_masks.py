"""Read a set of TensorFlow Datasets whose examples have a mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.packed import PackedBytes
from swin_keras.data.segmentation.class_table import ClassTable
from swin_keras.data.segmentation.mask_file import (
    EncodedMasks,
    MaskReader,
    Meaning,
    open_mask,
    values_of,
)
from swin_keras.data.splits import EncodedSplit, RecordSplit, Split
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.data.targets import Masks
from swin_keras.data.tfds_source import (
    damage_in_words,
    find_builder,
    fits_memory,
    open_splits,
    write_builder,
)
from swin_keras.errors import DataError
from swin_keras.masks import IGNORED

IMAGES = ("image", "image_left")
MASKS = ("segmentation_mask", "annotation", "segmentation_label", "mask")
VOID = "void"  # no class: see `ClassTable`
CITYSCAPES = {  # id of a label -> its name, of the nineteen that count
    7: "road",
    8: "sidewalk",
    11: "building",
    12: "wall",
    13: "fence",
    17: "pole",
    19: "traffic light",
    20: "traffic sign",
    21: "vegetation",
    22: "terrain",
    23: "sky",
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
ROWS = {  # set -> name of each value of its masks
    "cityscapes": tuple(CITYSCAPES.get(value, VOID) for value in range(34)),
    "oxford_iiit_pet": (VOID, "pet", "background", "border"),
    "scene_parse150": (VOID, *map(str, range(1, 151))),
}


def load_tfds_masks(
    name: str,
    *,
    data_dir=None,
    held_out: HeldOut | None = USUAL,
    grey_range=None,
    reduce_zero_label: bool = False,
    memory_limit: int | None = None,
) -> ImageDataset:
    """Read a set by name, preparing it first where that has not been done.

    What the masks of `cityscapes`, `oxford_iiit_pet` and `scene_parse150` hold is
    known. Of other sets the values are the classes.

    Args:
        name: The set's; its examples have an image and a mask.
        data_dir: Where prepared sets are. Defaults to that of TFDS.
        held_out: What is held out where a split is missing; `None` for nothing.
        grey_range: As for `load_dataset`.
        reduce_zero_label: As for `load_dataset`, for a set that is not known.
        memory_limit: As for `load_tfds`.

    Raises:
        DataError: If there is no such set, or it cannot be had or used.
    """
    builder = find_builder(name, data_dir)
    keys = mask_keys(builder)
    write_builder(builder)
    in_memory = fits_memory(builder, memory_limit)
    with damage_in_words(name, builder.data_path):
        examples = open_splits(builder, keys, held_out)
    learned = examples.get("train") or next(iter(examples.values()))
    meaning, class_names = meaning_of(builder.name, learned, reduce_zero_label)
    splits = {
        title: make_split(pairs, meaning, title, in_memory, grey_range)
        for title, pairs in examples.items()
    }
    splits, notes = held_out.complete(splits) if held_out else (splits, ())
    return ImageDataset(
        name=name,
        class_names=class_names,
        splits=splits,
        image_shape=tuple(builder.info.features[keys[0]].shape),
        notes=notes,
    )


def mask_keys(builder) -> tuple[str, str]:
    """Return the names of the image and of the mask in an example.

    Raises:
        DataError: If it has none.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [
        k for k, kind in features.items() if isinstance(kind, tfds.features.Image)
    ]
    image, mask = (
        next((key for key in known if key in images), None) for known in (IMAGES, MASKS)
    )
    if not image or not mask:
        raise DataError(
            f"{builder.name} must have an image ({' or '.join(IMAGES)}) and a mask "
            f"({', '.join(MASKS)}) in each example. Received: {', '.join(features)}."
        )
    return image, mask


@dataclass(frozen=True, eq=False)
class StoredMasks(MaskReader):
    """Reads masks that stay on disk: each item is a place in `pairs`."""

    pairs: Sequence
    meaning: Meaning

    def __call__(self, item):
        _, mask = self.pairs[item]
        return self.meaning.read(mask, f"the mask of example {item}")


def make_split(pairs, meaning, title, in_memory, grey_range) -> Split:
    """Return a split of encoded images and masks."""
    if not in_memory:
        places = np.arange(len(pairs))
        masks = Masks(places, StoredMasks(pairs, meaning))
        return RecordSplit(places, masks, title, pairs, grey_range=grey_range)
    images, masks = zip(*pairs, strict=True)
    masks = Masks(PackedBytes(masks), EncodedMasks(meaning))
    return EncodedSplit(PackedBytes(images), masks, title, grey_range=grey_range)


def meaning_of(name: str, pairs, reduce_zero_label: bool):
    """Return what the values of masks stand for, and the names of the classes.

    Args:
        name: The set's.
        pairs: Encoded images and masks of training.
        reduce_zero_label: Whether value 0 is ignored.
    """
    if name in ROWS:
        table = ClassTable(name, ROWS[name])
        return Meaning(len(table.class_names), table), table.class_names
    last = 0
    for _, mask in pairs:
        values = values_of(open_mask(mask, f"a mask of {name}"), f"a mask of {name}")
        last = max(last, int(values[values != IGNORED].max(initial=0)))
    first = int(reduce_zero_label)
    names = tuple(str(value) for value in range(first, last + 1))
    return Meaning(len(names), None, reduce_zero_label), names
