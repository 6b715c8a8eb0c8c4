"""Which images a step, a shard and a micro batch hold."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from swin_keras.data import Augmentation, BatchLoader, Mixing, steps_per_epoch
from swin_keras.data.splits import ArraySplit, EncodedSplit, FileSplit
from swin_keras.errors import UsageError


def make_split(count=20):
    labels = np.arange(count) % 3
    return ArraySplit(np.zeros((count, 2, 2, 1), np.uint8), labels, "train")


def make_loader(count=20, batch_size=8, **arguments):
    shards = tuple(range(arguments.get("shard_count", 1)))
    return BatchLoader(
        make_split(count), batch_size, (2, 2), 1, **{"shards": shards, **arguments}
    )


def shard_indices(loader, step):
    return [loader.indices(step, shard)[1] for shard in loader.shards]


@settings(max_examples=50, deadline=None)
@given(
    rows=st.integers(1, 3),
    micro_batches=st.integers(1, 3),
    shard_count=st.integers(1, 4),
    more=st.integers(0, 40),
    seed=st.integers(0, 3),
)
def test_training_shows_each_image_at_most_once_an_epoch(
    rows, micro_batches, shard_count, more, seed
):
    batch_size = rows * micro_batches * shard_count
    arguments = {"training": True, "seed": seed}
    loader = make_loader(
        batch_size + more,
        batch_size,
        micro_batches=micro_batches,
        shard_count=shard_count,
        **arguments,
    )
    one_shard = make_loader(batch_size + more, batch_size, **arguments)
    for epoch in range(2):
        seen = []
        for step in range(epoch * loader.steps, (epoch + 1) * loader.steps):
            parts = shard_indices(loader, step)
            assert {len(part) for part in parts} == {batch_size // shard_count}
            together = np.concatenate(parts)
            assert sorted(together) == sorted(one_shard.indices(step)[1])
            assert loader.indices(step)[0] == epoch
            seen += list(together)
        assert len(set(seen)) == len(seen) == loader.steps * batch_size


@settings(max_examples=50, deadline=None)
@given(
    count=st.integers(1, 60),
    batch_size=st.integers(1, 30),
    shard_count=st.integers(1, 8),
)
def test_evaluation_shows_all_images_in_order_and_leaves_no_shard_empty(
    count, batch_size, shard_count
):
    if count < shard_count:
        with pytest.raises(UsageError, match=f"each of the {shard_count} shards"):
            make_loader(count, batch_size, shard_count=shard_count)
        return
    loader = make_loader(count, batch_size, shard_count=shard_count)
    steps = [shard_indices(loader, step) for step in range(loader.steps)]
    sizes = [sum(map(len, parts)) for parts in steps]
    assert all(len(part) for parts in steps for part in parts)
    together = np.concatenate([part for parts in steps for part in parts])
    np.testing.assert_array_equal(together, np.arange(count))
    assert max(sizes) - min(sizes) <= 1
    assert max(sizes) <= max(batch_size, 2 * shard_count - 1)


@pytest.mark.parametrize("shard_count", [1, 2, 4])
def test_a_micro_batch_is_the_same_for_any_number_of_shards(shard_count):
    loader = make_loader(
        50, 24, training=True, micro_batches=3, shard_count=shard_count
    )
    for step in range(4):
        whole = make_loader(50, 24, training=True).indices(step)[1]
        parts = np.stack(shard_indices(loader, step)).reshape(shard_count, 3, -1)
        for micro_batch in range(3):
            np.testing.assert_array_equal(
                parts[:, micro_batch].ravel(), whole.reshape(3, 8)[micro_batch]
            )


@pytest.mark.parametrize("shard_count", [1, 2, 3])
def test_mixing_does_not_depend_on_the_shards(shard_count):
    split = make_split(30)
    split.items[:] = np.random.default_rng(0).integers(0, 256, split.items.shape)
    shared = {"training": True, "mixing": Mixing(), "classes": 3, "micro_batches": 2}
    one = BatchLoader(split, 24, (2, 2), 1, **shared)
    many = BatchLoader(
        split,
        24,
        (2, 2),
        1,
        **shared,
        shards=range(shard_count),
        shard_count=shard_count,
    )

    def by_image(loader, shard):
        images, labels = loader(1, shard)
        return zip(loader.indices(1, shard)[1], images, labels, strict=True)

    expected = {index: (image, label) for index, image, label in by_image(one, 0)}
    found = [entry for shard in many.shards for entry in by_image(many, shard)]
    assert sorted(index for index, _, _ in found) == sorted(expected)
    for index, image, label in found:
        np.testing.assert_array_equal(image, expected[index][0])
        np.testing.assert_array_equal(label, expected[index][1])


def test_each_pair_is_mixed_otherwise_in_each_epoch_and_by_each_seed():
    split = ArraySplit(np.zeros((8, 2, 2, 1), np.uint8), np.arange(8), "train")

    def shares(seed, epoch):
        """Return what each of the eight images keeps of itself."""
        how = {"training": True, "mixing": Mixing(cutmix=0.0), "classes": 8}
        loader = BatchLoader(split, 8, (2, 2), 1, seed=seed, **how)
        _, labels = loader(epoch)
        return labels[np.arange(8), loader.indices(epoch)[1]]

    found = [shares(seed, epoch) for seed in range(2) for epoch in range(4)]
    assert np.unique(found).size == 2 * 4 * 4  # pairs


def test_the_images_of_a_step_have_names(tmp_path):
    loader = make_loader(training=True, shard_count=2)
    assert loader.names(3) == [
        f"train/{index}" for part in shard_indices(loader, 3) for index in part
    ]
    files = FileSplit(["a/1.png", "b/2.png"], np.zeros(2, int), "val", tmp_path)
    assert BatchLoader(files, 2, (2, 2), 1).names(0) == [
        str(tmp_path / "a" / "1.png"),
        str(tmp_path / "b" / "2.png"),
    ]


def test_steps_of_an_epoch():
    split = make_split()
    assert steps_per_epoch(split, 8, training=True) == 2
    assert steps_per_epoch(split, 8) == 3
    assert steps_per_epoch(split, 4, shard_count=6) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shard_count": 3}, "multiple of 3. Received: batch_size=8"),
        ({"micro_batches": 2, "shard_count": 8}, "multiple of 16"),
        ({"micro_batches": 0}, "micro_batches=0"),
        ({"mixing": Mixing(), "classes": 3, "shard_count": 8}, "pairs.*multiple of 16"),
        ({"mixing": Mixing()}, "needs the number of classes"),
        ({"shards": (2,), "shard_count": 2}, r"Received: shards=\(2,\)"),
        ({"shards": ()}, "must name some of the shards"),
    ],
)
def test_batches_that_do_not_divide_are_refused_in_words(arguments, message):
    with pytest.raises(UsageError, match=message):
        make_loader(training=True, **arguments)


class WholeSplit(EncodedSplit):
    def image(self, index, channels, at_least=None):
        return super().image(index, channels)


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_crop_decides_how_small_a_large_jpeg_is_decoded(orientation):
    slope = np.linspace(0, 127, 1200).astype(np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    data = io.BytesIO()
    picture = Image.fromarray(slope[:800, None] + slope[None, :])
    picture.save(data, "JPEG", quality=95, exif=exif)
    sizes = []

    class NotedSplit(EncodedSplit):
        def image(self, index, channels, at_least=None):
            image = super().image(index, channels, at_least)
            sizes.append(image.size)
            return image

    images, whole = (
        BatchLoader(
            kind([data.getvalue()] * 16, np.zeros(16, int), "train"),
            16,
            (50, 50),
            1,
            training=True,
            augmentation=Augmentation(),
        )(0)[0]
        for kind in (NotedSplit, WholeSplit)
    )
    np.testing.assert_allclose(images.astype(int), whole, atol=3)
    assert {max(size) for size in sizes} == {150, 300}
    turned = orientation == 6
    assert all((height > width) == turned for width, height in sizes)
