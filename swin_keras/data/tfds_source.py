"""Read an image classification set of TensorFlow Datasets.

The encoded images are held in memory, or read by index where they are stored
as array_record, so that any order of them costs the same.
"""

import io
import math
import sys
from collections.abc import Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass

import numpy as np

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.packed import PackedBytes
from swin_keras.data.split_folders import SPLIT_NAMES
from swin_keras.data.splits import ArraySplit, EncodedSplit, RecordSplit, Split
from swin_keras.data.splitting import USUAL, HeldOut
from swin_keras.errors import DataError, SwinKerasError, nearest_name
from swin_keras.names import composed, printable

CHARACTERS = (  # sets in which a mirrored image is another character, or none
    "binarized_mnist",
    "binary_alpha_digits",
    "cmaterdb",
    "digits",
    "emnist",
    "kmnist",
    "mnist",
    "mnist_corrupted",
    "omniglot",
    "svhn_cropped",
)
SMALL = 64 * 64 * 3  # bytes of a decoded image that is kept decoded


def load_tfds(
    name: str,
    *,
    data_dir=None,
    held_out: HeldOut | None = USUAL,
    grey_range=None,
    memory_limit: int | None = None,
) -> ImageDataset:
    """Read a set by name, preparing it first where that has not been done.

    Args:
        name: "digits", "cifar10", "imagenet_v2/matched-frequency", "mnist:3.0.1".
        data_dir: Where prepared sets are. Defaults to that of TFDS.
        held_out: What is held out where a split is missing; `None` for nothing.
        grey_range: As for `load_dataset`.
        memory_limit: Bytes of encoded images that may be held. Defaults to half
            of the free memory.

    Raises:
        DataError: If there is no such set, or it cannot be had or used.
    """
    builder = find_builder(name, data_dir)
    with damage_in_words(name, builder.data_path):
        keys = supervised_keys(builder)
        write_builder(builder)
        in_memory = fits_memory(builder, memory_limit)
        given = _read_splits(builder, keys, in_memory, grey_range)
        features = builder.info.features
        class_names = tuple(map(composed, features[keys[1]].names))
        image_shape = tuple(features[keys[0]].shape)
    if not given or (held_out and "train" not in given):
        raise DataError(
            f"{name} must have a {'train ' if held_out else ''}split with labels. "
            f"Received: {sorted(builder.info.splits)}."
        )
    splits, notes = held_out.complete(given) if held_out else (given, ())
    return ImageDataset(
        name=name,
        class_names=class_names,
        splits=splits,
        image_shape=image_shape,
        mirror_safe=builder.name not in CHARACTERS,
        notes=notes,
    )


def _read_splits(builder, keys, in_memory, grey_range) -> dict[str, Split]:
    given = {}
    for ours, theirs in SPLIT_NAMES.items():
        for title in theirs:
            if title in builder.info.splits:
                split = read_split(builder, keys, title, ours, in_memory, grey_range)
                if split.labels.size and split.labels.min() >= 0:
                    given[ours] = split
    return given


@contextmanager
def damage_in_words(name, folder):
    """Explain that a set's files are damaged, whatever a library makes of them.

    Raises:
        DataError: Instead of what it raises.
    """
    try:
        yield
    except (SwinKerasError, MemoryError):
        raise
    except Exception as error:
        raise DataError(
            f"The files of {name} in {printable(folder)} must be as TensorFlow "
            f"Datasets wrote them. Received: {type(error).__name__}: "
            f"{printable(_first_line(error))[:300]}. Remove the folder, and it is "
            "made again."
        ) from error


def find_builder(name: str, data_dir=None):
    """Return the TFDS builder of a set, our own `digits` among them."""
    import tensorflow_datasets as tfds

    from swin_keras.data import digits  # noqa: F401  (registers itself)

    try:
        return tfds.builder(name, data_dir=data_dir)
    except tfds.core.registered.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        raise DataError(
            "Data must be a folder that exists or the name of a TensorFlow "
            f"Datasets set. Received: {name!r}.{nearest_name(name, known)}"
        ) from None
    except Exception as error:  # of a name, or of the files that describe the set
        raise DataError(
            f"{name!r} is neither a folder nor a data set: "
            f"{printable(_first_line(error))[:300]}"
        ) from error


def write_builder(builder):
    """Write a set to disk in the format of TFDS, unless it is there."""
    if builder.is_prepared():
        return
    try:
        with output_of_tfds(shown=builder.name != "digits"):
            builder.download_and_prepare()
    except Exception as error:  # a network, a host or a disk: anything may come
        if builder.is_prepared():  # another process was faster
            return
        raise DataError(
            f"{builder.name} is not in {builder.data_dir} and could not be made: "
            f"{_first_line(error)}. Prepare it where there is a network (tfds build "
            f"{builder.name}), then pass the folder that holds it as `data_dir`."
        ) from error


