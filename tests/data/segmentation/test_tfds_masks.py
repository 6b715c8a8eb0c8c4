"""Sets of TensorFlow Datasets with masks: locally written ones of their structure."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from image_files import noise
from mask_folders import blocks

from swin_keras.data import IGNORED, BatchLoader, load_dataset
from swin_keras.data.segmentation.tfds_masks import load_tfds_masks
from swin_keras.data.splits import EncodedSplit, RecordSplit
from swin_keras.errors import DataError

SIZES = {"train": 10, "validation": 3, "test": 3}


def mask_of(index, first=0, classes=3):
    return blocks(index, classes) + np.uint8(first)


class MaskBuilder(tfds.core.GeneratorBasedBuilder):
    """Noise with masks of blocks; the names of its parts are those of another set."""

    VERSION = tfds.core.Version("1.0.0")
    KEYS = ("image", "segmentation_mask")
    TITLES = ("train", "test")
    FIRST = 0

    def _info(self):
        image, mask = self.KEYS
        features = {
            image: tfds.features.Image(shape=(None, None, 3)),
            mask: tfds.features.Image(shape=(None, None, 1), use_colormap=True),
            "file_name": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features)
        )

    def _split_generators(self, dl_manager):
        return {title: self._generate_examples(title) for title in self.TITLES}

    def _generate_examples(self, title):
        image, mask = self.KEYS
        for index in range(SIZES[title]):
            yield (
                index,
                {
                    image: np.asarray(noise(index, (40, 36))),
                    mask: mask_of(index, self.FIRST)[..., None],
                    "file_name": str(index),
                },
            )


class OxfordIIITPet(MaskBuilder, skip_registration=True):
    """As the published set: 1 pet, 2 background, 3 border."""

    name = "oxford_iiit_pet"
    VERSION = tfds.core.Version("4.0.0")
    FIRST = 1


class SceneParse150(MaskBuilder, skip_registration=True):
    """As the published set: 0 is not a class."""

    name = "scene_parse150"
    VERSION = tfds.core.Version("1.0.0")
    KEYS = ("image", "annotation")


class CityscapesLike(MaskBuilder, skip_registration=True):
    """As the published set: ids of labels, of which nineteen count."""

    name = "cityscapes"
    VERSION = tfds.core.Version("1.0.0")
    KEYS = ("image_left", "segmentation_label")
    TITLES = ("train", "validation", "test")
    FIRST = 6


class ToyMasks(MaskBuilder):
    """A set that nobody knows."""

    VERSION = tfds.core.Version("1.0.0")


class ToyNoMasks(MaskBuilder):
    """Examples without a mask by any known name."""

    VERSION = tfds.core.Version("1.0.0")
    KEYS = ("image", "depth")


def written(kind, folder, file_format="tfrecord"):
    kind(data_dir=folder, file_format=file_format).download_and_prepare()
    return folder


def masks_of(dataset):
    """Return the masks of a data set by the pictures' bytes."""
    whole = dataset.split("all")
    return {
        whole.image(index, 3).tobytes(): whole.targets.load(index)
        for index in range(len(whole))
    }


def assert_masks(dataset, expected_of):
    found = masks_of(dataset)
    for index in range(10):
        mask = found[noise(index, (40, 36)).tobytes()]
        np.testing.assert_array_equal(mask, expected_of(index))


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_values_are_the_classes_of_an_unknown_set(tmp_path, file_format):
    written(ToyMasks, tmp_path, file_format)
    dataset = load_dataset("toy_masks", targets="masks", data_dir=tmp_path)
    assert dataset.class_names == ("0", "1", "2")
    assert isinstance(dataset.splits["train"], EncodedSplit)
    sizes = {title: len(split) for title, split in dataset.splits.items()}
    assert sizes == {"train": 9, "val": 1, "test": 3}
    assert_masks(dataset, mask_of)
    images, masks = BatchLoader(dataset.splits["train"], 4, (20, 24), 3)(0)
    assert (images.shape[1:], masks.shape[1:]) == ((20, 24, 3), (20, 24))


def test_a_set_too_large_for_memory_is_read_by_index(tmp_path):
    written(ToyMasks, tmp_path, "array_record")
    dataset = load_tfds_masks("toy_masks", data_dir=tmp_path, memory_limit=100)
    assert isinstance(dataset.splits["train"], RecordSplit)
    assert_masks(dataset, mask_of)
    again = load_tfds_masks("toy_masks", data_dir=tmp_path, memory_limit=100)
    assert dataset.fingerprint() == again.fingerprint()


def test_value_0_may_be_ignored(tmp_path):
    written(ToyMasks, tmp_path)
    dataset = load_dataset(
        "toy_masks", targets="masks", data_dir=tmp_path, reduce_zero_label=True
    )
    assert dataset.class_names == ("1", "2")
    assert_masks(dataset, lambda index: np.array([IGNORED, 0, 1])[mask_of(index)])


@pytest.fixture
def in_place_of_published(monkeypatch):
    """Let `tfds.builder` find these builders by the names of the published ones."""
    kinds = {kind.name: kind for kind in (OxfordIIITPet, SceneParse150, CityscapesLike)}
    monkeypatch.setattr(
        tfds, "builder", lambda name, data_dir: kinds[name](data_dir=data_dir)
    )


@pytest.mark.usefixtures("in_place_of_published")
def test_the_masks_of_published_sets_are_understood(tmp_path):
    def load(kind):
        written(kind, tmp_path)
        return load_dataset(kind.name, targets="masks", data_dir=tmp_path)

    pets = load(OxfordIIITPet)
    assert pets.class_names == ("pet", "background", "border")
    assert_masks(pets, mask_of)

    scenes = load(SceneParse150)
    assert (scenes.classes, scenes.class_names[:2]) == (150, ("1", "2"))
    assert_masks(scenes, lambda index: np.array([IGNORED, 0, 1])[mask_of(index)])

    streets = load(CityscapesLike)
    assert (streets.classes, streets.class_names[:2]) == (19, ("road", "sidewalk"))
    assert streets.class_names[-1] == "bicycle"
    assert_masks(streets, lambda index: np.array([IGNORED, 0, 1])[mask_of(index)])


def test_a_set_without_masks_says_what_it_has(tmp_path):
    written(ToyNoMasks, tmp_path)
    with pytest.raises(DataError, match=r"a mask \(segm.*Received: .*depth"):
        load_dataset("toy_no_masks", targets="masks", data_dir=tmp_path)
