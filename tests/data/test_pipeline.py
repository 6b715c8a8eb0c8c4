import numpy as np
import pytest
import tensorflow as tf
from image_files import make_folder, noise

from swin_keras.data import (
    Augmentation,
    BatchLoader,
    Mixing,
    batches,
    data_errors,
    load_dataset,
    load_image,
)
from swin_keras.data.image_io import prepare_image
from swin_keras.data.splits import ArraySplit, FileSplit
from swin_keras.errors import DataError, ResourceError, UsageError

AUGMENTATION = Augmentation(crop_scale=(0.3, 1.0))


@pytest.fixture
def split():
    """Twenty grey images; the first pixel of image n is n."""
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(20)
    return ArraySplit(images, np.arange(20, dtype=np.int64) % 4, "train")


def batches_of(*args, epochs=1, start_step=0, workers=None, **options):
    """Return the batches of a loader of these arguments."""
    loader = BatchLoader(*args, **options)
    return batches(loader, epochs=epochs, start_step=start_step, workers=workers)


def collect(dataset):
    return [(images.numpy(), labels.numpy()) for images, labels in dataset]


def assert_same(left, right):
    assert len(left) == len(right)
    for (left_images, left_labels), (right_images, right_labels) in zip(
        left, right, strict=True
    ):
        np.testing.assert_array_equal(left_images, right_images)
        np.testing.assert_array_equal(left_labels, right_labels)


def test_batches_are_bytes_and_class_indices(split):
    dataset = batches_of(split, 5, (12, 16), 3, training=True)
    images, labels = dataset.element_spec
    assert (images.dtype, tuple(images.shape)) == (tf.uint8, (5, 12, 16, 3))
    assert (labels.dtype, tuple(labels.shape)) == (tf.int32, (5,))
    assert int(dataset.cardinality()) == 4


def test_each_sample_comes_once_an_epoch_in_another_order(split):
    orders = []
    for epoch in range(3):
        steps = collect(
            batches_of(split, 5, (8, 8), 1, training=True, epochs=epoch + 1)
        )[epoch * 4 :]
        order = np.concatenate([images[:, 0, 0, 0] for images, _ in steps])
        labels = np.concatenate([labels for _, labels in steps])
        assert sorted(order) == list(range(20))
        np.testing.assert_array_equal(labels, order % 4)
        orders.append(tuple(order))
    assert len(set(orders)) == 3


def test_training_drops_the_short_batch_and_evaluation_keeps_all_images(split):
    training = collect(batches_of(split, 8, (8, 8), 1, training=True, epochs=2))
    assert [len(labels) for _, labels in training] == [8, 8, 8, 8]
    evaluation = collect(batches_of(split, 8, (8, 8), 1, epochs=2))
    assert [len(labels) for _, labels in evaluation] == [6, 7, 7] * 2
    for half in (evaluation[:3], evaluation[3:]):
        images = np.concatenate([images for images, _ in half])
        np.testing.assert_array_equal(images, split.items)


@pytest.mark.parametrize("augmentation", [None, AUGMENTATION])
def test_a_run_goes_on_where_it_stopped(split, augmentation):
    def run(**kwargs):
        return collect(
            batches_of(
                split,
                6,
                (8, 8),
                1,
                training=True,
                epochs=3,
                augmentation=augmentation,
                **kwargs,
            )
        )

    whole = run()
    assert_same(run(), whole)
    for start in (1, 3, 8):
        assert_same(run(start_step=start), whole[start:])
    other = run(seed=1)
    assert any((a != b).any() for (a, _), (b, _) in zip(other, whole, strict=True))


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("mixing", [None, Mixing()])
def test_shards_together_are_one_pipeline(split, count, training, mixing):
    def run(**kwargs):
        return collect(
            batches_of(
                split,
                8,
                (8, 8),
                1,
                training=training,
                epochs=2,
                augmentation=AUGMENTATION,
                mixing=mixing,
                classes=4,
                **kwargs,
            )
        )

    def join(steps):
        return [
            tuple(np.concatenate(values) for values in zip(*step, strict=True))
            for step in steps
        ]

    whole = run()
    apart = [run(shards=(shard,), shard_count=count) for shard in range(count)]
    assert_same(join(zip(*apart, strict=True)), whole)
    elements = run(shards=range(count), shard_count=count)
    assert len(elements) == count * len(whole)
    steps = [elements[n : n + count] for n in range(0, len(elements), count)]
    assert_same(join(steps), whole)
    later = run(shards=range(count), shard_count=count, start_step=1)
    assert_same(later, elements[count:])


