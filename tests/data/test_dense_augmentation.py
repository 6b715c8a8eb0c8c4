"""The published changes to pictures with masks or boxes."""

from dataclasses import replace

import numpy as np
import pytest
from image_files import noise
from PIL import Image

from swin_keras.data import IGNORED, BatchLoader, DenseAugmentation, Geometry
from swin_keras.data.photometric import distort
from swin_keras.data.splits import ArraySplit
from swin_keras.data.targets import Masks
from swin_keras.data.targets.target import Reader
from swin_keras.errors import UsageError

PLAIN = {"flip": False, "photometric": False}


def draw(augmentation, seed, size=(200, 100), image_size=(64, 64), **options):
    rng = np.random.default_rng(seed)
    return augmentation.draw(size, image_size, rng, **options)


def test_scales_fill_their_range_and_keep_the_aspect_ratio():
    scales = []
    for seed in range(200):
        geometry = draw(DenseAugmentation(), seed)
        left, top, right, bottom = geometry.crop
        across, down = 64 / (right - left), 64 / (bottom - top)
        assert across == pytest.approx(down, rel=0.02)  # sides are whole pixels
        scales.append(down / 0.64)  # at scale 1, the short side fills the target
        assert left >= 0
        assert top >= 0
    assert 0.49 < min(scales) < 0.55
    assert 1.9 < max(scales) < 2.02


def test_a_small_picture_is_padded_and_its_edge_is_a_whole_pixel():
    augmentation = DenseAugmentation(scale=(0.5, 0.5), **PLAIN)
    geometry = draw(augmentation, 0, (50, 50))
    pixels = geometry.image(Image.new("RGB", (50, 50), (9, 9, 9)))
    mask = geometry.mask(np.ones((50, 50), np.uint8))
    for values, there, beyond in ((pixels[..., 0], 9, 0), (mask, 1, IGNORED)):
        assert (values[:32, :32] == there).all()
        assert (values[32:] == beyond).all()
        assert (values[:, 32:] == beyond).all()


def test_crops_show_the_whole_picture_and_half_are_mirrored():
    covered, mirrored = np.zeros((100, 200), bool), 0
    for seed in range(300):
        geometry = draw(DenseAugmentation(), seed)
        left, top, right, bottom = map(round, geometry.crop)
        covered[top:bottom, left:right] = True
        mirrored += geometry.mirrored
    assert covered.all()
    assert 110 < mirrored < 190


def test_a_very_long_picture_is_not_enlarged_beyond_measure():
    geometry = draw(DenseAugmentation(scale=(1, 1)), 0, (1000, 10))
    assert 64 / (geometry.crop[2] - geometry.crop[0]) == pytest.approx(0.256, rel=0.1)


def test_crops_of_one_class_are_drawn_again_ten_times_at_most():
    mask = np.zeros((100, 200), np.uint8)
    mask[20:80, 60:140] = 1
    targets = Masks([mask], None)

    def share(geometry):
        return targets.preview(mask, geometry)

    def mean_share(**options):
        augmentation = DenseAugmentation(scale=(2, 2), **options)
        return np.mean([share(draw(augmentation, s, preview=share)) for s in range(60)])

    assert mean_share() < mean_share(largest_share=1.0) - 0.1
    calls = []
    draw(DenseAugmentation(), 0, preview=lambda _: calls.append(1) or 0.9)
    assert len(calls) == 10
    draw(DenseAugmentation(scale=(0.5, 0.9)), 0, (64, 64), preview=calls.append)
    assert len(calls) == 10  # the whole picture is shown: no place is better


def test_ignored_pixels_are_of_no_class():
    mask = np.array([[0, 1], [IGNORED, IGNORED]], np.uint8)
    whole = Geometry.whole((2, 2), (2, 2))
    assert Masks([mask], None).preview(mask, whole) == 0.5
    nothing = np.full((2, 2), IGNORED, np.uint8)
    assert Masks([nothing], None).preview(nothing, whole) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_distortion_changes_colours_and_not_places(channels):
    pixels = np.asarray(noise(0, (24, 24)))[..., :channels]
    changed = [distort(pixels, np.random.default_rng(seed)) for seed in range(100)]
    assert all((c.shape, c.dtype) == (pixels.shape, np.uint8) for c in changed)
    same = sum((c == pixels).all() for c in changed)
    assert 0 < same < 50
    differences = [np.abs(c.astype(float) - pixels).mean() for c in changed]
    assert 15 < max(differences) < 90
    flat = np.full((8, 8, channels), 128, np.uint8)
    for seed in range(20):
        result = distort(flat, np.random.default_rng(seed))
        assert (result == result[0, 0]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": (2.0, 0.5)}, r"`scale` must be.*Received: scale=\(2.0, 0.5\)"),
        ({"scale": (0, 1)}, "above 0"),
        ({"largest_share": 0}, "largest_share=0"),
        ({"largest_share": 75}, "at most 1"),
    ],
)
def test_numbers_out_of_range_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        DenseAugmentation(**options)


class Held(Reader):
    def __call__(self, item):
        return item


def test_a_loader_draws_the_same_for_a_picture_and_its_mask():
    masks = [np.kron(np.eye(4, dtype=np.uint8), np.ones((8, 8), np.uint8))] * 8
    pictures = np.stack(masks)[..., None].repeat(3, -1) * 255
    split = ArraySplit(pictures, Masks(masks, Held()), "train")
    loader = BatchLoader(
        split,
        8,
        (48, 40),
        3,
        training=True,
        augmentation=DenseAugmentation(photometric=False),
    )
    coloured = replace(loader, augmentation=DenseAugmentation())
    images, same = coloured(0)
    assert not images[same == IGNORED].any()  # also where all else is brighter
    images, targets = loader(0)
    np.testing.assert_array_equal(same, targets)
    known = targets != IGNORED
    assert 0.2 < known.mean() < 1
    assert ((images[..., 0] > 127) == (targets == 1))[known].mean() > 0.97
    assert not images[~known].any()
