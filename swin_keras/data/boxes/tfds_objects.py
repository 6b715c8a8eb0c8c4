"""Read a set of TensorFlow Datasets whose examples have objects, such as `voc`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from swin_keras.data.boxes.looking import header
from swin_keras.data.boxes.numbers import array_of
from swin_keras.data.boxes.reading import tidy_splits
from swin_keras.data.boxes.records import Annotations, BoxSet, RawBoxes
from swin_keras.data.packed import PackedBytes
from swin_keras.data.split_folders import SPLIT_NAMES
from swin_keras.data.tfds_source import (
    find_builder,
    fits_memory,
    stored_by_index,
    write_builder,
)
from swin_keras.errors import DataError
from swin_keras.names import composed

FORMAT = "TensorFlow Datasets"
OPTIONAL = {"is_crowd": "crowd", "is_difficult": "difficult", "area": "areas"}


@dataclass(frozen=True)
class Keys:
    """What the parts of an example are called: the image, and its objects."""

    image: str
    objects: str


@dataclass(frozen=True)
class Pictures(Mapping):
    """The bytes of pictures by their paths: "train/17"."""

    sources: Mapping[str, Sequence]  # of bytes

    def __getitem__(self, path):
        title, place = path.rsplit("/", 1)
        return self.sources[title][int(place)]

    def __iter__(self):
        for title, source in self.sources.items():
            yield from (f"{title}/{place}" for place in range(len(source)))

    def __len__(self):
        return sum(map(len, self.sources.values()))


@dataclass(frozen=True)
class StoredImages(Sequence):
    """The bytes of the pictures of examples that stay on disk."""

    examples: Sequence
    key: str

    def __getitem__(self, place):
        return self.examples[place][self.key]

    def __len__(self):
        return len(self.examples)


def read_tfds(name: str, *, data_dir=None) -> BoxSet:
    """Read a set by name, preparing it first where that has not been done.

    Args:
        name: "voc/2012", "coco/2017" or another one whose examples have an image and
            objects, each with a box and a label.
        data_dir: Where prepared sets are. Defaults to that of TFDS.

    Raises:
        DataError: If there is no such set, or it cannot be had or used.
    """
    builder = find_builder(name, data_dir)
    keys = object_keys(builder)
    write_builder(builder)
    in_memory = fits_memory(builder)
    features = builder.info.features
    class_names = tuple(map(composed, features[keys.objects]["label"].names))
    raws, sources, looks = {}, {}, {}
    for title, theirs in _titles(builder).items():
        examples = open_examples(builder, keys, theirs)
        raws[title], images = [], []
        for place in range(len(examples)):
            example, path = examples[place], f"{title}/{place}"
            looks[path] = header(example[keys.image])
            raws[title].append(_raw(path, example, keys))
            if in_memory:
                images.append(example[keys.image])
        stored = StoredImages(examples, keys.image)
        sources[title] = PackedBytes(images) if in_memory else stored
    annotations = Annotations(FORMAT, class_names, raws)
    splits, findings, notes = tidy_splits(annotations, looks)
    return BoxSet(
        root=None,
        name=name,
        format=FORMAT,
        class_names=class_names,
        splits=splits,
        category_ids=tuple(range(len(class_names))),
        findings=tuple(findings),
        notes=(f"Boxes are read from {name} of {FORMAT}.", *notes),
        images=Pictures(sources),
    )


def object_keys(builder) -> Keys:
    """Return what the image and the objects of an example are called.

    Raises:
        DataError: If examples have none.
    """
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [k for k, f in features.items() if isinstance(f, tfds.features.Image)]
    objects = [key for key, feature in features.items() if _has_boxes(feature)]
    if not images or not objects:
        raise DataError(
            f"{builder.name} must be for detection: examples with an image and with "
            "objects, each with a bbox and a label. "
            f"Received: {', '.join(sorted(features))}."
        )
    first = "image" if "image" in images else images[0]
    return Keys(first, "objects" if "objects" in objects else objects[0])


def _has_boxes(feature) -> bool:
    import tensorflow_datasets as tfds

    if not isinstance(feature, tfds.features.Sequence):
        return False
    try:
        box, label = feature["bbox"], feature["label"]
    except (KeyError, TypeError):
        return False
    kinds = tfds.features.BBoxFeature, tfds.features.ClassLabel
    return isinstance(box, kinds[0]) and isinstance(label, kinds[1])


def _titles(builder) -> dict[str, str]:
    """Return our title -> theirs of the splits that can be used."""
    found = {}
    for ours, names in SPLIT_NAMES.items():
        for theirs in names:
            if theirs in builder.info.splits:
                found.setdefault(ours, theirs)
    if "train" not in found:
        raise DataError(
            f"{builder.name} must have a train split. "
            f"Received: {sorted(builder.info.splits)}."
        )
    return found


def open_examples(builder, keys: Keys, title: str) -> Sequence[dict]:
    """Return the examples of a split, their images as they are stored."""
    import tensorflow_datasets as tfds

    decoders = {keys.image: tfds.decode.SkipDecoding()}
    if stored_by_index(builder):
        return builder.as_data_source(title, decoders=decoders)
    return list(tfds.as_numpy(builder.as_dataset(split=title, decoders=decoders)))


def _raw(path, example, keys) -> RawBoxes:
    objects = example[keys.objects]
    top, left, bottom, right = np.reshape(objects["bbox"], (-1, 4)).T
    return RawBoxes(
        path,
        array_of(np.stack([left, top, right, bottom], axis=-1)).astype(np.float64),
        np.asarray(objects["label"], np.int64).reshape(-1),
        relative=True,
        **{
            ours: np.asarray(objects[theirs]).reshape(-1)
            for theirs, ours in OPTIONAL.items()
            if theirs in objects
        },
        image_id=_integer(example.get("image/id")),
    )


def _integer(value) -> int | None:
    return None if value is None else int(value)
