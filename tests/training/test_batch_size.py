"""A batch that nobody named fits the data and the memory."""

import dataclasses
import types

import pytest

from swin_keras.errors import UsageError
from swin_keras.models import SwinConfig, variant_config
from swin_keras.tasks import task_named
from swin_keras.training import TrainConfig, memory
from swin_keras.training.batch_size import with_batch_size
from swin_keras.training.memory import check_memory, image_bytes, images_that_fit

GIB = 2**30


@pytest.fixture(autouse=True)
def _a_machine_of_16_gib(monkeypatch):
    monkeypatch.setattr(memory, "device_memory", lambda: 16 * GIB)


def fitted(images, devices=1, machines=1, **options):
    replicas = types.SimpleNamespace(count=devices, is_multiworker=machines > 1)
    config = TrainConfig(**{"model": "swin_tiny"} | options)
    dataset = types.SimpleNamespace(training=range(images))
    sizes = variant_config(config.model).replace(remat=config.remat)
    return with_batch_size(config, dataset, sizes, replicas)


@pytest.mark.parametrize(
    ("images", "options", "size"),
    [
        (96, {}, 8),
        (96, {"weights": "swin_tiny.pth"}, 8),
        (20, {}, 8),
        (10, {}, 4),
        (96, {"gradient_accumulation_steps": 3}, 6),
        (1259, {"model": "swin_nano"}, 64),
        (1_000_000, {}, 16),  # which fill half of the memory
        (1_000_000, {"weights": "swin_tiny.pth"}, 16),
        (1_000_000, {"gradient_accumulation_steps": 4}, 64),
        (1_000_000, {"remat": True}, 64),
        (1_000_000, {"weights": "swin_tiny.pth", "preset": "linear-probe"}, 128),
    ],
)
def test_a_batch_fills_what_there_is(images, options, size):
    config = fitted(images, **options)
    assert config.batch_size == size
    assert images // size >= 2  # steps of an epoch


def test_devices_share_a_larger_batch():
    assert fitted(1_000_000, devices=4).batch_size == 64
    assert fitted(1_000_000, devices=4, machines=2).batch_size == 1024


def test_rates_fall_with_the_root_of_a_fitted_batch():
    """And as published with one that was given."""
    small = fitted(96)
    assert small.learning_rate == pytest.approx(1e-3 * (8 / 1024) ** 0.5)
    assert small.min_learning_rate == pytest.approx(1e-5 * (8 / 1024) ** 0.5)
    assert fitted(96, batch_size=8).learning_rate == pytest.approx(5e-4 * 8 / 512)
    assert fitted(96, learning_rate=0.1).learning_rate == 0.1
    assert fitted(9999, model="swin_nano").learning_rate == 3e-3


def test_what_is_given_stays():
    given = TrainConfig(batch_size=48, learning_rate=1e-3, min_learning_rate=0.0)
    dataset = types.SimpleNamespace(training=range(100))
    assert with_batch_size(given, dataset, SwinConfig(), None) == given


class TestMemory:
    def test_an_image_of_swin_tiny_keeps_115_megabytes(self):
        config, sizes = TrainConfig(model="swin_tiny"), SwinConfig()
        assert image_bytes(config, sizes) == pytest.approx(115e6, rel=0.05)
        half = dataclasses.replace(config, precision="mixed_bfloat16")
        assert image_bytes(half, sizes) == pytest.approx(57e6, rel=0.05)
        again = image_bytes(config, sizes.replace(remat=True))
        assert again < image_bytes(config, sizes) / 3

    def test_frozen_stages_keep_nothing(self):
        sizes = SwinConfig()
        frozen = [
            image_bytes(TrainConfig(freeze_stages=stages), sizes)
            for stages in (0, 1, 2, "all")
        ]
        assert frozen == sorted(frozen, reverse=True)

    def test_an_image_that_no_memory_holds_is_refused_before_it_is_tried(self):
        sizes = SwinConfig(input_shape=(100_000, 100_000, 3))
        with pytest.raises(UsageError, match=r"2 images of 100000 x 100000 needs at"):
            check_memory(TrainConfig(), sizes, 2)
        with pytest.raises(UsageError, match=r"About 1728 x 1728 fits"):
            check_memory(TrainConfig(), sizes, 1)
        with pytest.raises(UsageError, match=r"resumes keeps its batch.*--remat true"):
            check_memory(TrainConfig(), sizes, 1, resumed="runs/pets")
        check_memory(TrainConfig(), SwinConfig(input_shape=(1728, 1728, 3)), 1)

    def test_a_picture_of_very_many_boxes_is_refused_before_it_is_tried(
        self, monkeypatch
    ):
        """Each box is matched with each point: measured 33 bytes a pair."""
        monkeypatch.setattr(memory, "device_memory", lambda: 8 * 2**30)
        targets = types.SimpleNamespace(capacity=3000)
        dataset = types.SimpleNamespace(training=types.SimpleNamespace(targets=targets))
        config = TrainConfig(task="detect", model="swin_tiny")
        sizes = SwinConfig(input_shape=(512, 512, 3))
        task = task_named("detect")
        needed = task.target_bytes(dataset, sizes, config)
        assert needed == 32 * 3000 * (64**2 + 32**2 + 16**2 + 8**2 + 4**2)
        mosaic = dataclasses.replace(config, mosaic=0.5)
        assert task.target_bytes(dataset, sizes, mosaic) == 4 * needed
        check_memory(config, sizes, 4)
        with pytest.raises(UsageError, match="Cut such pictures into tiles"):
            check_memory(config, sizes, 4, 4 * needed)
        few, many = (images_that_fit(config, sizes, t) for t in (4 * needed, 0))
        assert few == 1 < many

    def test_unknown_memory_refuses_nothing(self, monkeypatch):
        monkeypatch.setattr(memory, "device_memory", lambda: None)
        check_memory(TrainConfig(), SwinConfig(input_shape=(100_000, 100_000, 3)), 1)
        assert fitted(1_000_000).batch_size == 1024


def test_memory_of_this_machine_is_known():
    assert 2**28 < memory._main_memory() < 2**50
