"""What a configuration says reaches the changes to images and the loss."""

import dataclasses

import numpy as np
import pytest

from swin_keras.data import Augmentation, DenseAugmentation, Mixing, RandAugment
from swin_keras.data.boxes.augmentation import BoxAugmentation
from swin_keras.data.dataset import ImageDataset
from swin_keras.tasks import task_named
from swin_keras.training import TrainConfig

DATASET = ImageDataset("toy", ("cat", "background", "dog"), {})
SHARED = {"flip": False, "quarter_turns": True, "blur": 0.9, "white_balance": 0.3}
CLASSES = {
    **{"min_crop_area": 0.37, "crop_ratio": 1.25, "rotate": 11.0, "shift": 0.13},
    **{"rand_augment": 7.0, "erase": 0.21, "mixup": 0.3, "cutmix": 0.6},
}
SEEN = Augmentation(
    **SHARED,
    crop_scale=(0.37, 1.0),
    crop_ratio=(0.8, 1.25),
    rotate=11.0,
    shift=0.13,
    rand_augment=RandAugment(magnitude=7.0),
    erase=0.21,
)
DENSE = {"scale_range": (0.9, 1.3)}


def loader_options(task, dataset=DATASET, **options):
    config = TrainConfig(task=task, model="swin_tiny", **options)
    return task_named(task).loader_options(dataset, config)


@pytest.mark.parametrize(
    ("task", "options", "expected", "fixed"),
    [
        ("classify", CLASSES, SEEN, set()),
        ("multi-label", CLASSES, SEEN, set()),
        (
            "segment",
            DENSE | {"photometric": False, "copy_paste": 0.4},
            DenseAugmentation(
                **SHARED,
                scale=(0.9, 1.3),
                photometric=False,
                copy_paste=0.4,
                background=1,
            ),
            {"largest_share"},
        ),
        (
            "detect",
            DENSE | {"photometric": True, "mosaic": 0.4, "letter_box": True},
            BoxAugmentation(
                **SHARED,
                scale=(0.9, 1.3),
                photometric=True,
                mosaic=0.4,
                letter_box=True,
            ),
            {"stretch", "crop", "least_visible", "colour"},
        ),
    ],
)
def test_every_change_to_training_images_is_the_configuration_s(
    task, options, expected, fixed
):
    """None of the values is a default, so none of the fields can be forgotten."""
    given = loader_options(task, **SHARED, **options)
    assert given.pop("augmentation") == expected
    fields = {field.name for field in dataclasses.fields(expected)}
    usual = type(expected)()
    changed = {n for n in fields if getattr(expected, n) != getattr(usual, n)}
    assert changed == fields - fixed
    mixed = {"mixing": Mixing(mixup=0.3, cutmix=0.6), "classes": 3}
    assert given == (mixed if expected is SEEN else {})


@pytest.mark.parametrize("task", ["classify", "multi-label", "segment", "detect"])
@pytest.mark.parametrize("is_safe", [True, False])
def test_images_are_mirrored_where_the_data_allow_it(task, is_safe):
    dataset = dataclasses.replace(DATASET, mirror_safe=is_safe)
    assert loader_options(task, dataset)["augmentation"].flip == is_safe
    for flip in (True, False):
        given = loader_options(task, dataset, flip=flip)
        assert given["augmentation"].flip == flip


def test_what_is_off_is_off():
    off = {"rand_augment": 0.0, "mixup": 0.0, "cutmix": 0.0}
    given = loader_options("classify", **off)
    assert given["augmentation"].rand_augment is None
    assert given["mixing"] is None
    for name in ("mixup", "cutmix"):
        mixing = loader_options("classify", **off | {name: 0.5})["mixing"]
        assert mixing == Mixing(**{"mixup": 0.0, "cutmix": 0.0, name: 0.5})


def loss_of(task, **options):
    config = TrainConfig(task=task, label_smoothing=0.3, **options)
    return task_named(task).loss(None, DATASET, config)


def test_labels_are_smoothed_as_the_configuration_says():
    rng = np.random.default_rng(0)
    logits, truth = rng.normal(size=(5, 3)), np.eye(3)[rng.integers(3, size=5)]
    smooth = 0.7 * truth + 0.3 / 3
    shares = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    expected = -(smooth * np.log(shares)).sum(-1).mean()
    loss = loss_of("classify")
    assert float(loss(truth, logits)) == pytest.approx(expected, rel=1e-5)
    smooth, shares = 0.7 * truth + 0.3 / 2, 1 / (1 + np.exp(-logits))
    expected = -(smooth * np.log(shares) + (1 - smooth) * np.log(1 - shares)).mean()
    loss = loss_of("multi-label")
    assert float(loss(truth, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("unlabelled", [None, "more"])
def test_a_student_s_loss_is_the_configuration_s(unlabelled):
    options = {"teacher_weight": 0.7, "temperature": 3.0, "unlabelled": unlabelled}
    config = TrainConfig(
        teacher="large.keras", distillation="dist", label_smoothing=0.3, **options
    )
    dataset = dataclasses.replace(DATASET, unlabelled=unlabelled)
    loss = task_named("classify").loss(None, dataset, config)
    found = loss.kind, loss.weight, loss.temperature, loss.label_smoothing
    assert found == ("dist", 0.7, 3.0, 0.3)
