"""Blur and white balance are off by default, and reach every task's pictures."""

from types import SimpleNamespace

import numpy as np
import pytest
from augmentations import KINDS
from image_files import noise

from swin_keras import TrainConfig
from swin_keras.data.blur import blur
from swin_keras.data.white_balance import white_balance
from swin_keras.errors import UsageError
from swin_keras.tasks import task_named

PICTURE = np.asarray(noise(0, (64, 48)))
CHANGES = {"blur": (blur, 1.5), "white_balance": (white_balance, 0.2)}


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_pictures_stay_as_they_are(kind):
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(KINDS[kind]().finish(PICTURE, rng), PICTURE)


@pytest.mark.parametrize("change", CHANGES)
def test_without_it_nothing_is_drawn(change):
    rng = np.random.default_rng(3)
    before = rng.bit_generator.state
    assert CHANGES[change][0](PICTURE, 0.0, rng) is PICTURE
    assert rng.bit_generator.state == before


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("task", ["classify", "multi-label", "segment", "detect"])
def test_a_run_hands_it_to_its_pictures(task, change):
    dataset = SimpleNamespace(mirror_safe=True, class_names=("sky", "kite"), classes=2)
    value = CHANGES[change][1]
    config = TrainConfig(task=task, **{change: value})
    options = task_named(task).loader_options(dataset, config)
    assert getattr(options["augmentation"], change) == value


@pytest.mark.parametrize(
    ("change", "value", "must"),
    [
        ("blur", -0.5, "`blur` must be a number of pixels"),
        ("blur", float("nan"), "`blur` must be a number of pixels"),
        ("blur", float("inf"), "`blur` must be a number of pixels"),
        ("white_balance", -0.1, "`white_balance` must be between 0"),
        ("white_balance", float("nan"), "`white_balance` must be between 0"),
        ("white_balance", 0.51, "`white_balance` must be between 0"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_size_that_is_none_is_refused(kind, change, value, must):
    with pytest.raises(UsageError, match=must):
        KINDS[kind](**{change: value})


@pytest.mark.parametrize(
    ("options", "must"),
    [
        ({"blur": -1.0}, "`blur` must not be negative"),
        ({"white_balance": 0.51}, r"`white_balance` must be in \[0, 0.5\]"),
    ],
)
def test_a_run_refuses_it_before_anything_is_read(options, must):
    with pytest.raises(UsageError, match=must):
        TrainConfig(**options)
