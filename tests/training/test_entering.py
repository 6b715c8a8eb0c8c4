"""What `train` takes, and what it leaves behind in the process."""

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from toy_runs import folder_of_images, outcome

import swin_keras
from swin_keras.errors import ResourceError, UsageError
from swin_keras.training import TrainConfig, strategy
from swin_keras.training.description import describe
from swin_keras.training.dry_run import dry_run
from swin_keras.training.fitting import memory_errors
from swin_keras.training.preparation import prepare
from swin_keras.training.run_folder import RunFolder
from swin_keras.training.train import train

TOY = {"sizes": {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}}
TOY |= {"jit_compile": False, "tensorboard": False}


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    return folder_of_images(tmp_path_factory.mktemp("data") / "pets", count=20)


def test_data_and_options_can_be_given_as_they_are(pets, tmp_path):
    run = train(pets, epochs=1, name="a", runs_dir=tmp_path, **TOY)
    config = run.read_config()
    assert (config.data, config.epochs, config.batch_size) == (str(pets), 1, 8)
    with pytest.raises(UsageError, match=r"'epoch' of TrainConfig.*'epochs'"):
        train(data=pets, epoch=1)
    with pytest.raises(UsageError, match=r"not both.*epochs"):
        train(TrainConfig(), epochs=1)
    with pytest.raises(UsageError, match="takes a TrainConfig, or the data"):
        train({"data": "photos"})


def test_the_log_of_a_run_that_fails_names_versions_and_device(pets, tmp_path):
    def fail(epoch, logs=None):
        raise ZeroDivisionError

    failing = keras.callbacks.LambdaCallback(on_epoch_begin=fail)
    with pytest.raises(ZeroDivisionError):
        train(pets, epochs=1, name="b", runs_dir=tmp_path, callbacks=failing, **TOY)
    lines = (tmp_path / "b" / "log.txt").read_text().splitlines()
    assert f"swin-keras {swin_keras.__version__}, keras {keras.__version__}" in lines[1]
    assert "device " in lines[2]


def test_a_precision_is_that_of_the_run_alone(pets):
    job = prepare(TrainConfig(data=str(pets), precision="mixed_bfloat16", **TOY))
    assert "bfloat16" in {layer.compute_dtype for layer in job.model.layers}
    assert keras.config.dtype_policy().name == "float32"
    with pytest.raises(UsageError, match="depths"):
        prepare(
            TrainConfig(
                precision="mixed_bfloat16", sizes={"depths": []}, data=str(pets)
            )
        )
    assert keras.config.dtype_policy().name == "float32"


def test_a_small_set_is_told_what_suits_it(pets):
    config = TrainConfig(data=str(pets), preset="published", **TOY)
    job = prepare(config)
    text = "\n".join(describe(job))
    for words in (
        f"swin-keras {swin_keras.__version__}, ",
        f"tensorflow {tf.__version__}",
        "GPU: " if tf.config.list_physical_devices("GPU") else "(no GPU was found)",
        "2 classes (32 train, 4 val, 4 test images)",
        "image size: the variant's own",
        "4 an epoch, 300 epochs, 8 images each; preset published",
        "fewer images a step than the preset's 1024",
        "32 images are few to train from random weights",
    ):
        assert words in text
    given = dataclasses.replace(config, batch_size=8, learning_rate=1e-3, image_size=24)
    text = "\n".join(describe(prepare(given)))
    assert "fewer images" not in text
    assert "image size: as given" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"epochs": 10}, "warm-up: 8 steps, a fifth of the run, instead of 5 epochs"),
        ({"epochs": 10, "warmup_epochs": 2.5}, "8 steps, a fifth of the run, instead"),
        ({"epochs": 30, "restarts": (25,)}, "4 steps, a fifth of the run, instead of"),
        (
            {"epochs": 4, "warmup_epochs": 1.0},
            "3 steps, a fifth of the run, instead of 1 epoch\n",
        ),
        ({"epochs": 10, "warmup_epochs": 2}, None),
        ({"epochs": 25}, None),
    ],
)
def test_a_warm_up_that_is_cut_is_told(pets, options, said):
    job = prepare(TrainConfig(data=str(pets), preset="small", **TOY | options))
    text = "\n".join([*describe(job), ""])
    assert said in text if said else "warm-up" not in text


