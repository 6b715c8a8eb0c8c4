"""Each task from data to an exported file, at toy size, through the same functions."""

import dataclasses
import subprocess
import sys

import keras
import numpy as np
import pytest
from idx_files import write_garments
from PIL import Image

from swin_keras.cli import main
from swin_keras.errors import UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import read_card
from swin_keras.tasks import TASKS, task_named
from swin_keras.training import TrainConfig
from swin_keras.training.job import prepare
from swin_keras.training.train import train

TOY = {
    "data": "garments/48",
    "mixup": 0.0,
    "sizes": {
        "patch_size": 2,
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 2],
        "drop_path_rate": 0.2,
    },
    "batch_size": 4,
    "train_images": 8,
    "jit_compile": False,
    "tensorboard": False,
}
HEADS = {
    "multi-label": {},
    "segment": {"head_sizes": {"channels": 8}},
    "detect": {"head_sizes": {"channels": 8, "convolutions": 1, "extra_levels": 1}},
}
TRAINED = tuple(HEADS)

MIRRORED = """
import sys, tensorflow as tf, yaml
from swin_keras.training import TrainConfig
from swin_keras.training.train import train
cpu = tf.config.list_physical_devices("CPU")[0]
parts = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, parts)
values = yaml.safe_load(open(sys.argv[1]))
train(TrainConfig.from_dict(values | {"name": "mirrored", "strategy": "mirrored"}))
"""


@pytest.fixture(scope="module")
def garments_dir(tmp_path_factory):
    """Write Fashion-MNIST's four files with noise in the place of garments."""
    folder = tmp_path_factory.mktemp("idx")
    write_garments(folder)
    return folder


@pytest.fixture(scope="module")
def runs(garments_dir, tmp_path_factory):
    """Return a function that trains a task's toy, once for all tests."""
    folder, done = tmp_path_factory.mktemp("runs"), {}

    def run_of(task):
        if task not in done:
            done[task] = train(config_of(task, garments_dir, folder))
        return done[task]

    return run_of


def config_of(task, garments_dir, folder, **changes):
    options = {**TOY, **HEADS[task], "epochs": 2, "name": task, **changes}
    return TrainConfig(
        task=task, data_dir=str(garments_dir), runs_dir=str(folder), **options
    )


def figures_of(run):
    return np.genfromtxt(run.metrics, delimiter=",", names=True)


def load(run):
    return keras.models.load_model(run.best_model, compile=False)


def weights_of(run):
    return load(run).get_weights()


@pytest.mark.parametrize("task", TRAINED)
def test_a_run_writes_its_report_and_a_card_that_names_the_task(runs, task):
    run = runs(task)
    card = read_card(run.path)
    assert card.task == task
    assert {"val_loss", "seconds"} < set(card.metrics)
    assert any(name.startswith("test_") for name in card.metrics)
    page = run.report.read_text()
    assert task_named(task).title in page
    assert (run.plots / "training_images.png").is_file()


@pytest.mark.parametrize("task", TRAINED)
def test_two_devices_give_what_one_gives(runs, garments_dir, tmp_path, task):
    one = runs(task)
    path = tmp_path / "config.yaml"
    path.write_text(config_of(task, garments_dir, tmp_path).to_yaml())
    words = [sys.executable, "-c", MIRRORED, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    two = dataclasses.replace(one, path=tmp_path / "mirrored")
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(
            figures_of(two)[name], figures_of(one)[name], rtol=2e-5
        )
    # Of weights, those before a normalization are free to differ.
    model = load(one)
    shape = (2, *model.input_shape[1:])
    images = np.random.default_rng(0).uniform(0, 255, shape).astype("float32")
    expected = keras.tree.flatten(model(images))
    found = keras.tree.flatten(load(two)(images))
    for given, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-3, atol=1e-4)


