"""Every kind of target comes through one loader, and follows its picture."""

import os
import sys

import numpy as np
import pytest
import tensorflow as tf

from swin_keras.data import Augmentation, BatchLoader, Mixing, Workers, batches
from swin_keras.data.geometry import Geometry
from swin_keras.data.splits import ArraySplit, JoinedSplit
from swin_keras.data.targets import Boxes, Classes, ImageBoxes, Masks, MultiLabel
from swin_keras.data.targets.boxes import CROWD, PADDING
from swin_keras.data.targets.target import Reader
from swin_keras.errors import UsageError

COUNT = 12
CROPS = Augmentation(crop_scale=(0.3, 1.0))


class Bright(Reader):
    """Makes the mask of the bright pixels of a picture, to compare with it."""

    def __call__(self, item):
        return (picture(item)[..., 0] > 127).astype(np.uint8)


def picture(number):
    """Return large blocks, black or white, uint8 `(32, 40, 3)`."""
    blocks = np.random.default_rng(number).integers(0, 2, (4, 5), np.uint8)
    return np.kron(blocks, np.full((8, 8), 255, np.uint8))[..., None].repeat(3, -1)


def box_of(number):
    """Return the box of the left and upper quarter of what is not empty."""
    return ImageBoxes.of([[0, 0, 20, 16]] * (number % 3), [number % 4] * (number % 3))


def make_split(kind):
    numbers = np.arange(COUNT)
    targets = {
        "classes": numbers % 4,
        "multi_label": MultiLabel(numbers[:, None] % (2, 3, 4) == 0),
        "masks": Masks(numbers, Bright()),
        "boxes": Boxes.of(map(box_of, numbers), classes=4),
    }[kind]
    return ArraySplit(np.stack([picture(n) for n in numbers]), targets, "train")


EXPECTED = {
    "classes": ((), tf.int32),
    "multi_label": ((3,), tf.float32),
    "masks": ((24, 28), tf.uint8),
    "boxes": ((2, 5), tf.float32),
}


@pytest.fixture(params=EXPECTED)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def workers():
    with pytest.MonkeyPatch.context() as patch, Workers(1) as workers:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        yield workers


def collect(split, **options):
    passes = {k: options.pop(k) for k in ("start_step", "workers") if k in options}
    loader = BatchLoader(split, 4, (24, 28), 3, **options)
    dataset = batches(loader, epochs=2, **passes)
    return [(images.numpy(), targets.numpy()) for images, targets in dataset], dataset


def assert_same(left, right):
    for ours, theirs in zip(left, right, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_batch_has_the_shape_and_type_of_its_kind(kind):
    shape, dtype = EXPECTED[kind]
    for training in (True, False):
        found, dataset = collect(make_split(kind), training=training)
        _, targets = dataset.element_spec
        rows = 4 if training else None
        assert (targets.dtype, tuple(targets.shape)) == (dtype, (rows, *shape))
        assert all(values.shape == (4, *shape) for _, values in found)


def test_a_run_goes_on_with_every_kind_and_processes_load_the_same(kind, workers):
    options = {"training": True, "seed": 5, "augmentation": CROPS}
    whole, _ = collect(make_split(kind), **options)
    assert len(whole) == 6
    rest, _ = collect(make_split(kind), **options, start_step=2)
    assert_same(rest, whole[2:])
    by_process, _ = collect(make_split(kind), **options, workers=workers)
    assert_same(by_process, whole)
    shards = [
        collect(make_split(kind), **options, shards=(shard,), shard_count=2)[0]
        for shard in range(2)
    ]
    joined = [
        tuple(np.concatenate(values) for values in zip(*step, strict=True))
        for step in zip(*shards, strict=True)
    ]
    assert_same(joined, whole)


def test_masks_show_what_the_images_show():
    found, _ = collect(make_split("masks"), training=True, augmentation=CROPS)
    for images, masks in found:
        assert ((images[..., 0] > 127) == masks).mean() > 0.95


def test_boxes_go_where_the_images_go():
    mirror = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1))
    split = make_split("boxes")
    loader = BatchLoader(split, COUNT, (32, 40), 3, training=True, augmentation=mirror)
    images, boxes = loader(0)
    seen = set()
    for image, rows, number in zip(images, boxes, loader.indices(0)[1], strict=True):
        mirrored = (image[:, ::-1] == picture(number)).all()
        assert mirrored or (image == picture(number)).all()
        box = [20, 0, 40, 16] if mirrored else [0, 0, 20, 16]
        count = number % 3
        expected = np.tile([*box, number % 4], (count, 1))
        np.testing.assert_array_equal(rows[:count], expected)
        assert (rows[count:] == PADDING).all()
        seen.add(bool(mirrored))
    assert seen == {True, False}


