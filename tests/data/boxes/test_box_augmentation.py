"""Boxes go where their pixels go, in every crop, mirror, frame and mosaic."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from swin_keras import TrainConfig
from swin_keras.data import BatchLoader, DenseAugmentation
from swin_keras.data.boxes.augmentation import (
    BoxAugmentation,
    boxes_in_picture,
    whole_picture,
)
from swin_keras.data.boxes.mosaic import draw_tiles, is_mosaic
from swin_keras.data.geometry import Geometry
from swin_keras.data.splits import ArraySplit
from swin_keras.data.targets import Boxes, ImageBoxes
from swin_keras.errors import UsageError
from swin_keras.masks import IGNORED
from swin_keras.tasks import task_named

SIZE, INPUT = (120, 90), (64, 80)  # (width, height) and (height, width)


def painted(box, size=SIZE):
    mask = np.zeros(size[::-1], np.uint8)
    x1, y1, x2, y2 = box
    mask[y1:y2, x1:x2] = 1
    return mask


def extent(mask):
    rows, columns = np.nonzero(mask == 1)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


def random_box(rng, size=SIZE):
    x1, y1 = (int(rng.integers(0, side - 12)) for side in size)
    x2, y2 = int(rng.integers(x1 + 8, size[0])), int(rng.integers(y1 + 8, size[1]))
    return x1, y1, x2, y2


@pytest.mark.parametrize("letter_box", [False, True])
def test_a_box_is_that_of_the_changed_mask_within_half_a_pixel(letter_box):
    augmentation = BoxAugmentation(
        crop=1, scale=(0.4, 3), stretch=(0.5, 2), letter_box=letter_box
    )
    compared = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        box = random_box(rng)
        geometry = augmentation.draw(SIZE, INPUT, rng)
        mask = geometry.mask(painted(box))
        (moved,), (share,) = geometry.boxes([box])
        if share * np.prod(moved[2:] - moved[:2]) > 4 and (mask == 1).any():
            compared += 1
            np.testing.assert_allclose(moved, extent(mask), atol=0.5 + 1e-4)
            assert share == pytest.approx(visible(box, geometry), abs=1e-5)
    assert compared > 200


def visible(box, geometry):
    """Share of a box that lies in the crop, by the crop alone."""
    x1, y1, x2, y2 = box
    left, top, right, bottom = geometry.crop
    across = max(min(x2, right) - max(x1, left), 0)
    down = max(min(y2, bottom) - max(y1, top), 0)
    return across * down / ((x2 - x1) * (y2 - y1))


def test_pixels_go_where_masks_go():
    picture = painted((30, 20, 70, 60)) * 255
    for seed in range(20):
        rng = np.random.default_rng(seed)
        geometry = BoxAugmentation(crop=1).draw(SIZE, INPUT, rng)
        pixels = geometry.image(Image.fromarray(picture))[..., 0]
        mask = geometry.mask(picture // 255)
        wrong = (pixels > 127) != (mask == 1)
        assert wrong.sum() <= 0.5 * np.sum(np.add(*INPUT))  # of the edges, at most


def test_whole_pictures_are_squashed_unless_they_are_to_be_framed():
    squashed = whole_picture((200, 100), (64, 64))
    assert squashed.boxes([[0, 0, 200, 100]])[0].tolist() == [[0, 0, 64, 64]]
    framed = whole_picture((200, 100), (64, 64), letter_box=True)
    assert framed.boxes([[0, 0, 200, 100]])[0].tolist() == [[0, 16, 64, 48]]
    mask = framed.mask(np.zeros((100, 200), np.uint8))
    assert (mask[:16] == IGNORED).all()
    assert (mask[48:] == IGNORED).all()
    assert (mask[16:48] == 0).all()


def test_found_boxes_go_back_to_where_they_came_from():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        box = random_box(rng)
        geometry = BoxAugmentation(scale=(0.5, 1), crop=1).draw(SIZE, INPUT, rng)
        moved, share = geometry.boxes([box])
        if share == 1:
            np.testing.assert_allclose(
                boxes_in_picture(moved, geometry), [box], atol=1e-3
            )
    outside = boxes_in_picture([[-50, -50, 500, 500]], whole_picture(SIZE, INPUT))
    assert outside.tolist() == [[0, 0, 120, 90]]
    for change in ({"rotation": 5.0}, {"turns": 1}):
        with pytest.raises(UsageError, match="were turned"):
            boxes_in_picture([], Geometry(SIZE, (0, 0, 9, 9), INPUT, **change))


def test_crops_keep_objects():
    augmentation = BoxAugmentation(crop=1, scale=(2, 6), least_visible=0.6)
    small = np.array([[100, 70, 112, 84]], float)
    kept, unasked = [], []
    for seed in range(100):

        def preview(geometry):
            return geometry.boxes(small)[1]

        for shares, asked in ((kept, preview), (unasked, None)):
            rng = np.random.default_rng(seed)
            shares.append(preview(augmentation.draw(SIZE, INPUT, rng, asked))[0])
    assert min(kept) >= 0.6
    assert np.mean(np.array(unasked) < 0.6) > 0.5  # or the rule would do nothing


def test_a_crop_does_not_cut_most_of_what_it_touches():
    boxes = np.array([[10 * i, 0, 10 * i + 30, 90] for i in range(9)], float)
    augmentation = BoxAugmentation(crop=1, scale=(1, 4))
    for seed in range(100):
        geometry = augmentation.draw(
            SIZE, INPUT, np.random.default_rng(seed), lambda g: g.boxes(boxes)[1]
        )
        shares = geometry.boxes(boxes)[1]
        assert 2 * (shares >= 0.6).sum() >= (shares > 0).sum()


def test_the_same_generator_draws_the_same_and_half_are_mirrored():
    augmentation = BoxAugmentation()
    draws = [
        augmentation.draw(SIZE, INPUT, np.random.default_rng([1, 2, index]))
        for index in (*range(200), *range(200))
    ]
    assert draws[:200] == draws[200:]
    assert 70 < sum(geometry.mirrored for geometry in draws[:200]) < 130
    whole = sum(g.crop == (0, 0, 120, 90) for g in draws[:200])
    assert 30 < whole < 75  # a quarter
    plain = BoxAugmentation(flip=False, crop=0)
    assert plain.draw(SIZE, INPUT, np.random.default_rng(0)) == Geometry.whole(
        SIZE, INPUT
    )


def test_colours_change_and_places_do_not():
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2:5, 3:6] = (200, 40, 90)
    changed = BoxAugmentation().finish(pixels, np.random.default_rng(3))
    assert changed.dtype == np.uint8
    assert (changed[2:5, 3:6] == changed[2, 3]).all()
    assert not (changed == pixels).all()
    assert (
        BoxAugmentation(colour=0).finish(pixels, np.random.default_rng(3)) == pixels
    ).all()
    grey = BoxAugmentation().finish(pixels[..., :1], np.random.default_rng(3))
    assert grey.shape == (8, 8, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_photometric_distortion_is_that_of_pictures_with_masks(channels):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 9, channels), np.uint8)
    boxes = BoxAugmentation(photometric=True)
    masks = DenseAugmentation(photometric=True)
    for seed in range(10):
        one, other = (
            each.finish(pixels, np.random.default_rng(seed)) for each in (boxes, masks)
        )
        np.testing.assert_array_equal(one, other)
    assert (one != pixels).any()


@pytest.mark.parametrize(
    ("task", "asked", "made"),
    [
        ("detect", None, False),
        ("detect", True, True),
        ("segment", None, True),
        ("segment", False, False),
    ],
)
def test_a_run_hands_photometric_to_its_pictures(task, asked, made):
    dataset = SimpleNamespace(mirror_safe=True, class_names=("sky", "kite"), classes=2)
    config = TrainConfig(task=task, photometric=asked)
    options = task_named(task).loader_options(dataset, config)
    assert options["augmentation"].photometric is made


def test_photometric_means_nothing_to_classes():
    config = TrainConfig(photometric=True)
    with pytest.raises(UsageError, match="`photometric` means nothing to the task"):
        task_named("classify").check_options(config)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale": (0, 1)}, "`scale` must be"),
        ({"stretch": (2, 1)}, "`stretch` must be"),
        ({"crop": 2}, "`crop` must be between"),
        ({"mosaic": -1}, "`mosaic` must be between"),
        ({"least_visible": 60}, "`least_visible` must be between"),
    ],
)
def test_numbers_out_of_range_are_refused(options, words):
    with pytest.raises(UsageError, match=words):
        BoxAugmentation(**options)


# Mosaics


def split_of_squares(count=6, side=40):
    """Pictures of one bright rectangle each, whose class is the picture's index."""
    rng = np.random.default_rng(0)
    items = np.zeros((count, side, side, 3), np.uint8)
    targets = []
    for index in range(count):
        x1, y1, x2, y2 = random_box(rng, (side, side))
        items[index, y1:y2, x1:x2] = 100 + 20 * index
        targets.append(ImageBoxes.of([[x1, y1, x2, y2]], [index]))
    return ArraySplit(items, Boxes.of(targets, count), "train")


