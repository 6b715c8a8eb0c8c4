"""A picture, its mask and its boxes go through one geometry alike."""

import dataclasses

import numpy as np
import pytest
from image_files import noise
from PIL import Image

from swin_keras.data.geometry import Geometry, turned_size
from swin_keras.masks import IGNORED

SIZE = (96, 128)
GEOMETRIES = {
    "whole": Geometry.whole((160, 120), SIZE),
    "crop": Geometry((160, 120), (10.5, 20.25, 130.5, 110.25), SIZE),
    "enlarged": Geometry((160, 120), (40, 30, 80, 60), SIZE),
    "mirrored": Geometry((160, 120), (0, 10, 120, 100), SIZE, mirrored=True),
    "beyond": Geometry((160, 120), (-20, -15, 236, 177), SIZE, mirrored=True),
    "rotated": Geometry(
        (160, 120), (0, 0, 160, 120), SIZE, rotation=20, move=(0.1, -0.05)
    ),
    "all": Geometry((160, 120), (5, 5, 165, 125), SIZE, True, -30, (-0.05, 0.1)),
    "turned": Geometry((160, 120), (10, 20, 100, 120), SIZE, turns=1),
    "turned back": Geometry((160, 120), (-20, 20, 100, 140), SIZE, True, turns=3),
    "upside down": Geometry((160, 120), (10, 20, 130, 110), SIZE, turns=2),
}


@pytest.fixture(params=GEOMETRIES)
def geometry(request):
    return GEOMETRIES[request.param]


def rectangle(box, width=160, height=120):
    mask = np.zeros((height, width), np.uint8)
    left, top, right, bottom = box
    mask[top:bottom, left:right] = 1
    return mask


def extent(mask):
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def test_a_mask_lies_where_its_object_is_in_the_picture(geometry):
    mask = rectangle((60, 40, 100, 70))
    pixels = geometry.image(Image.fromarray(mask * 255))[..., 0]
    moved = geometry.mask(mask)
    assert (pixels.shape, moved.shape) == (SIZE, SIZE)
    assert (pixels.dtype, moved.dtype) == (np.uint8, np.uint8)
    known = moved != IGNORED
    wrong = ((pixels > 127) != (moved == 1))[known]
    edge = np.sqrt(known.sum())
    assert wrong.sum() <= 0.5 * edge  # some pixels of its edge, no row of it
    assert not pixels[~known].any()


@pytest.mark.parametrize("name", [n for n, g in GEOMETRIES.items() if not g.rotation])
def test_a_box_is_the_extent_of_its_moved_mask(name):
    geometry = GEOMETRIES[name]
    for box in ((60, 40, 100, 70), (0, 0, 160, 120), (5, 90, 30, 118)):
        (moved,), (share,) = geometry.boxes(np.array([box], np.float32))
        mask = geometry.mask(rectangle(box)) == 1
        if not mask.any():
            assert share < 0.01
            continue
        assert 0 < share <= 1
        np.testing.assert_allclose(moved, extent(mask), atol=1.01)


@pytest.mark.parametrize("name", ["rotated", "all"])
def test_a_turned_box_has_the_extent_of_its_mask(name):
    box = (60, 40, 100, 70)
    (moved,), _ = GEOMETRIES[name].boxes(np.array([box]))
    mask = GEOMETRIES[name].mask(rectangle(box)) == 1
    np.testing.assert_allclose(moved, extent(mask), atol=1.5)


@pytest.mark.parametrize("name", ["whole", "crop", "enlarged", "mirrored"])
def test_a_picture_of_another_resolution_gives_the_same_part(name):
    geometry = GEOMETRIES[name]
    picture = noise(0, (16, 12)).resize((160, 120), Image.Resampling.BICUBIC)
    large = picture.resize((320, 240), Image.Resampling.BICUBIC)
    expected, found = geometry.image(picture), geometry.image(large)
    np.testing.assert_allclose(found.astype(int), expected, atol=6)


def test_what_lies_beyond_the_picture_is_black_and_ignored():
    geometry = Geometry((10, 10), (0, 0, 20, 20), (40, 40))
    pixels = geometry.image(Image.new("RGB", (10, 10), (200, 100, 50)))
    mask = geometry.mask(np.full((10, 10), 3, np.uint8))
    assert (pixels[:20, :20] == (200, 100, 50)).all()
    assert (mask[:20, :20] == 3).all()
    assert not pixels[20:].any()
    assert not pixels[:, 20:].any()
    assert (mask[20:] == IGNORED).all()
    assert (mask[:, 20:] == IGNORED).all()


def test_the_share_of_a_box_that_is_left_is_known():
    geometry = Geometry((100, 100), (0, 0, 50, 100), (100, 50))
    boxes, shares = geometry.boxes(
        np.array([[0, 0, 10, 10], [40, 0, 80, 10], [60, 0, 80, 10], [5, 5, 5, 9]])
    )
    np.testing.assert_allclose(shares, [1, 0.25, 0, 0])
    np.testing.assert_allclose(boxes[1], [40, 0, 50, 10])
    none, no_shares = geometry.boxes(np.zeros((0, 4), np.float32))
    assert (none.shape, no_shares.shape) == ((0, 4), (0,))


def test_enough_pixels_are_those_that_the_crop_needs():
    assert Geometry.whole((1600, 1200), (96, 128)).useful_side == 96
    assert Geometry((1600, 1200), (0, 0, 128, 96), (96, 128)).useful_side == 1200


@pytest.mark.parametrize("turns", range(4))
def test_quarter_turns_are_those_of_numpy(turns):
    picture = noise(0, (160, 120))
    plain = Geometry((160, 120), (10, 20, 138, 116), SIZE, True)
    turned = dataclasses.replace(plain, size=turned_size(SIZE, turns), turns=turns)
    expected = np.rot90(plain.image(picture), turns)
    np.testing.assert_array_equal(turned.image(picture), expected)
    mask = rectangle((60, 40, 100, 70))
    np.testing.assert_array_equal(turned.mask(mask), np.rot90(plain.mask(mask), turns))
    assert turned.useful_side == plain.useful_side
    assert (turned.blackened(expected) == expected).all()


def test_what_lies_beyond_a_turned_picture_is_black_again():
    turned = Geometry((10, 10), (0, 0, 20, 10), (40, 20), turns=1)
    mask = turned.mask(np.zeros((10, 10), np.uint8))
    bright = turned.blackened(np.full((40, 20, 1), 255, np.uint8))[..., 0]
    np.testing.assert_array_equal(bright > 0, mask != IGNORED)
    assert bright[20:].all()
    assert not bright[:20].any()