def test_parts_of_a_batch_give_what_the_whole_gives(garments_dir, tmp_path):
    figures = []
    for parts in (1, 2):
        config = config_of(
            "detect",
            garments_dir,
            tmp_path,
            name=f"parts-{parts}",
            gradient_accumulation_steps=parts,
            sizes={**TOY["sizes"], "drop_path_rate": 0.0},
        )
        figures.append(figures_of(train(config))["val_loss"])
    np.testing.assert_allclose(*figures, rtol=1e-5)


@pytest.mark.parametrize("task", TRAINED)
def test_a_run_that_goes_on_ends_as_one_that_never_stopped(
    runs, garments_dir, tmp_path, task
):
    config = config_of(task, garments_dir, tmp_path)
    train(config, part=range(1))
    (tmp_path / task / "card.json").unlink()
    resumed = train(config, resume=True)
    for given, expected in zip(
        weights_of(resumed), weights_of(runs(task)), strict=True
    ):
        np.testing.assert_array_equal(given, expected)


@pytest.mark.parametrize("task", TRAINED)
def test_exported_forms_are_checked_and_answer_about_pictures(runs, tmp_path, task):
    run = runs(task)
    folder = export(
        run.path, ExportConfig(saved_models_dir=str(tmp_path), test_images=8)
    )
    card = read_card(folder)
    assert card.task == task
    assert {"keras", "saved_model", "litert", "litert-int8"} < set(card.checks)
    assert card.checks["litert"]["score"] == pytest.approx(
        card.checks["keras"]["score"], abs=0.02
    )
    picture = Image.fromarray(
        np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    )
    picture.save(tmp_path / "picture.png")
    (found,) = Predictor(folder / "model.tflite").predict([tmp_path / "picture.png"])
    assert found.error is None
    assert found.to_dict()["path"].endswith("picture.png")
    assert found.drawn(picture).size[0] >= 80
    result = evaluate(folder, split="val")
    assert result.images == 4
    columns, *rows = result.table()
    assert all(len(row) == len(columns) for row in rows)
    assert 0 <= result.score <= 1


def test_a_mask_has_the_size_of_its_picture_and_is_saved_as_indices(runs, tmp_path):
    picture = np.zeros((50, 70, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    run = runs("segment")
    words = ["predict", run.path, tmp_path / "a.png", "--save", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    mask = np.asarray(Image.open(tmp_path / "out" / "a.png"))
    assert mask.shape == (50, 70)
    assert mask.max() <= 10
    assert (tmp_path / "out" / "a.jpg").is_file()


def test_xla_gives_the_loss_of_the_graph(garments_dir, tmp_path):
    losses = []
    for compiles in (False, True):
        config = config_of("detect", garments_dir, tmp_path, jit_compile=compiles)
        keras.utils.set_random_seed(0)
        job = prepare(config)
        batch = next(iter(job.training_batches()))
        losses.append(float(job.training_model.train_on_batch(*batch)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_knows_its_name_and_says_what_it_cannot(name):
    task = task_named(name)
    assert task.name == name
    if name == "features":
        with pytest.raises(UsageError, match="'features' cannot be trained"):
            task.loss(None, None, None)


def test_unknown_names_are_refused_with_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'segment'"):
        TrainConfig(task="segmentt")
    with pytest.raises(UsageError, match="val_mean_iou"):
        TrainConfig(task="segment", monitor="val_accuracy")
    assert main(["train", "--multi-label", "--task", "segment"]) == 2


@pytest.mark.parametrize(
    ("task", "option"),
    [
        ("classify", {"dice": 1.0}),
        ("multi-label", {"class_weights": "balanced"}),
        ("segment", {"mixup": 0.2}),
        ("detect", {"dice": 0.5}),
    ],
)
def test_options_that_a_task_would_not_obey_are_refused(
    garments_dir, tmp_path, task, option
):
    config = TrainConfig(
        task=task,
        data="garments/48",
        data_dir=str(garments_dir),
        batch_size=4,
        **option,
    )
    (name,) = option
    with pytest.raises(UsageError, match=f"`{name}` means nothing to the task"):
        task_named(task).check_options(config)