def test_tiles_fill_the_input_and_the_picture_is_one_of_them():
    for seed in range(30):
        covered = np.zeros(INPUT, int)
        tiles = draw_tiles(5, 9, INPUT, np.random.default_rng(seed))
        for tile in tiles:
            tile.within(covered)[:] += 1
        assert (covered == 1).all()
        assert 5 in [tile.index for tile in tiles]
    places = {
        [
            tile.index for tile in draw_tiles(8, 5, INPUT, np.random.default_rng(s))
        ].index(8)
        for s in range(40)
    }
    assert places == {0, 1, 2, 3}


@pytest.mark.parametrize("letter_box", [False, True])
def test_pictures_in_tiles_are_stretched_as_they_are_in_a_whole_input(letter_box):
    augmentation = BoxAugmentation(stretch=(1, 1), letter_box=letter_box)
    ratio = 1 if letter_box else (80 / 120) / (64 / 90)  # across by down, of 120 x 90
    for seed in range(40):
        for tile in draw_tiles(0, 3, INPUT, np.random.default_rng(seed)):
            geometry = augmentation.draw(
                SIZE, tile.size, np.random.default_rng(seed), part_of=INPUT
            )
            left, top, right, bottom = geometry.crop
            across, down = tile.size[1] / (right - left), tile.size[0] / (bottom - top)
            assert across / down == pytest.approx(ratio)