@pytest.mark.slow
def test_a_dry_run_times_epochs_of_one_step_too(pets):
    text = dry_run(TrainConfig(data=str(pets), batch_size=32, epochs=1, **TOY))
    assert "1 an epoch" in text
    assert "ms a step, about" in text


def test_images_are_shown_with_their_shares_of_the_classes(pets):
    config = TrainConfig(data=str(pets), mixup=0.8, batch_size=32, **TOY)
    images, shares = prepare(config).first_images()
    assert len(images) == len(shares) == 32
    np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-6)
    assert ((shares > 0.01) & (shares < 0.99)).any()
    _, shares = prepare(dataclasses.replace(config, mixup=0.0)).first_images()
    assert set(np.unique(shares)) == {0, 1}


def test_devices_are_found_before_they_are_shared(monkeypatch):
    """Which lets GPUs give memory as it is needed, and no later."""
    found = []
    monkeypatch.setattr(strategy, "find_devices", lambda: found.append(True))
    strategy.make_strategy("none")
    assert found == [True]


def test_a_part_beyond_the_epochs_is_refused_before_anything_is_made(tmp_path):
    config = TrainConfig(runs_dir=str(tmp_path / "runs"), epochs=1, **TOY)
    for part in (range(3), range(1, 2), range(-1, 1), range(0, 1, 2)):
        with pytest.raises(UsageError, match=r"`part` must lie within the epochs"):
            train(config, part=part)
    assert not (tmp_path / "runs").exists()


def test_a_part_that_is_no_range_is_refused(tmp_path):
    config = TrainConfig(runs_dir=str(tmp_path / "runs"), epochs=2, **TOY)
    for part in (1, [0], "range(1)"):
        with pytest.raises(UsageError, match=r"must be a range of epochs.*Received"):
            train(config, part=part)


@pytest.mark.parametrize(
    "callbacks",
    [print, [None], keras.callbacks.TerminateOnNaN, [keras.callbacks.TerminateOnNaN]],
)
def test_what_is_no_callback_is_refused(callbacks, tmp_path):
    config = TrainConfig(runs_dir=str(tmp_path / "runs"), epochs=1, **TOY)
    with pytest.raises(UsageError, match=r"must be callbacks of Keras.*Received"):
        train(config, callbacks=callbacks)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("callback", "instead"),
    [
        (keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3), "`learning_rate`"),
        (keras.callbacks.ReduceLROnPlateau(), "`schedule`"),
        (keras.callbacks.BackupAndRestore("backup"), "`resume=True`"),
    ],
)
def test_a_callback_that_does_what_a_run_does_is_refused(callback, instead, tmp_path):
    config = TrainConfig(runs_dir=str(tmp_path / "runs"), epochs=1, **TOY)
    with pytest.raises(UsageError, match=rf"its own.*{instead}.*Received"):
        train(config, callbacks=[callback])
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_runs_of_two_threads_are_what_each_would_be_alone(pets, tmp_path):
    def run(name):
        return train(pets, epochs=1, name=name, runs_dir=tmp_path, **TOY)

    alone = outcome(run("alone"))
    with ThreadPoolExecutor(2) as threads:
        runs = list(threads.map(run, ("one", "other")))
    assert [outcome(run) for run in runs] == [alone, alone]
    for run in runs:
        lines = run.log.read_text().splitlines()
        assert [line for line in lines if " run " in line] == [lines[0]]