def test_rests_of_boxes_and_crowds_are_not_learned_from():
    target = ImageBoxes.of(
        [[0, 0, 20, 16], [18, 0, 40, 16], [30, 0, 40, 16], [0, 0, 8, 8]],
        [0, 1, 2, 3],
        [False, False, False, True],
    )
    boxes = Boxes.of([target], classes=4)
    left_half = Geometry((40, 32), (0, 0, 20, 32), (32, 20))
    placed = boxes.placed(boxes.load(0), left_half)
    np.testing.assert_array_equal(
        placed[:3],
        [[0, 0, 20, 16, 0], [18, 0, 20, 16, CROWD - 1], [0, 0, 8, 8, CROWD - 3]],
    )
    assert (placed[3] == PADDING).all()


def test_evaluation_shows_whole_pictures_with_their_masks_and_boxes():
    split = make_split("boxes")
    loader = BatchLoader(split, COUNT, (16, 16), 3, crop_fraction=0.5)
    _, boxes = loader(0)
    np.testing.assert_allclose(boxes[1, 0], [0, 0, 8, 8, 1])
    masks = make_split("masks")
    np.testing.assert_array_equal(masks.targets.load(3), Bright()(3))


def test_parts_and_joined_splits_keep_their_targets(kind):
    split = make_split(kind)
    chosen = [7, 2, 5]
    part = split.subset(chosen, "val")
    joined = JoinedSplit.of([part, split], "all")
    assert (len(part), len(joined)) == (3, 3 + COUNT)
    for place, index in enumerate([*chosen, *range(COUNT)]):
        expected = split.targets.load(index)
        found = joined.targets.load(place)
        if kind != "boxes":
            found, expected = [found], [expected]
        assert_same([found], [expected])
        np.testing.assert_array_equal(joined.image(place, 3), split.image(index, 3))


def test_other_targets_have_another_fingerprint(kind):
    split = make_split(kind)
    first = [bytes(part) for part in split.targets.contents()]
    swapped = split.targets.subset([1, 0, *range(2, COUNT)])
    other = [bytes(part) for part in swapped.contents()]
    assert first != other


def test_images_are_held_out_by_their_rarest_class():
    vectors = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 0, 0]], bool)
    np.testing.assert_array_equal(MultiLabel(vectors).strata, [0, 1, 2, 3])
    items = [ImageBoxes.of(np.zeros((len(c), 4)), c) for c in ([0], [0, 1], [], [0])]
    np.testing.assert_array_equal(Boxes.of(items, classes=2).strata, [0, 1, 2, 0])


def test_images_with_several_labels_are_mixed_by_them():
    split = make_split("multi_label")
    loader = BatchLoader(
        split, 4, (24, 28), 3, training=True, mixing=Mixing(), classes=3
    )
    images, targets = loader(0)
    pair = split.targets.vectors[loader.indices(0)[1][:2]].astype(float)
    total = targets[:2].sum(0)
    np.testing.assert_allclose(total, pair.sum(0), rtol=1e-5)
    assert images.shape == (4, 24, 28, 3)


@pytest.mark.parametrize("kind", ["masks", "boxes"])
def test_masks_and_boxes_are_not_mixed(kind):
    with pytest.raises(UsageError, match=f"whole images. Received: mixing and {kind}"):
        BatchLoader(
            make_split(kind),
            4,
            (24, 28),
            3,
            training=True,
            mixing=Mixing(),
            classes=4,
        )


def test_an_array_of_classes_makes_targets():
    split = ArraySplit(np.zeros((2, 4, 4, 3), np.uint8), np.array([1, 0]), "train")
    assert isinstance(split.targets, Classes)
    np.testing.assert_array_equal(split.labels, [1, 0])