@contextmanager
def output_of_tfds(shown: bool):
    """Send what TFDS prints to stderr, where results are not read, or nowhere."""
    import tensorflow_datasets as tfds

    tfds.display_progress_bar(shown)
    try:
        with redirect_stdout(sys.stderr if shown else io.StringIO()):
            yield
    finally:
        tfds.display_progress_bar(True)


def supervised_keys(builder) -> tuple[str, str]:
    """Return the names of the image and of the label in an example."""
    import tensorflow_datasets as tfds

    features, keys = builder.info.features, builder.info.supervised_keys
    kinds = (tfds.features.Image, tfds.features.ClassLabel)
    fits = keys is not None and len(keys) == 2
    if not fits or not all(
        isinstance(key, str) and isinstance(features[key], kind)
        for key, kind in zip(keys, kinds, strict=True)
    ):
        raise DataError(
            f"{builder.name} must be for image classification: supervised keys of "
            f"an image and a class label. Received: supervised_keys={keys}."
        )
    return keys


def fits_memory(builder, limit: int | None = None) -> bool:
    """Return whether the encoded images may be held in memory.

    Raises:
        DataError: If they may not, and cannot be read by index either.
    """
    limit, size = limit or free_memory() // 2, builder.info.dataset_size
    if size > limit and not stored_by_index(builder):
        raise DataError(
            f"{builder.name} takes {size / 2**30:.3g} GiB, but only "
            f"{limit / 2**30:.3g} GiB of memory may be used. Prepare it to be read "
            f"by index: tfds build {builder.name} --file_format=array_record"
        )
    return size <= limit


def read_split(
    builder, keys, theirs: str, ours: str, in_memory: bool, grey_range=None
) -> Split:
    """Read a split; small images of one size are kept decoded."""
    examples = open_examples(builder, keys, theirs)
    labels = np.array([label for _, label in examples], np.int64)
    if not in_memory:
        places = np.arange(len(labels))
        return RecordSplit(places, labels, ours, examples, grey_range=grey_range)
    images = PackedBytes(image for image, _ in examples)
    split = EncodedSplit(images, labels, ours, grey_range=grey_range)
    shape = builder.info.features[keys[0]].shape
    if None in shape or math.prod(shape) > SMALL:
        return split
    items = np.empty((len(split), *shape), np.uint8)
    for index in range(len(split)):
        items[index] = np.reshape(split.image(index, shape[-1]), shape)
    return ArraySplit(items, labels, ours)


def open_splits(builder, keys, held_out) -> dict[str, Sequence[tuple]]:
    """Return these parts of each example of all splits that are not empty.

    Args:
        builder: Of a set that is prepared.
        keys: Names of the parts.
        held_out: What is held out of "train", which must be there then, or `None`.

    Raises:
        DataError: If there is no split to use.
    """
    examples = {
        ours: open_examples(builder, keys, title)
        for ours, theirs in SPLIT_NAMES.items()
        for title in theirs
        if title in builder.info.splits
    }
    examples = {title: parts for title, parts in examples.items() if len(parts)}
    if not examples or (held_out and "train" not in examples):
        raise DataError(
            f"{builder.name} must have a {'train ' if held_out else ''}split with "
            f"{keys[1]}. Received: {sorted(builder.info.splits)}."
        )
    return examples


def open_examples(builder, keys, title: str) -> Sequence[tuple]:
    """Return these parts of each example of a split; images are still encoded."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    images = [key for key in keys if isinstance(features[key], tfds.features.Image)]
    decoders = {key: tfds.decode.SkipDecoding() for key in images}
    if stored_by_index(builder):
        return StoredExamples(builder.as_data_source(title, decoders=decoders), keys)
    dataset = tfds.as_numpy(builder.as_dataset(split=title, decoders=decoders))
    return [tuple(example[key] for key in keys) for example in dataset]


@dataclass(frozen=True)
class StoredExamples(Sequence):
    """Parts of examples that stay on disk, read by index."""

    source: Sequence
    keys: tuple[str, ...]

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        if index >= len(self):  # where a loop over a sequence ends
            raise IndexError(index)
        example = self.source[int(index)]
        return tuple(example[key] for key in self.keys)


def stored_by_index(builder) -> bool:
    """Return whether the files of a prepared set can be read in any order."""
    return builder.info.file_format.value == "array_record"


def free_memory() -> int:
    """Return the bytes of memory that nobody uses."""
    import psutil  # comes with TFDS

    return psutil.virtual_memory().available


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
