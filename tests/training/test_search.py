"""`auto`: a batch size and a learning rate found by a few steps."""

from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from toy_runs import folder_of_images

from swin_keras.errors import DataError, ResourceError, UsageError
from swin_keras.training import TrainConfig, search
from swin_keras.training.dry_run import dry_run
from swin_keras.training.preparation import load_data
from swin_keras.training.search import (
    choose_rate,
    find_batch_size,
    find_learning_rate,
)
from swin_keras.training.train import train

TOY = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}


def test_the_rate_is_where_the_loss_falls_fastest():
    rates = np.geomspace(1e-6, 1, 100)
    position = np.log10(rates)
    losses = 2.3 - 1.5 / (1 + np.exp(-4 * (position + 2.5)))  # steepest at 10**-2.5
    losses[90:] = 9.0
    assert choose_rate(rates, losses) == pytest.approx(10**-2.5, rel=0.2)
    losses[80:] = np.nan
    assert choose_rate(rates, losses) == pytest.approx(10**-2.5, rel=0.2)


def test_a_loss_that_never_falls_is_told():
    with pytest.raises(UsageError, match="Give --learning-rate a number"):
        choose_rate(np.geomspace(1e-6, 1, 50), np.arange(50.0))


def test_batches_grow_while_that_is_faster(monkeypatch):
    speeds = {8: 100, 16: 180, 32: 300, 64: 310}
    monkeypatch.setattr(search, "_try", lambda config, size: speeds[size])
    assert find_batch_size(TrainConfig()) == 32


def test_batches_grow_until_they_do_not_fit(monkeypatch):
    monkeypatch.setattr(
        search, "_try", lambda config, size: size if size < 100 else None
    )
    assert find_batch_size(TrainConfig()) == 64
    assert find_batch_size(TrainConfig(), largest=40) == 32
    assert find_batch_size(TrainConfig(), largest=1) == 2  # a mixed pair
    monkeypatch.setattr(search, "_try", lambda config, size: None)
    with pytest.raises(ResourceError, match="Even a batch of 8 images"):
        find_batch_size(TrainConfig())


def test_batches_are_those_that_devices_and_mixed_images_divide(monkeypatch):
    tried = []
    monkeypatch.setattr(search, "_try", lambda config, size: tried.append(size) or 1)
    find_batch_size(TrainConfig(mixup=0.8), devices=8)
    find_batch_size(TrainConfig(mixup=0.0), devices=3)
    assert tried == [16, 32, 9, 18]
    tried.clear()
    find_batch_size(TrainConfig(mixup=0.0), largest=7, devices=3)
    find_batch_size(TrainConfig(mixup=0.8), largest=1)
    assert tried == [6, 2]


@pytest.mark.parametrize("kind", [UsageError, DataError])
def test_why_no_batch_can_be_is_told(monkeypatch, kind):
    error = kind("it must not be")
    monkeypatch.setattr(search, "_try", lambda config, size: error)
    with pytest.raises(kind, match="it must not be"):
        find_batch_size(TrainConfig())


def test_an_image_that_breaks_while_a_rate_is_found_is_named(tmp_path):
    root = folder_of_images(tmp_path / "pets")
    config = TrainConfig(
        data=str(root),
        sizes=TOY,
        image_size=16,
        batch_size=8,
        learning_rate="auto",
        jit_compile=False,
        runs_dir=str(tmp_path / "runs"),
    )
    dataset = load_data(config)
    for index in range(len(dataset.splits["train"])):
        path = Path(dataset.splits["train"].name(index))
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"\.jpg: .*damaged.*--on-bad skip"):
        find_learning_rate(config, dataset)


def loading_processes():
    """Return the children of this process that load images."""
    children = psutil.Process().children()
    return {p.pid for p in children if "swin_keras.data.worker" in p.cmdline()}


@pytest.mark.parametrize("try_out", ["learning rate", "dry run"])
def test_processes_that_loaded_images_end_with_what_was_tried(
    tmp_path, monkeypatch, try_out
):
    config = TrainConfig(
        data=str(folder_of_images(tmp_path / "pets")),
        sizes=TOY,
        image_size=16,
        batch_size=4,
        workers=1,
        jit_compile=False,
    )
    before, seen, fit_steps = loading_processes(), [], search._fit_steps

    def watched(*args, **options):
        fit_steps(*args, **options)
        seen.append(loading_processes() - before)

    monkeypatch.setattr(search, "_fit_steps", watched)
    monkeypatch.setattr(search, "RATES_TRIED", 3)
    monkeypatch.setattr(search, "choose_rate", lambda rates, losses: rates[0])
    if try_out == "dry run":
        dry_run(config)
    else:
        find_learning_rate(config, load_data(config))
    assert len(seen) == len(seen[0]) == 1
    assert loading_processes() == before


@pytest.mark.slow
def test_a_run_finds_both(digits_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "LARGEST_BATCH", 16)  # two real processes
    config = TrainConfig(
        data_dir=str(digits_dir),
        runs_dir=str(tmp_path),
        sizes=TOY,
        epochs=1,
        batch_size="auto",
        learning_rate="auto",
        jit_compile=False,
        tensorboard=False,
    )
    run = train(config)
    assert (run.plots / "learning_rate.png").stat().st_size > 5000
    found = TrainConfig.from_dict(yaml.safe_load(run.config.read_text()))
    assert found.batch_size in (8, 16)
    assert 1e-5 < found.learning_rate < 0.5


def test_a_loss_that_is_no_number_from_the_start_is_told():
    with pytest.raises(UsageError, match="Give --learning-rate a number"):
        choose_rate(np.geomspace(1e-6, 1, 3), [np.nan] * 3)
