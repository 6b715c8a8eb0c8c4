"""Objects of one picture in front of another."""

import numpy as np
import pytest

from swin_keras.data import IGNORED, BatchLoader, DenseAugmentation
from swin_keras.data.copy_paste import background_of, draw_donor, paste
from swin_keras.data.splits import ArraySplit
from swin_keras.data.targets import Masks
from swin_keras.data.targets.target import Reader
from swin_keras.errors import UsageError

SIDE, COUNT = 16, 4


class _AsIs(Reader):
    def __call__(self, item):
        return item

    def contents(self, item):
        return item.tobytes()


@pytest.fixture
def split():
    """Pictures of a bright square of class n + 1 on a background of value n."""
    images = np.zeros((COUNT, SIDE, SIDE, 1), np.uint8)
    masks = np.zeros((COUNT, SIDE, SIDE), np.uint8)
    for n in range(COUNT):
        images[n] = n
        rows = slice(4 * n, 4 * n + 4)
        images[n, rows, :4] = 100 + n
        masks[n, rows, :4] = n + 1
    return ArraySplit(images, Masks(list(masks), _AsIs()), "train")


def loader_of(split, **options):
    augmentation = DenseAugmentation(
        (1, 1), largest_share=1, flip=False, photometric=False, **options
    )
    return BatchLoader(
        split, COUNT, (SIDE, SIDE), 1, training=True, augmentation=augmentation
    )


def test_objects_are_in_front_with_their_classes_and_nothing_else_is():
    pixels = np.full((1, 5, 1), 1, np.uint8)
    front = np.full((1, 5, 1), 2, np.uint8)
    mask = np.array([[0, 3, IGNORED, 3, 0]], np.uint8)
    front_mask = np.array([[4, 4, 4, IGNORED, 0]], np.uint8)
    pixels, mask = paste(pixels, mask, front, front_mask, background=0)
    assert pixels.ravel().tolist() == [2, 2, 1, 1, 1]
    assert mask.ravel().tolist() == [4, 4, IGNORED, 3, 0]
    assert mask.dtype == np.uint8


def test_pixels_and_masks_agree_and_each_input_has_objects_of_two_pictures(split):
    images, masks = loader_of(split, copy_paste=1.0)(0)
    for image, mask in zip(images[..., 0], masks, strict=True):
        objects = mask > 0
        np.testing.assert_array_equal(image[objects], mask[objects] + 99)
        assert (image[~objects] < COUNT).all()
        assert len(np.unique(image[~objects])) == 1
    counts = [len(np.unique(mask)) - 1 for mask in masks]
    assert set(counts) == {1, 2}  # a picture can be drawn for itself


def test_a_share_of_the_inputs_is_pasted_onto(split):
    loader = loader_of(split, copy_paste=0.5)
    pasted = sum(
        len(np.unique(mask)) > 2 for step in range(100) for mask in loader(step)[1]
    )
    assert 110 < pasted < 190  # 400 x 1/2 x 3/4


def test_without_it_nothing_is_drawn_and_nothing_is_pasted(split):
    rng = np.random.default_rng(0)
    assert draw_donor(DenseAugmentation(), COUNT, rng) is None
    assert rng.random() == np.random.default_rng(0).random()
    assert all(len(np.unique(mask)) == 2 for mask in loader_of(split)(3)[1])


def test_the_background_is_found_by_its_name():
    assert background_of(["cat", "Background"]) == 1
    with pytest.raises(UsageError, match=r"called background.*cat, dog"):
        background_of(["cat", "dog"])


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_shares_are_from_0_to_1(share):
    with pytest.raises(UsageError, match="copy_paste"):
        DenseAugmentation(copy_paste=share)
