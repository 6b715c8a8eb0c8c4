"""A training run, from configuration to run folder."""

import csv
import dataclasses

import keras
import numpy as np
import pytest
import yaml
from PIL import Image
from toy_runs import folder_of_images

from swin_keras.errors import DataError, UsageError
from swin_keras.model_files import read_card
from swin_keras.training import TrainConfig
from swin_keras.training.dry_run import dry_run
from swin_keras.training.preparation import load_data, prepare
from swin_keras.training.run_folder import RunFolder, create_run
from swin_keras.training.train import train

TOY = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}


def read_metrics(run):
    with open(run.metrics, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_folder_holds_everything_about_the_run(trained_run):
    names = {path.name for path in trained_run.path.iterdir()}
    assert names == {
        "config.yaml",
        "metrics.csv",
        "best.keras",
        "card.json",
        "log.txt",
        "plots",
        "samples",
        "checkpoints",
        "tensorboard",
        "report.html",
        ".lock",
    }
    pictures = {path.name for path in trained_run.plots.iterdir()}
    assert pictures == {"curves.png", "training_images.png", "confusion_matrix.png"}
    for picture in trained_run.plots.iterdir():
        pixels = np.asarray(Image.open(picture).convert("L"))
        assert pixels.std() > 5, f"{picture.name} is empty"
    rows = read_metrics(trained_run)
    assert len(rows) == 2
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    text = trained_run.log.read_text()
    assert "device      " in text
    assert "test accuracy" in text


def test_the_written_configuration_makes_the_same_run(trained_run):
    values = yaml.safe_load(trained_run.config.read_text())
    assert values["name"] == "toy"
    assert TrainConfig.from_dict(values).to_yaml() == trained_run.config.read_text()


def test_the_card_travels_inside_the_model_file(trained_run, tmp_path):
    moved = tmp_path / "elsewhere.keras"
    moved.write_bytes(trained_run.best_model.read_bytes())
    card = read_card(moved)
    assert card.class_names == tuple("0123456789")
    assert card.model["input_shape"] == [16, 16, 1]
    assert card.command.startswith("swin-keras train --data_dir")
    assert "--name toy" in card.command
    keras.models.load_model(moved)  # plain Keras still reads it


def test_the_best_model_is_that_of_the_smallest_validation_loss(trained_run):
    best = min(read_metrics(trained_run), key=lambda row: float(row["val_loss"]))
    metrics = read_card(trained_run.best_model).metrics
    assert metrics["epoch"] == int(best["epoch"]) + 1
    assert metrics["val_accuracy"] == pytest.approx(float(best["val_accuracy"]))


@pytest.mark.slow
def test_the_same_seed_trains_the_same_weights_from_a_folder(tmp_path):
    data = folder_of_images(tmp_path / "pets")

    def weights(name, seed):
        config = TrainConfig(
            data=str(data),
            runs_dir=str(tmp_path),
            name=name,
            sizes=TOY,
            epochs=2,
            batch_size=8,
            seed=seed,
            jit_compile=False,
        )
        return keras.models.load_model(train(config).best_model).get_weights()

    first, second, other = weights("a", 1), weights("b", 1), weights("c", 2)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any((one != two).any() for one, two in zip(first, other, strict=True))


def test_a_bad_image_stops_the_run(tmp_path):
    data = folder_of_images(tmp_path / "pets")
    (data / "cat" / "empty.jpg").touch()
    options = {
        "data": str(data),
        "runs_dir": str(tmp_path / "runs"),
        "sizes": TOY,
        "epochs": 1,
        "batch_size": 8,
        "jit_compile": False,
    }
    with pytest.raises(DataError, match=r"empty\.jpg"):
        train(TrainConfig(**options))
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_tells_the_cost_and_writes_nothing(tmp_path, digits_dir):
    runs = tmp_path / "runs"
    config = TrainConfig(
        data_dir=str(digits_dir), runs_dir=str(runs), sizes=TOY, jit_compile=False
    )
    text = dry_run(config)
    for word in ("parameters", "ms a step, about", "GiB", "1259 train"):
        assert word in text
    assert not runs.exists()


def test_image_size_is_the_variants_but_not_over_twice_the_images(digits_dir):
    config = TrainConfig(data_dir=str(digits_dir), sizes=TOY, jit_compile=False)
    assert prepare(config).model_config.input_shape == (16, 16, 1)


class TestRunFolder:
    def test_unnamed_runs_are_numbered(self, tmp_path):
        names = [create_run(tmp_path, None, "a/my pets").name for _ in range(2)]
        assert names == ["my-pets-1", "my-pets-2"]

    def test_a_run_is_never_overwritten(self, tmp_path):
        create_run(tmp_path, "first", "digits")
        with pytest.raises(UsageError, match=r"first exists. Choose another --name"):
            create_run(tmp_path, "first", "digits")

    def test_a_tilde_is_the_home_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        monkeypatch.chdir(tmp_path)
        run = create_run("~/runs", "first", "digits")
        assert run.path == tmp_path / "home" / "runs" / "first"
        assert RunFolder.named("~/runs", "first") == run
        assert not (tmp_path / "~").exists()

    @pytest.mark.parametrize("name", [None, "first"])
    def test_a_file_cannot_hold_runs(self, tmp_path, name):
        (tmp_path / "runs").touch()
        message = r"`runs_dir` must be a folder.*runs, which is a file"
        with pytest.raises(UsageError, match=message):
            create_run(tmp_path / "runs", name, "digits")

    def test_one_that_was_ended_before_it_began_is_taken_up(self, tmp_path):
        run = create_run(tmp_path, "first", "digits")
        assert create_run(tmp_path, "first", "digits", resume=True) == run
        run.config.touch()
        with pytest.raises(UsageError, match="first exists"):
            create_run(tmp_path, "first", "digits", resume=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "`epochs` must be positive"),
        ({"weight_decay": -1.0}, "`weight_decay` must not be negative"),
        ({"min_crop_area": 0.0}, r"`min_crop_area` must be in \(0, 1\]"),
        ({"label_smoothing": 1.0}, r"`label_smoothing` must be in \[0, 1\)"),
        ({"crop_ratio": 0.5}, "`crop_ratio` must be at least 1"),
        ({"seed": -1}, "`seed` must not be negative"),
        ({"learning_rate": 1e39}, "`learning_rate` must be below 1e38"),
        ({"weight_decay": 1e38}, "`weight_decay` must be below 1e38"),
        ({"epochs": 10**20}, "`epochs` must be at most 1000000"),
        ({"batch_size": 10**20}, "`batch_size` must be at most 1000000"),
        ({"workers": 100_000}, "`workers` must be at most 1024"),
        ({"shift": 5.0}, "`shift` must be at most 1"),
        ({"rotate": 1e9}, "`rotate` must be at most 360"),
        ({"blur": 1e9}, "`blur` must be at most 100"),
        ({"mixup": 1e9}, "`mixup` must be at most 100"),
        ({"scale_range": (1.0, 1e9)}, "`scale_range` must not be above 10"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        TrainConfig(**options)


def test_an_unknown_option_gets_the_nearest_name():
    with pytest.raises(UsageError, match=r"'epoch'.*'epochs'"):
        TrainConfig.from_dict({"epoch": 3})


def test_a_share_of_the_training_images_keeps_the_classes_even(digits_dir):
    config = TrainConfig(data_dir=str(digits_dir), train_images=200)
    some, again = load_data(config).splits, load_data(config).splits
    whole = load_data(dataclasses.replace(config, train_images=0)).splits
    assert len(some["train"]) == 200
    assert np.ptp(np.bincount(some["train"].labels)) <= 3
    np.testing.assert_array_equal(some["train"].items, again["train"].items)
    assert len(some["val"]) == len(whole["val"])
    assert len(whole["train"]) > 1000
