"""Sets of TensorFlow Datasets whose images have any number of classes."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from image_files import noise

from swin_keras.data import BatchLoader, load_dataset
from swin_keras.data.splits import EncodedSplit, RecordSplit
from swin_keras.data.tfds_labels import load_tfds_labels
from swin_keras.errors import DataError

NAMES = ("bird", "caf\u00e9", "dog")
GIVEN = ("bird", "cafe\u0301", "dog")  # the accent is written in another way
SIZE = {"train": 24, "test": 6}


def present(index):
    """Return the classes of an image: none, one or two of them."""
    return [[], [0], [1, 2], [2]][index % 4]


class ToyMany(tfds.core.GeneratorBasedBuilder):
    """Pictures with a list of labels, as `voc` has them, and with objects, too."""

    VERSION = tfds.core.Version("1.0.0")
    KIND = "labels"

    def _info(self):
        label = tfds.features.ClassLabel(names=GIVEN)
        box = tfds.features.BBoxFeature()
        kinds = {
            "labels": tfds.features.Sequence(label),
            "objects": tfds.features.Sequence({"label": label, "bbox": box}),
            "attributes": dict.fromkeys(GIVEN, np.bool_),
        }
        parts = {"image": tfds.features.Image(), self.KIND: kinds[self.KIND]}
        if self.KIND == "labels":
            parts["objects"] = kinds["objects"]
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(parts)
        )

    def _split_generators(self, dl_manager):
        return {title: self._generate_examples(title) for title in SIZE}

    def _generate_examples(self, title):
        box = tfds.features.BBox(0.0, 0.0, 0.5, 0.5)
        for index in range(SIZE[title]):
            classes = self.classes(title, index)
            twice = [{"label": c, "bbox": box} for c in classes for _ in range(2)]
            parts = {
                "labels": classes,
                "objects": twice,
                "attributes": {n: c in classes for c, n in enumerate(GIVEN)},
            }
            image = np.asarray(noise(index, (20, 24)))
            names = self.info.features
            yield index, {"image": image} | {n: parts[n] for n in parts if n in names}

    def classes(self, title, index):
        return present(index)


class ToyObjects(ToyMany):
    """Pictures with objects, as `coco` has them; nothing is said of the test's."""

    VERSION = tfds.core.Version("1.0.0")
    KIND = "objects"

    def classes(self, title, index):
        return [] if title == "test" else present(index)


class ToyAttributes(ToyMany):
    """Pictures with attributes, as `celeb_a` has them."""

    VERSION = tfds.core.Version("1.0.0")
    KIND = "attributes"


class ToyAnswers(ToyMany):
    """An answer to each of several questions, as `chexpert` has them."""

    VERSION = tfds.core.Version("1.0.0")

    def classes(self, title, index):
        return [0, 1, 1, 0]


def prepare(name, folder, file_format="tfrecord"):
    tfds.builder(name, data_dir=folder, file_format=file_format).download_and_prepare()


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("toy_many", "tfrecord"),
        ("toy_objects", "tfrecord"),
        ("toy_attributes", "tfrecord"),
        ("toy_many", "array_record"),
        pytest.param("toy_objects", "array_record", marks=pytest.mark.slow),
        pytest.param("toy_attributes", "array_record", marks=pytest.mark.slow),
    ],
)
def test_lists_objects_and_attributes_say_the_same(tmp_path, name, file_format):
    prepare(name, tmp_path, file_format)
    dataset = load_dataset(name, data_dir=tmp_path, multi_label=True, hold_out=False)
    assert dataset.class_names == NAMES
    split = dataset.splits["train"]
    assert isinstance(split, EncodedSplit)
    by_bytes = {np.asarray(noise(n, (20, 24))).tobytes(): n for n in range(24)}
    for index in range(24):
        number = by_bytes[np.asarray(split.image(index, 3)).tobytes()]
        vector = split.targets.load(index)
        assert np.flatnonzero(vector).tolist() == present(number)


def test_a_set_too_large_for_memory_is_read_by_index(tmp_path):
    prepare("toy_many", tmp_path, "array_record")
    stored = load_tfds_labels("toy_many", data_dir=tmp_path, memory_limit=100)
    held = load_tfds_labels("toy_many", data_dir=tmp_path)
    assert isinstance(stored.splits["train"], RecordSplit)
    for ours, theirs in zip(
        BatchLoader(stored.splits["train"], 8, (16, 16), 3)(0),
        BatchLoader(held.splits["train"], 8, (16, 16), 3)(0),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_test_split_of_which_nothing_is_said_counts_as_missing(tmp_path):
    prepare("toy_objects", tmp_path)
    dataset = load_dataset("toy_objects", data_dir=tmp_path, multi_label=True)
    assert sum(map(len, dataset.splits.values())) == SIZE["train"]
    assert "its 'objects' in toy_objects" in dataset.notes[0]
    assert "Nothing is labelled in the 6 images of test" in dataset.notes[1]


def test_answers_to_several_questions_are_no_classes(tmp_path):
    prepare("toy_answers", tmp_path)
    with pytest.raises(DataError, match=r"different classes. Received: \[0, 1, 1, 0\]"):
        load_dataset("toy_answers", data_dir=tmp_path, multi_label=True)


def test_a_set_of_one_class_an_image_is_refused_before_it_is_made(tmp_path):
    with pytest.raises(DataError, match=r"any number of classes.*Received: image, la"):
        load_dataset("mnist", data_dir=tmp_path, multi_label=True)
    assert not any(tmp_path.iterdir())
