"""What decays, what learns and how fast, and what weighs how much."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from safetensors.numpy import save_file

from swin_keras.applications import create_model
from swin_keras.errors import WeightsError
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks.classify import class_weights
from swin_keras.training import TrainConfig, devices
from swin_keras.training.optimizer import decays
from swin_keras.training.preparation import prepare
from swin_keras.training.presets import OF_TASK, PRESETS
from swin_keras.training.recipe import freeze, make_optimizer, make_schedule
from swin_keras.training.strategy import Replicas
from swin_keras.training.training_model import TrainingModel
from swin_keras.weights.formats import OFFICIAL
from swin_keras.weights.saving import published_arrays

TOY = {"embed_dim": 8, "depths": [1, 2], "num_heads": [1, 2]}


def toy_job(digits_dir, **options):
    options = {"sizes": TOY, "jit_compile": False} | options
    return prepare(TrainConfig(data_dir=str(digits_dir), **options))


@pytest.fixture(scope="module")
def job(digits_dir):
    """Return a job that tests only look at."""
    sizes = TOY | {"drop_path_rate": 0.0}
    return toy_job(digits_dir, sizes=sizes, layer_decay=0.5)


def test_weights_are_told_the_names_of_the_classes(digits_dir, tmp_path, caplog):
    """As many classes of other names: an old head must not stay without a word."""
    names = [f"not {number}" for number in range(10)]
    card = ModelCard("x", "swin_nano", model={}, class_names=names)
    save_keras(toy_job(digits_dir).model, tmp_path / "x.keras", card)
    toy_job(digits_dir, weights=str(tmp_path / "x.keras"))
    assert "head: new; the file's classes are not 0, not 1" in caplog.text


def test_weights_without_a_head_start_a_classifier(digits_dir, tmp_path, caplog):
    """Files of detection and pretraining have none, and training makes one."""
    trained = toy_job(digits_dir).model
    arrays, path = published_arrays(trained, OFFICIAL), tmp_path / "x.safetensors"
    kept = {n: x for n, x in arrays.items() if n.startswith(("patch_embed", "layers"))}
    save_file({f"encoder.{name}": x for name, x in kept.items()}, path)
    job = toy_job(digits_dir, weights=str(path), seed=1)
    assert "head: new; train it" in caplog.text
    found = published_arrays(job.model, OFFICIAL)
    for name, array in kept.items():
        np.testing.assert_array_equal(found[name], array)
    del arrays["head.bias"]  # a head that is not whole is a damaged file
    save_file(arrays, path)
    with pytest.raises(WeightsError, match=r"lacks 1 tensors of the model: head\.bias"):
        toy_job(digits_dir, weights=str(path))


class TestSchedule:
    def test_it_warms_up_and_then_falls_to_the_smallest_rate(self):
        config = TrainConfig(
            epochs=10, warmup_epochs=2, learning_rate=0.1, min_learning_rate=0.01
        )
        schedule = make_schedule(config, steps_per_epoch=5)
        rates = [float(schedule(step)) for step in range(51)]
        assert rates[0] == 0
        assert rates[5] == pytest.approx(0.05)
        assert rates[10] == pytest.approx(0.1)
        assert rates.index(max(rates)) == 10
        assert rates[50] == pytest.approx(0.01)

    def test_a_short_run_warms_up_for_a_fifth_of_it(self):
        config = TrainConfig(
            epochs=2, warmup_epochs=5, learning_rate=0.1, min_learning_rate=0.0
        )
        schedule = make_schedule(config, steps_per_epoch=50)
        rates = [float(schedule(step)) for step in range(100)]
        assert rates.index(max(rates)) == 20

    def test_a_linear_one_falls_in_a_straight_line(self):
        config = TrainConfig(
            schedule="linear",
            epochs=10,
            warmup_epochs=2,
            learning_rate=0.1,
            min_learning_rate=0.02,
        )
        schedule = make_schedule(config, steps_per_epoch=10)
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(schedule)
        )
        steps = [0, 10, 20, 40, 60, 80, 100, 120]
        expected = [0, 0.05, 0.1, 0.08, 0.06, 0.04, 0.02, 0.02]
        for one in (schedule, again):
            rates = [float(one(step)) for step in steps]
            np.testing.assert_allclose(rates, expected, rtol=1e-5)

    def test_each_part_of_a_run_has_a_schedule_of_its_own(self):
        options = {"warmup_epochs": 2, "learning_rate": 0.1, "min_learning_rate": 0.01}
        parts = [TrainConfig(epochs=epochs, **options) for epochs in (10, 5, 20)]
        expected = [
            float(make_schedule(config, 5)(step))
            for config in parts
            for step in range(5 * config.epochs)
        ]
        whole = TrainConfig(epochs=35, restarts=(10, 15), **options)
        schedule = make_schedule(whole, 5)
        again = keras.saving.deserialize_keras_object(
            keras.saving.serialize_keras_object(schedule)
        )
        for one in (schedule, again):
            rates = [float(one(step)) for step in range(5 * 35)]
            np.testing.assert_allclose(rates, expected, rtol=1e-6)

    def test_a_part_that_stopped_early_fell_as_it_was_planned_to(self):
        options = {"warmup_epochs": 1, "learning_rate": 0.1, "min_learning_rate": 0.01}
        first, second = (TrainConfig(epochs=n, **options) for n in (10, 5))
        expected = [
            float(make_schedule(config, 5)(step))
            for config, epochs in ((first, 3), (second, 5))
            for step in range(5 * epochs)
        ]
        again = TrainConfig(epochs=8, restarts=(3,), planned_ends=(10,), **options)
        rates = [float(make_schedule(again, 5)(step)) for step in range(5 * 8)]
        np.testing.assert_allclose(rates, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_the_optimizer_is_the_configuration_s(name):
    options = {"weight_decay": 0.07, "clip_norm": 0.9, "layer_decay": 0.8}
    rates = {"learning_rate": 0.1, "min_learning_rate": 0.0, "warmup_epochs": 0}
    config = TrainConfig(optimizer=name, ema_momentum=0.97, **options, **rates)
    optimizer = make_optimizer(config, (1, 2), steps_per_epoch=10)
    assert optimizer.name == f"swin_{name}"
    for option, value in (*options.items(), ("ema_momentum", 0.97)):
        assert getattr(optimizer, option) == value, option
    assert (optimizer.use_ema, optimizer.depths) == (True, (1, 2))
    assert float(optimizer.learning_rate) == pytest.approx(0.1)
    off = TrainConfig(optimizer=name, ema_momentum=0.0, clip_norm=0.0, **rates)
    optimizer = make_optimizer(off, (1, 2), steps_per_epoch=10)
    assert (optimizer.use_ema, optimizer.clip_norm) == (False, None)


class TestPresets:
    def test_published_rates_scale_with_the_batch(self):
        config = TrainConfig(model="swin_tiny", batch_size=1024)
        assert config.preset == "published"
        assert config.learning_rate == pytest.approx(1e-3)
        small = TrainConfig(model="swin_tiny", batch_size=128)
        assert small.learning_rate == pytest.approx(1.25e-4)
        assert small.min_learning_rate == pytest.approx(1.25e-6)

    def test_weights_are_fine_tuned_unless_a_preset_is_named(self):
        given = {"model": "swin_tiny", "weights": "swin_tiny.pth"}
        assert TrainConfig(**given).preset == "finetune"
        probe = TrainConfig(**given, preset="linear-probe", epochs=3)
        assert (probe.freeze_stages, probe.epochs) == ("all", 3)

    @pytest.mark.parametrize("preset", PRESETS)
    def test_the_command_names_what_differs_from_the_preset(self, preset):
        task = preset.removesuffix("-small")
        task = task if task in OF_TASK.values() else "classify"
        config = TrainConfig(task=task, model="swin_tiny", preset=preset, rotate=3.0)
        command = config.to_command()
        named = {word for word in command.split() if word.startswith("--")}
        is_default = preset in ("published", task)
        assert named == {"--model", "--rotate"} | (
            set() if is_default else {"--preset"}
        ) | (set() if task == "classify" else {"--task"})

    def test_all_presets_set_the_same_options(self):
        (fields,) = {frozenset(values) for values in PRESETS.values()}
        assert {"epochs", "learning_rate", "mixup"} <= fields


class TestDecay:
    def test_only_matrices_decay(self, job):
        kept = {v.name for v in job.model.trainable_variables if not decays(v)}
        assert kept == {"bias", "gamma", "beta", "relative_position_bias_table"}
        optimizer = job.training_model.optimizer
        for variable in job.model.trainable_variables:
            assert optimizer._use_weight_decay(variable) == decays(variable)

    def test_what_makes_positions_or_scales_does_not(self):
        sizes = {"embed_dim": 8, "depths": [1], "num_heads": [2]}
        model = create_model(
            "swinv2_tiny", input_shape=(32, 32, 3), position_embedding=True, **sizes
        )
        decaying = {
            v.path.split("/", 1)[1] for v in model.trainable_variables if decays(v)
        }
        assert decaying == {
            "embedding/kernel",
            "attention/qkv/kernel",
            "attention/projection/kernel",
            "mlp_expand/kernel",
            "mlp_reduce/kernel",
            "kernel",  # of the head
        }

    def test_the_choice_survives_saving(self, job, tmp_path):
        model = keras.Model(job.model.input, job.model.output)
        model.compile(job.training_model.optimizer)
        model.save(tmp_path / "with_optimizer.keras")
        loaded = keras.models.load_model(tmp_path / "with_optimizer.keras")
        optimizer = loaded.optimizer
        assert (optimizer.clip_norm, optimizer.layer_decay) == (5.0, 0.5)
        for variable in loaded.trainable_variables:
            assert optimizer._use_weight_decay(variable) == decays(variable)


def learning(model):
    """Return which parts of a model learn, blocks of a stage as one."""
    names = {v.path.split("/")[0] for v in model.trainable_variables}
    return {name[:7] if name.startswith("stage_") else name for name in names}


def test_frozen_stages_do_not_learn():
    model = create_model("swin_nano", **TOY)
    parts = {"patch_embedding", "stage_1", "stage_2", "norm", "head"}
    for freeze_stages, left in (
        (0, parts),
        (1, {"stage_2", "norm", "head"}),
        ("all", {"head"}),
    ):
        config = TrainConfig(freeze_stages=freeze_stages)
        freeze(model, config, TOY["depths"])
        assert learning(model) == left


def test_a_job_freezes_and_compiles_as_its_configuration_says(digits_dir, job):
    assert not job.training_model.compiles
    other = toy_job(digits_dir, freeze_stages="all", jit_compile=True)
    assert learning(other.training_model) == {"head"}
    assert other.training_model.compiles


def test_balanced_classes_weigh_alike(digits_dir):
    job = toy_job(digits_dir, class_weights="balanced", mixup=0.0)
    weights = class_weights(job.config, job.dataset)
    counts = np.bincount(job.dataset.splits["train"].labels)
    np.testing.assert_allclose(weights * counts, np.full(10, counts.mean()), rtol=1e-6)
    _, shares, sample_weights = next(iter(job.training_batches()))
    np.testing.assert_allclose(sample_weights, weights[np.argmax(shares, -1)])


@pytest.mark.parametrize(
    ("precision", "jit_compile", "compiles"),
    [
        ("float32", None, True),
        ("mixed_bfloat16", None, bool(tf.config.list_physical_devices("GPU"))),
        ("mixed_bfloat16", True, True),
        ("float32", False, False),
    ],
)
def test_xla_compiles_where_it_pays(precision, jit_compile, compiles):
    """On a CPU its native bfloat16 matmuls are no faster than those of float32."""
    config = TrainConfig(precision=precision, jit_compile=jit_compile)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    assert devices.compiles(config, model, Replicas()) == compiles


def test_a_training_model_needs_no_metrics():
    inputs = keras.Input((2,))
    model = TrainingModel(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    x = np.ones((4, 2), "float32")
    losses = [model.train_on_batch(x, x[:, :1]) for _ in range(2)]
    assert losses[1] < losses[0]


def test_accumulated_gradients_are_those_of_the_whole_batch(job, monkeypatch):
    images, shares = next(iter(job.training_batches()))
    batch = images, shares, tf.linspace(0.5, 1.5, len(images))
    model = job.training_model
    expected = map(tf.convert_to_tensor, model._gradients(*batch))
    expected = [gradient.numpy() for gradient in expected]
    loss = model.get_metrics_result()["loss"]
    model.reset_metrics()
    monkeypatch.setattr(model, "micro_batches", 4)
    for one, two in zip(model._accumulate(batch), expected, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)
    assert float(model.get_metrics_result()["loss"]) == pytest.approx(float(loss))