def test_mixed_batches_have_a_target_for_each_class(split):
    dataset = batches_of(
        split, 10, (8, 8), 1, training=True, mixing=Mixing(), classes=4, shard_count=5
    )
    images, labels = dataset.element_spec
    assert (images.dtype, tuple(images.shape)) == (tf.uint8, (2, 8, 8, 1))
    assert (labels.dtype, tuple(labels.shape)) == (tf.float32, (2, 4))
    for _, labels in collect(dataset):
        np.testing.assert_allclose(labels.sum(-1), 1, rtol=1e-6)


def test_evaluation_mixes_nothing(split):
    plain = collect(batches_of(split, 7, (8, 8), 1))
    assert_same(collect(batches_of(split, 7, (8, 8), 1, mixing=Mixing())), plain)


def test_the_number_of_threads_changes_nothing(split):
    loader = BatchLoader(split, 4, (8, 8), 1, True, 0, AUGMENTATION)
    one_by_one = [loader(step) for step in range(10)]
    parallel = collect(
        batches_of(
            split, 4, (8, 8), 1, training=True, epochs=2, augmentation=AUGMENTATION
        )
    )
    assert_same(parallel, one_by_one)
    assert_same([loader(step) for step in reversed(range(10))][::-1], one_by_one)


def test_augmentation_is_for_training_only(split):
    plain = collect(batches_of(split, 20, (8, 8), 1))
    assert_same(
        collect(batches_of(split, 20, (8, 8), 1, augmentation=AUGMENTATION)), plain
    )


def test_augmentation_differs_between_epochs(split):
    loader = BatchLoader(split, 20, (8, 8), 1, True, 0, AUGMENTATION)
    assert (loader.sample(0, 3)[0] != loader.sample(1, 3)[0]).any()


@pytest.mark.parametrize("crop_fraction", [1.0, 0.75])
def test_images_in_memory_and_in_files_are_prepared_alike(tmp_path, crop_fraction):
    pictures = [noise(seed, (24, 24)) for seed in range(6)]
    for index, picture in enumerate(pictures):
        picture.save(tmp_path / f"{index}.png")
    labels = np.zeros(6, np.int64)
    files = FileSplit([f"{n}.png" for n in range(6)], labels, "train", tmp_path)
    arrays = ArraySplit(np.stack([np.asarray(p) for p in pictures]), labels, "train")
    expected = np.stack([prepare_image(p, (10, 12), crop_fraction) for p in pictures])
    for split in (files, arrays):
        (batch,) = batches_of(split, 6, (10, 12), 3, crop_fraction=crop_fraction)
        np.testing.assert_array_equal(batch[0], expected)


def test_evaluation_and_prediction_see_the_same_pixels(tmp_path):
    for index in range(3):
        noise(index, (400, 300)).save(tmp_path / f"{index}.jpg")
    items = [f"{index}.jpg" for index in range(3)]
    split = FileSplit(items, np.zeros(3, np.int64), "test", tmp_path)
    (batch,) = batches_of(split, 3, (32, 32), 3, crop_fraction=0.9)
    for image, item in zip(batch[0].numpy(), items, strict=True):
        alone = load_image(tmp_path / item, (32, 32), crop_fraction=0.9)
        np.testing.assert_array_equal(image, alone)


def test_an_image_that_breaks_in_the_middle_is_named(tmp_path):
    split = load_dataset(make_folder(tmp_path, {"a": 4, "b": 4})).splits["train"]
    broken = tmp_path / split.items[3]
    broken.write_bytes(broken.read_bytes()[:400])
    with (
        pytest.raises(DataError, match=r"truncated or damaged") as error,
        data_errors(),
    ):
        collect(batches_of(split, 2, (8, 8), 3))
    assert str(error.value).startswith(str(broken))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [DataError, ResourceError, UsageError])
def test_our_errors_come_back_as_they_were(split, kind):
    class Failing(BatchLoader):
        def __call__(self, step, shard=0):
            raise kind("There must be memory.\nUse fewer --workers: 2.")

    with pytest.raises(kind) as error, data_errors():
        collect(batches(Failing(split, 4, (8, 8), 3)))
    assert str(error.value) == "There must be memory.\nUse fewer --workers: 2."


def test_other_errors_of_tensorflow_pass_through():
    with pytest.raises(tf.errors.InvalidArgumentError), data_errors():
        tf.reshape(tf.zeros(4), (3,))


@pytest.mark.parametrize("batch_size", [0, 21])
def test_a_batch_larger_than_the_split_is_refused(split, batch_size):
    with pytest.raises(UsageError, match=r"between 1 and the 20 training images"):
        batches_of(split, batch_size, (8, 8), 1, training=True)


def test_a_wrong_number_of_channels_is_refused_at_once(split):
    with pytest.raises(UsageError, match="channels=2"):
        batches_of(split, 4, (8, 8), 2)
