"""Pictures without an upright are turned by quarters, with all that belongs to them."""

from collections import Counter

import numpy as np
import pytest
from image_files import noise

from swin_keras.data import DenseAugmentation
from swin_keras.data.augmentation import Augmentation
from swin_keras.data.boxes.augmentation import BoxAugmentation

SIZE, INPUT = (200, 150), (48, 96)  # width and height; height and width
KINDS = {
    "classify": lambda **o: Augmentation(crop_ratio=(1, 1), crop_scale=(0.3, 0.5), **o),
    "segment": lambda **o: DenseAugmentation(**o),
    "detect": lambda **o: BoxAugmentation(stretch=(1, 1), letter_box=True, **o),
}


def draws(augmentation, count=200, **options):
    return [
        augmentation.draw(SIZE, INPUT, np.random.default_rng([7, seed]), **options)
        for seed in range(count)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_each_quarter_comes_as_often_and_nothing_is_stretched(kind):
    geometries = draws(KINDS[kind](quarter_turns=True))
    turns = Counter(geometry.turns for geometry in geometries)
    assert sorted(turns) == [0, 1, 2, 3]
    assert all(30 <= count <= 70 for count in turns.values())
    for geometry in geometries:
        left, top, right, bottom = geometry.crop
        across, down = INPUT if geometry.turns % 2 else INPUT[::-1]
        ratio = (right - left) / (bottom - top) / (across / down)
        assert ratio == pytest.approx(1, rel=0.02)
        assert geometry.size == INPUT
    picture = noise(0, SIZE)
    assert {geometry.image(picture).shape for geometry in geometries[:20]} == {
        (*INPUT, 3)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_without_them_nothing_is_turned_nor_drawn_otherwise(kind):
    plain = draws(KINDS[kind]())
    assert not any(geometry.turns for geometry in plain)
    assert plain == draws(KINDS[kind](quarter_turns=False))


def test_a_part_of_a_mosaic_is_turned_and_fills_its_place():
    augmentation = BoxAugmentation(quarter_turns=True, stretch=(1, 1), letter_box=True)
    for geometry in draws(augmentation, 40, part_of=(96, 96)):
        assert geometry.size == INPUT
        left, top, right, bottom = geometry.crop
        ratio = (right - left) / (bottom - top)
        assert ratio == pytest.approx(0.5 if geometry.turns % 2 else 2)
