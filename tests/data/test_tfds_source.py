import numpy as np
import pytest
import tensorflow_datasets as tfds
from image_files import noise

from swin_keras.data import BatchLoader, batches, load_dataset, tfds_source
from swin_keras.data.splits import ArraySplit, EncodedSplit, RecordSplit
from swin_keras.data.splitting import HeldOut
from swin_keras.data.tfds_source import load_tfds
from swin_keras.errors import DataError

SIZE = {"train": 40, "validation": 8, "test": 8}


class ToyPictures(tfds.core.GeneratorBasedBuilder):
    """PNG pictures of many sizes in two classes."""

    VERSION = tfds.core.Version("1.0.0")
    TITLES = ("train", "validation", "test")
    SHAPE = (None, None, 3)

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(
                {
                    "id": tfds.features.Text(),
                    "image": tfds.features.Image(shape=self.SHAPE),
                    "label": tfds.features.ClassLabel(names=["left", "cafe\u0301"]),
                }
            ),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        return {title: self._generate_examples(title) for title in self.TITLES}

    def _generate_examples(self, title):
        for index in range(SIZE[title]):
            image = np.asarray(noise(index, (20 + index % 5, 24)))
            if self.SHAPE[0]:
                image = image[:16, :16]
            label = -1 if title == "test" and not self.SHAPE[0] else index % 2
            yield index, {"id": str(index), "image": image, "label": label}


class ToyThumbnails(ToyPictures):
    """Small pictures of one size; no validation split."""

    VERSION = tfds.core.Version("1.0.0")
    TITLES = ("train", "test")
    SHAPE = (16, 16, 3)


class ToyPairs(ToyPictures):
    """Not for classification."""

    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        features = {"image": tfds.features.Image(), "other": tfds.features.Image()}
        return tfds.core.DatasetInfo(
            builder=self,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "other"),
        )


def load(name, data_dir, file_format="tfrecord", **kwargs):
    tfds.builder(
        name, data_dir=data_dir, file_format=file_format
    ).download_and_prepare()
    return load_tfds(name, data_dir=data_dir, **kwargs)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_pictures_of_many_sizes_are_held_as_files(tmp_path, file_format):
    dataset = load("toy_pictures", tmp_path, file_format)
    split = dataset.splits["train"]
    assert isinstance(split, EncodedSplit)
    assert dataset.class_names == ("left", "caf\u00e9")
    assert dataset.image_shape == (None, None, 3)
    assert len(split) == 40
    expected = sorted(
        np.asarray(noise(n, (20 + n % 5, 24))).tobytes() for n in range(40)
    )
    found = sorted(split.image(index, 3).tobytes() for index in range(40))
    assert found == expected


def test_a_test_split_without_labels_is_not_used(tmp_path):
    dataset = load("toy_pictures", tmp_path)
    assert dataset.splits["test"] is dataset.splits["val"]
    assert len(dataset.splits["val"]) == 8
    assert "val images serve as test too" in dataset.notes[0]


def test_small_pictures_of_one_size_are_held_decoded(tmp_path):
    dataset = load("toy_thumbnails", tmp_path, held_out=HeldOut(val=0.2))
    split = dataset.splits["train"]
    assert isinstance(split, ArraySplit)
    assert split.items.shape == (32, 16, 16, 3)
    assert [len(dataset.splits[title]) for title in ("val", "test")] == [8, 8]


def test_a_set_too_large_for_memory_is_read_by_index(tmp_path):
    dataset = load("toy_pictures", tmp_path, "array_record", memory_limit=100)
    split = dataset.splits["train"]
    assert isinstance(split, RecordSplit)
    in_memory = load_tfds("toy_pictures", data_dir=tmp_path).splits["train"]
    np.testing.assert_array_equal(split.labels, in_memory.labels)
    for ours, theirs in zip(
        batches(BatchLoader(split, 8, (16, 16), 3, training=True)),
        batches(BatchLoader(in_memory, 8, (16, 16), 3, training=True)),
        strict=True,
    ):
        np.testing.assert_array_equal(ours[0], theirs[0])
    again = load_tfds("toy_pictures", data_dir=tmp_path, memory_limit=200)
    assert isinstance(again.splits["train"], RecordSplit)
    assert dataset.fingerprint() == again.fingerprint()


def test_a_set_too_large_for_memory_that_is_not_indexed_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"GiB of memory may be used.*array_record"):
        load("toy_pictures", tmp_path, memory_limit=100)


def test_a_set_for_another_task_is_refused_before_it_is_made(tmp_path):
    with pytest.raises(DataError, match=r"image classification.*'image', 'other'"):
        load_tfds("toy_pairs", data_dir=tmp_path)
    assert not any(tmp_path.iterdir())


def test_a_set_that_cannot_be_fetched_says_where_it_was_looked_for(
    tmp_path, monkeypatch
):
    def no_network(self, **kwargs):
        raise ConnectionError("Failed to resolve host\nand more")

    monkeypatch.setattr(ToyPictures, "download_and_prepare", no_network)
    with pytest.raises(DataError, match="Failed to resolve host") as error:
        load_tfds("toy_pictures", data_dir=tmp_path)
    message = str(error.value)
    assert str(tmp_path) in message
    assert "tfds build toy_pictures" in message
    assert "and more" not in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fashion_mnits", r"'fashion_mnits'\. Did you mean 'fashion_mnist'\?"),
        ("digit", r"Did you mean 'digits'\?"),
        ("no/such/thing", "is neither a folder nor a data set"),
        ("./no_such_folder", "must be a folder that exists"),
        (
            "toy_pictures/config",
            "'toy_pictures/config' is neither a folder nor a data set",
        ),
        (
            "toy_pictures:9.9.9",
            "'toy_pictures:9.9.9' is neither a folder nor a data set",
        ),
        ("two words", "is neither a folder nor a data set"),
    ],
)
def test_names_that_lead_nowhere_say_what_is_possible(tmp_path, name, words):
    with pytest.raises(DataError, match=words):
        load_dataset(name, data_dir=tmp_path)


def test_sets_of_characters_are_not_mirrored():
    known = {*tfds.list_builders(with_community_datasets=False), "digits"}
    assert set(tfds_source.CHARACTERS) <= known
