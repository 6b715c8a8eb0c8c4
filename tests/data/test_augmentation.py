import hashlib

import numpy as np
import pytest
from image_files import noise
from PIL import Image

from swin_keras.data import Augmentation, RandAugment
from swin_keras.data.image_io import prepare_image
from swin_keras.errors import UsageError


def apply(augmentation, seed, size=(16, 16)):
    return augmentation.apply(noise(0, (50, 40)), size, np.random.default_rng(seed))


def test_the_same_generator_gives_the_same_pixels():
    augmentation = Augmentation()
    np.testing.assert_array_equal(apply(augmentation, 3), apply(augmentation, 3))
    assert (apply(augmentation, 3) != apply(augmentation, 4)).any()


def test_boxes_fit_and_keep_area_and_stretch_in_range():
    augmentation = Augmentation(crop_scale=(0.2, 0.6), crop_ratio=(0.8, 1.25))
    rng = np.random.default_rng(0)
    areas, ratios = [], []
    for _ in range(500):
        left, top, right, bottom = augmentation.crop_box((500, 375), (64, 64), rng)
        assert 0 <= left < right <= 500
        assert 0 <= top < bottom <= 375
        areas.append((right - left) * (bottom - top) / (500 * 375))
        ratios.append((right - left) / (bottom - top))
    assert 0.2 <= min(areas) < 0.25
    assert 0.55 < max(areas) <= 0.6
    assert 0.8 <= min(ratios) < 0.85
    assert 1.2 < max(ratios) <= 1.25


def test_a_crop_that_never_fits_becomes_the_centre():
    augmentation = Augmentation(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    box = augmentation.crop_box((500, 375), (64, 64), np.random.default_rng(0))
    assert box == (62.5, 0.0, 437.5, 375.0)


def test_half_of_the_images_are_mirrored_and_only_on_request():
    whole = {"crop_scale": (1.0, 1.0), "crop_ratio": (1.0, 1.0)}
    plain = prepare_image(noise(0, (50, 40)), (16, 16))
    mirrored = 0
    for seed in range(100):
        np.testing.assert_array_equal(
            apply(Augmentation(**whole, flip=False), seed), plain
        )
        pixels = apply(Augmentation(**whole), seed)
        mirrored += (pixels == plain[:, ::-1]).all()
        assert (pixels == plain).all() or (pixels == plain[:, ::-1]).all()
    assert 35 <= mirrored <= 65


def test_the_result_has_the_size_asked_for():
    pixels = apply(Augmentation(), 0, size=(12, 20))
    assert pixels.shape == (12, 20, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("crop_scale", [(0, 1), (0.5, 0.2), (0.5, 1.5)])
def test_impossible_areas_are_refused(crop_scale):
    with pytest.raises(UsageError, match=r"crop_scale.*at most 1.*Received"):
        Augmentation(crop_scale=crop_scale)


def test_impossible_stretches_are_refused():
    with pytest.raises(UsageError, match=r"crop_ratio.*Received"):
        Augmentation(crop_ratio=(2.0, 1.0))


def test_turning_and_moving_keep_the_image_near_its_place():
    image = Image.fromarray(np.pad(np.full((8, 8), 200, "uint8"), 12))  # a square
    moved = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1), flip=False, shift=0.1)
    turned = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1), flip=False, rotate=45)

    def centres(augmentation):
        for seed in range(40):
            pixels = augmentation.apply(image, (32, 32), np.random.default_rng(seed))
            assert pixels.shape == (32, 32, 1)
            yield np.array(np.nonzero(pixels[..., 0] > 50)).mean(1) - 15.5

    distances = np.abs(list(centres(moved)))
    assert 2 < distances.max() <= 3.2 + 0.5  # a tenth of 32, and half a pixel
    assert np.abs(list(centres(turned))).max() < 0.6


@pytest.mark.parametrize(
    ("augmentation", "colour", "grey"),
    [
        (Augmentation(), "c4edc5946d3ba0f3", "bd4d7c0888a3901f"),
        (
            Augmentation(rotate=15.0, shift=0.1, flip=False),
            "ea1b39fd8399b084",
            "e0745d3547c4b274",
        ),
    ],
)
def test_a_seed_gives_the_pixels_it_always_gave(augmentation, colour, grey):
    rows, columns = np.mgrid[:50, :40]
    pixels = rows * 5 + columns * np.arange(3)[:, None, None] * 3
    pixels = pixels.astype(np.uint8).transpose(1, 2, 0)
    for image, expected in ((pixels, colour), (pixels[..., 1], grey)):
        digest = hashlib.sha256()
        for seed in range(20):
            rng = np.random.default_rng(seed)
            result = augmentation.apply(Image.fromarray(image), (16, 20), rng)
            digest.update(result.tobytes())
        assert digest.hexdigest()[:16] == expected


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_more_changes_come_after_the_crop_and_leave_it_as_it_was(mode):
    image = noise(0, (50, 40)).convert(mode)
    rand_augment = RandAugment(probability=1.0)
    more = Augmentation(rand_augment=rand_augment, erase=1.0)
    rng = np.random.default_rng(0)
    result = more.apply(image, (16, 16), rng)
    assert (result.shape, result.dtype) == ((16, 16, len(mode)), np.uint8)

    rng = np.random.default_rng(0)
    cropped = Augmentation().apply(image, (16, 16), rng)
    changed = rand_augment.apply(cropped, rng)
    kept = (result == changed).all(-1).mean()
    assert 0.6 < kept < 1  # all but a rectangle


def test_the_share_asked_for_is_erased():
    augmentation = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1), flip=False)
    plain = apply(augmentation, 0)
    erasing = Augmentation(crop_scale=(1, 1), crop_ratio=(1, 1), flip=False, erase=0.25)
    erased = sum((apply(erasing, seed) != plain).any() for seed in range(200))
    assert 30 <= erased <= 70
    with pytest.raises(UsageError, match=r"`erase` must be between 0 and 1"):
        Augmentation(erase=25)