def test_a_later_part_of_a_run_that_has_not_begun_is_refused(pets, tmp_path):
    places = {"runs_dir": str(tmp_path / "runs"), "name": "new"}
    config = TrainConfig(data=str(pets), epochs=2, **places, **TOY)
    for resume in (False, True):
        with pytest.raises(UsageError, match=r"must begin with epoch 0"):
            train(config, part=range(1, 2), resume=resume)
    assert not (tmp_path / "runs").exists()


def full(batch_size, error, resumed=None, **options):
    with memory_errors(TrainConfig(batch_size=batch_size, **options), resumed):
        raise error


def test_memory_that_is_full_is_told():
    exhausted = tf.errors.ResourceExhaustedError
    with pytest.raises(ResourceError, match=r"of 64 images does not fit.*--remat true"):
        full(64, exhausted(None, None, "OOM when allocating"))
    with pytest.raises(ResourceError, match="A step does not fit"):
        full("auto", MemoryError())
    for kind in (tf.errors.InternalError, tf.errors.UnknownError):
        with pytest.raises(ResourceError, match="of 64 images does not fit"):
            full(64, kind(None, None, "Failed to create cuBLAS handle"))
    with pytest.raises(tf.errors.InternalError):
        full(64, tf.errors.InternalError(None, None, "a fault"))
    with pytest.raises(OSError, match="No space left"):  # of a disk
        full(64, exhausted(None, None, "/runs/a: No space left on device"))


def test_a_run_that_resumes_is_advised_of_what_may_change():
    run = RunFolder(Path("runs/pets"))
    options = [{}, {"remat": True}, {"sizes": {"dropout_rate": 0.1}}]
    for changes in options:
        with pytest.raises(ResourceError) as caught:
            full(64, MemoryError(), run, **changes)
        text = str(caught.value)
        assert ("--remat true" in text) == (not changes)
        assert "another run from its weights: --weights runs/pets with a sm" in text
        assert not any(word in text for word in ("auto", "accum", "--precision"))


def test_a_deterministic_run_asks_tensorflow_to_be(pets, monkeypatch):
    asked = []
    monkeypatch.setattr(
        tf.config.experimental, "enable_op_determinism", lambda: asked.append(True)
    )
    prepare(TrainConfig(data=str(pets), **TOY))
    assert not asked
    prepare(TrainConfig(data=str(pets), deterministic=True, **TOY))
    assert asked


@pytest.mark.slow
def test_another_backend_of_keras_is_refused_in_a_sentence():
    pytest.importorskip("jax")
    code = """
import swin_keras
for call in (swin_keras.train, swin_keras.SwinAdamW, swin_keras.SwinMuon):
    try:
        call()
    except swin_keras.UsageError as error:
        print(error)
"""
    lines = lines_on_jax(code)
    assert [line.split(" needs")[0] for line in lines] == [
        "Training",
        "`SwinAdamW`",
        "`SwinMuon`",
    ]
    assert all("it is on 'jax' here" in line for line in lines)


def lines_on_jax(code, folder=None):
    """Run code where Keras is on JAX; return the lines that it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_another_backend_says_how_to_load_what_our_optimizers_trained(tmp_path):
    """Whether or not their own modules were imported."""
    pytest.importorskip("jax")
    sizes = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2)}
    model = swin_keras.SwinNano(classes=3, **sizes)
    for kind in (swin_keras.SwinAdamW, swin_keras.SwinMuon):
        model.compile(kind(1e-3), "sparse_categorical_crossentropy")
        model.save(tmp_path / f"{kind.__name__}.keras")
    code = """
import keras, swin_keras
for _ in range(2):
    for file in ("SwinAdamW.keras", "SwinMuon.keras"):
        keras.models.load_model(file, compile=False)
        try:
            keras.models.load_model(file)
        except swin_keras.UsageError as error:
            print(error)
    swin_keras.SwinMuon
"""
    lines = lines_on_jax(code, tmp_path)
    said = [line.split(" needs")[0] for line in lines]
    assert said == ["`SwinAdamW`", "`SwinMuon`"] * 2
    assert all("load_model(file, compile=False)" in line for line in lines)