def test_boxes_of_a_mosaic_are_those_of_its_pixels():
    split = split_of_squares()
    augmentation = BoxAugmentation(mosaic=1.0, crop=0, flip=True, colour=0)
    loader = BatchLoader(
        split, 6, (64, 64), 3, training=True, seed=3, augmentation=augmentation
    )
    compared = 0
    for step in range(4):
        images, boxes = loader(step)
        assert boxes.shape == (6, 4, 5)
        for pixels, rows in zip(images, boxes, strict=True):
            for x1, y1, x2, y2, class_id in rows[rows[:, 4] >= 0]:
                colour = 100 + 20 * class_id
                inside = pixels[
                    int(np.ceil(y1 + 1.5)) : int(y2 - 1.5),
                    int(np.ceil(x1 + 1.5)) : int(x2 - 1.5),
                ]
                if inside.size:
                    compared += 1
                    assert np.abs(inside.astype(int) - colour).max() <= 25
    assert compared > 50


def test_what_lies_beyond_a_picture_stays_black_in_a_mosaic():
    items = np.full((4, 40, 40, 3), 200, np.uint8)
    split = ArraySplit(items, Boxes.of([ImageBoxes.of()] * 4, 1), "train")
    augmentation = BoxAugmentation(mosaic=1, crop=1, scale=(0.5, 0.5), colour=0.5)
    images, _ = BatchLoader(
        split, 4, (64, 64), 3, training=True, augmentation=augmentation
    )(0)
    is_black = (images == 0).all(-1)
    assert 0.6 < is_black.mean() < 0.8  # a quarter of each tile is seen
    assert images[~is_black].min() > 40


def test_a_mosaic_is_a_function_of_seed_epoch_and_index():
    split = split_of_squares()
    options = {"training": True, "augmentation": BoxAugmentation(mosaic=0.5)}
    one, same = (BatchLoader(split, 6, (48, 48), 3, seed=1, **options) for _ in "ab")
    other = BatchLoader(split, 6, (48, 48), 3, seed=2, **options)
    for values, again in zip(one(1), same(1), strict=True):
        np.testing.assert_array_equal(values, again)
    assert not np.array_equal(one(1)[0], other(1)[0])


def test_an_augmentation_without_mosaics_draws_nothing_for_them():
    rng = np.random.default_rng(0)
    assert not is_mosaic(BoxAugmentation(), rng)
    assert rng.random() == np.random.default_rng(0).random()


def test_of_more_boxes_than_there_is_room_for_the_largest_are_kept():
    boxes = [[0, 0, 10 + i, 10] for i in (5, 1, 9, 3)]
    target = ImageBoxes.of(boxes, [0, 1, 2, 3])
    targets = Boxes.of([target], 4, capacity=2)
    placed = targets.placed(target, Geometry.whole((64, 64), (64, 64)))
    assert placed.tolist() == [[0, 0, 15, 10, 0], [0, 0, 19, 10, 2]]


def test_evaluation_can_frame_pictures():
    split = split_of_squares(2)
    _, boxes = BatchLoader(split, 2, (40, 80), 3, letter_box=True)(0)
    _, squashed = BatchLoader(split, 2, (40, 80), 3)(0)
    given = split.targets.load(0).boxes[0]
    assert boxes[0, 0, :4].tolist() == np.add(given, (20, 0, 20, 0)).tolist()
    assert squashed[0, 0, :4].tolist() == (given * (2, 1, 2, 1)).tolist()
