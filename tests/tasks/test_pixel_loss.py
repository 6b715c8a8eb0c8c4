"""A segmenter's loss and mean IoU, against loops and numbers worked by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import jaccard_score

from swin_keras.tasks.pixel_loss import MeanIoU, PixelLoss

CLASSES, IGNORED = 4, 255
WEIGHTS = (0.5, 2.0, 1.0, 3.0)


@pytest.fixture
def masks():
    """Return `(2, 5, 7)` with ignored pixels; the second is without class 3."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, CLASSES, (2, 5, 7)).astype("uint8")
    masks[1][masks[1] == 3] = 1
    masks[0, :2, 3:] = masks[1, 4] = IGNORED
    return masks


@pytest.fixture
def logits():
    rng = np.random.default_rng(1)
    return rng.normal(size=(2, 5, 7, CLASSES)).astype("float32") * 2


def softmax(row):
    powers = [math.exp(value) for value in row]
    return [power / sum(powers) for power in powers]


def counted_pixels(mask, logits):
    """Yield the class of each pixel that is not ignored, and its probabilities."""
    for y, x in np.ndindex(mask.shape):
        if mask[y, x] != IGNORED:
            yield int(mask[y, x]), softmax(logits[y, x].tolist())


def entropy_by_pixels(mask, logits, weights=(1.0,) * CLASSES):
    """Return the sum of the pixels' cross-entropies over height times width."""
    pixels = counted_pixels(mask, logits)
    return sum(-weights[true] * math.log(said[true]) for true, said in pixels) / (
        mask.shape[0] * mask.shape[1]
    )


def dice_by_classes(mask, logits):
    """Return 1 less the mean Dice of the classes, each with a pixel on both sides."""
    pixels, dices = list(counted_pixels(mask, logits)), []
    for name in range(CLASSES):
        common = sum(said[name] for true, said in pixels if true == name)
        sizes = sum(said[name] ** 2 + (true == name) for true, said in pixels)
        dices.append((2 * common + 1) / (sizes + 1))
    return 1 - sum(dices) / CLASSES


def test_the_loss_is_the_cross_entropy_of_pixels_over_height_times_width(masks, logits):
    images = [entropy_by_pixels(*pair) for pair in zip(masks, logits, strict=True)]
    loss = PixelLoss()(masks, logits)
    assert float(loss) == pytest.approx(sum(images) / 2, rel=1e-5)


def test_pixels_weigh_as_their_classes(masks, logits):
    images = [
        entropy_by_pixels(*pair, WEIGHTS) for pair in zip(masks, logits, strict=True)
    ]
    loss = PixelLoss(np.array(WEIGHTS))(masks, logits)
    assert float(loss) == pytest.approx(sum(images) / 2, rel=1e-5)


@pytest.mark.parametrize("dice", [1.0, 3.0])
def test_dice_is_added_of_each_image_by_its_weight(masks, logits, dice):
    images = [
        entropy_by_pixels(*pair) + dice * dice_by_classes(*pair)
        for pair in zip(masks, logits, strict=True)
    ]
    loss = PixelLoss(dice=dice)(masks, logits)
    assert float(loss) == pytest.approx(sum(images) / 2, rel=1e-5)


def test_dice_of_sure_answers_by_hand():
    """Class 0 fills the mask: right costs nothing, though class 1 is absent."""
    mask = np.zeros((1, 2, 2), "uint8")
    right = np.tile(np.float32([50, -50]), (1, 2, 2, 1))
    assert float(PixelLoss(dice=1.0)(mask, right)) == pytest.approx(0, abs=1e-6)
    entropy = 100  # of each wrong pixel; each class has 1 / (4 + 1)
    wrong = float(PixelLoss(dice=1.0)(mask, -right))
    assert wrong - entropy == pytest.approx(1 - 1 / 5, abs=1e-4)


def test_pixels_that_nobody_labelled_cost_nothing():
    mask = np.full((1, 3, 4), IGNORED, "uint8")
    logits = tf.constant(np.random.default_rng(0).normal(size=(1, 3, 4, CLASSES)))
    loss_of = PixelLoss(np.array(WEIGHTS), dice=1.0)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = loss_of(mask, logits)
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, logits), 0)


def test_the_auxiliary_head_adds_four_tenths_of_its_loss(masks, logits):
    other = logits[::-1] + np.float32([0, 1, 2, 3])
    loss = PixelLoss(np.array(WEIGHTS), dice=0.5)
    both = loss(masks, {"logits": logits, "auxiliary": other})
    expected = float(loss(masks, logits)) + 0.4 * float(loss(masks, other))
    assert float(both) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("turned", [False, True])
def test_smaller_logits_are_spread_linearly_between_their_middles(turned):
    """Logits 0 and 4 of two columns are 0, 1, 3 and 4 in a mask of four."""
    mask = np.ones((1, 2, 4), "uint8")
    logits = np.zeros((1, 1, 2, 2), "float32")
    logits[0, 0, :, 1] = 0, 4
    if turned:
        mask, logits = np.swapaxes(mask, 1, 2), np.swapaxes(logits, 1, 2)
    costs = [-math.log(1 / (1 + math.exp(-value))) for value in (0, 1, 3, 4)]
    assert float(PixelLoss()(mask, logits)) == pytest.approx(sum(costs) / 4, rel=1e-5)


def test_larger_logits_are_made_small_as_the_mask_is():
    mask = np.ones((1, 1, 2), "uint8")
    logits = np.zeros((1, 2, 4, 2), "float32")
    logits[0, :, :, 1] = 0, 2, 5, 7
    costs = [-math.log(1 / (1 + math.exp(-value))) for value in (1, 6)]
    assert float(PixelLoss()(mask, logits)) == pytest.approx(sum(costs) / 2, rel=1e-5)


def mean_iou_of(truth, said):
    """Return the mean IoU over the classes that are in a mask or an answer."""
    counted = truth != IGNORED
    return jaccard_score(truth[counted], said[counted], average="macro")


def test_mean_iou_is_that_of_all_pixels_that_count(masks, logits):
    metric = MeanIoU(CLASSES)
    for mask, answer in zip(masks, logits, strict=True):
        metric.update_state(mask[None], answer[None])
    expected = mean_iou_of(masks, logits.argmax(-1))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_mean_iou_of_a_larger_mask_looks_at_the_middle_of_each_cell(masks, logits):
    rng = np.random.default_rng(2)
    large = rng.integers(0, CLASSES, (2, 5 * 3, 7 * 5)).astype("uint8")
    large[:, 1::3, 2::5] = masks
    metric = MeanIoU(CLASSES)
    metric.update_state(large, logits)
    expected = mean_iou_of(masks, logits.argmax(-1))
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_mean_iou_by_hand():
    """Of two classes one pixel in four is mistaken: 2 of 3, and 1 of 2."""
    mask = np.uint8([[[0, 0, 1, 1, IGNORED]]])
    logits = np.float32([[[[1, 0], [1, 0], [1, 0], [0, 1], [0, 1]]]])
    metric = MeanIoU(2)
    metric.update_state(mask, logits)
    assert float(metric.result()) == pytest.approx((2 / 3 + 1 / 2) / 2)
