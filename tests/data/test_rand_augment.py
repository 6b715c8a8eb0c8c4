import numpy as np
import pytest
from image_files import noise
from PIL import Image

from swin_keras.data import RandAugment
from swin_keras.data.rand_augment import FILL, OPERATIONS
from swin_keras.errors import UsageError

NAMES = (
    "auto_contrast",
    "equalize",
    "invert",
    "rotate",
    "posterize",
    "solarize",
    "solarize_add",
    "color",
    "contrast",
    "brightness",
    "sharpness",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)


def operation(name, strength, image):
    changed = OPERATIONS[NAMES.index(name)](image, strength)
    assert (changed.mode, changed.size) == (image.mode, image.size)
    return np.asarray(changed).astype(int)


def picture(mode="RGB"):
    """Grey or in colour, with values between 60 and 187."""
    return noise(3, (40, 30)).convert(mode).point(lambda value: value // 2 + 60)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("name", NAMES)
def test_every_operation_changes_the_picture(name, mode):
    image = picture(mode)
    before = np.asarray(image).astype(int)
    changed = (operation(name, 0.9, image) != before).any()
    assert changed == (name != "color" or mode == "RGB")


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name not in NAMES[:3] and name != "posterize"]
)
def test_a_higher_magnitude_changes_more(name):
    rows, columns = np.mgrid[:30, :40]
    pixels = np.stack([rows * 4 + 60, columns * 3 + 60, rows + columns + 60], -1)
    stripes = 30 * (columns // 8 % 2)[..., None]  # something to sharpen
    image = Image.fromarray((pixels + stripes).astype(np.uint8))
    before = np.asarray(image).astype(int)
    changes = [
        np.abs(operation(name, strength, image) - before).mean()
        for strength in (0, 0.3, 0.6, 1)
    ]
    assert changes[0] == 0
    assert changes == sorted(changes)
    assert changes[1] < changes[-1]


def test_posterizing_leaves_fewer_values_and_never_one_alone():
    counts = [
        len(np.unique(operation("posterize", strength, noise(0))))
        for strength in (0, 0.5, 1)
    ]
    assert counts == [16, 4, 2]


def test_places_move_by_the_share_of_the_side_that_the_recipe_names():
    image = picture("L")
    pixels = np.asarray(image)
    moved = operation("translate_x", 1 / 9, image)  # 0.45 / 9 of 40 pixels
    np.testing.assert_array_equal(moved[:, :-2], pixels[:, 2:])
    assert (moved[:, -2:] == FILL["L"]).all()
    moved = operation("translate_y", -4 / 27, image)  # 0.45 * 4 / 27 of 30 pixels
    np.testing.assert_array_equal(moved[2:], pixels[:-2])


def test_brightness_goes_both_ways():
    dark, bright = (operation("brightness", s, picture()).mean() for s in (-0.5, 0.5))
    assert dark < np.asarray(picture()).mean() < bright


def test_dark_values_become_brighter_and_bright_ones_stay():
    image = picture("L")
    before = np.asarray(image).astype(int)
    expected = np.where(before < 128, before + 55, before)
    np.testing.assert_array_equal(operation("solarize_add", -0.5, image), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_generator_gives_the_same_image(channels):
    pixels = np.asarray(noise(0))[..., :channels]
    original = pixels.copy()

    def apply(seed):
        changed = RandAugment().apply(pixels, np.random.default_rng(seed))
        assert (changed.shape, changed.dtype) == (pixels.shape, np.uint8)
        return changed

    np.testing.assert_array_equal(apply(5), apply(5))
    assert len({apply(seed).tobytes() for seed in range(30)}) > 15
    np.testing.assert_array_equal(pixels, original)


def test_a_quarter_of_the_images_keeps_all_its_pixels():
    pixels = np.asarray(picture())
    kept = sum(
        (RandAugment().apply(pixels, np.random.default_rng(seed)) == pixels).all()
        for seed in range(400)
    )
    assert 70 <= kept <= 130


def test_no_operations_change_nothing():
    pixels = np.asarray(picture())
    for off in (RandAugment(operations=0), RandAugment(probability=0)):
        np.testing.assert_array_equal(
            off.apply(pixels, np.random.default_rng(0)), pixels
        )


@pytest.mark.parametrize(
    "wrong", [{"magnitude": 11}, {"probability": 1.5}, {"operations": -1}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(UsageError, match=rf"`{next(iter(wrong))}` must be at least 0"):
        RandAugment(**wrong)
