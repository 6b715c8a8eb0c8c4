"""What models do on a GPU, shown on a CPU that says it is one."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from swin_keras.cli import console, main
from swin_keras.data import Workers, load_dataset
from swin_keras.errors import UsageError
from swin_keras.inference import evaluation, model_paths, runtimes
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.padding import Padding
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import KerasModel, SavedModel

ROOT = Path(__file__).parents[2]
DIGITS, SAMPLE = ROOT / "saved_models" / "digits", ROOT / "tests/samples/3.png"
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 1)).astype("float32")


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(runtimes, "has_gpu", lambda: True)


def compiling(path):
    """Return a Keras model that XLA compiles, and the sizes that it is compiled for."""
    model, sizes = KerasModel(path), []
    model._model.jit_compile = True
    model.padding = Padding()
    answer = model._model.call

    def call(images, *args, **options):
        sizes.append(images.shape[0])
        return answer(images, *args, **options)

    model._model.call = call
    return model, sizes


def test_a_shorter_batch_takes_what_was_compiled(exported):
    plain = KerasModel(exported / "model.keras")
    model, sizes = compiling(exported / "model.keras")
    for count in (5, 2, 5, 4):
        (found,), (expected,) = (m(IMAGES[:count]).values() for m in (model, plain))
        assert len(found) == count
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert set(sizes) == {5}


def test_only_a_gpu_fills_batches(exported, gpu, monkeypatch):
    model = KerasModel(exported / "model.keras")
    assert model.padding is None  # Keras compiles nothing on a CPU
    monkeypatch.setattr("keras.Model.jit_compile", True)
    assert KerasModel(exported / "model.keras").padding is not None
    monkeypatch.setattr(runtimes, "has_gpu", lambda: False)
    assert KerasModel(exported / "model.keras").padding is None


def filled(padding, *counts):
    return [len(padding.filled(np.ones((count, 2)))) for count in counts]


def test_a_batch_is_filled_to_the_next_size_with_black():
    padding = Padding()
    padding.expect(30)
    assert filled(padding, 4, 40, 31, 29, 40) == [30, 40, 40, 30, 40]
    np.testing.assert_array_equal(padding.filled(np.ones((39, 1)))[39:], 0)


def test_a_size_that_comes_again_and_again_is_kept_if_it_saves_much():
    padding = Padding()
    padding.expect(30)
    assert filled(padding, *[1] * 10, 2) == [30] * 8 + [1, 1, 30]
    assert filled(padding, *[29] * 10) == [30] * 10


def test_a_saved_model_is_asked_by_its_compiled_endpoint(exported, gpu, monkeypatch):
    path = exported / "saved_model" / "1"
    model = SavedModel(path)
    assert model._answer is model._model.serve_xla
    (found,) = model(IMAGES).values()
    (less,) = model(IMAGES[:3]).values()
    assert len(less) == 3
    monkeypatch.setattr(runtimes, "has_gpu", lambda: False)
    plain = SavedModel(path)
    assert plain._answer is plain._model.serve
    np.testing.assert_allclose(found, plain(IMAGES)["outputs"], atol=1e-5)
    np.testing.assert_allclose(less, found[:3], atol=1e-5)


def test_beside_a_gpu_an_export_is_run_by_what_can_use_it(
    exported, tmp_path, monkeypatch
):
    assert Predictor(exported).form == "litert"
    monkeypatch.setattr(model_paths, "has_gpu", lambda: True)
    assert Predictor(exported).form == "keras"
    assert Predictor(exported / "model.tflite").form == "litert"  # as it was asked
    folder = shutil.copytree(exported, tmp_path / "copy")
    (folder / "model.keras").unlink()
    assert Predictor(folder).form == "saved_model"
    shutil.rmtree(folder / "saved_model")
    assert Predictor(folder).form == "litert"


def test_tensorflow_is_not_loaded_to_know_that_there_is_no_gpu():
    program = (
        "import sys\n"
        "from swin_keras import gpus\n"
        "gpus.DRIVERS = ()\n"
        "assert not gpus.has_gpu()\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.fixture
def digit_files(tmp_path):
    for index, split in enumerate(np.split(IMAGES.astype("uint8"), 5)):
        folder = tmp_path / "digits" / str(index)
        folder.mkdir(parents=True)
        Image.fromarray(split[0, ..., 0]).save(folder / "one.png")
    return tmp_path / "digits"


@pytest.mark.parametrize(
    ("workers", "cores", "started"), [(0, 2, 0), (2, 1, 2), ("auto", 9, 3)]
)
def test_processes_load_what_is_judged(
    exported, digit_files, monkeypatch, workers, cores, started
):
    processes, start = [], Workers._start
    monkeypatch.setattr(
        Workers, "_start", lambda self: processes.append(1) or start(self)
    )
    monkeypatch.setattr(evaluation, "usable_cores", lambda: cores)
    expected = evaluate(exported / "model.tflite", digit_files, batch_size=2)
    assert not processes  # on a CPU
    monkeypatch.setattr(evaluation, "has_gpu", lambda: True)
    found = evaluate(
        exported / "model.tflite", digit_files, batch_size=2, workers=workers
    )
    assert len(processes) == started  # no more than there are batches
    assert found.to_dict() == expected.to_dict()


@pytest.mark.parametrize("workers", [-1, 1.5, 10_000, "all"])
def test_a_number_of_processes_that_cannot_be_is_refused(exported, workers):
    with pytest.raises(UsageError, match="`workers` must be"):
        evaluate(exported, workers=workers)


def test_batches_of_nearly_equal_size_are_compiled_once(
    exported, digit_files, monkeypatch
):
    model, sizes = compiling(exported / "model.keras")
    predictor = Predictor(exported / "model.keras")
    predictor._run = model
    dataset = load_dataset(digit_files, hold_out=False)
    evaluation.evaluate_dataset(predictor, dataset, "all", batch_size=3)
    assert set(sizes) == {3}


@pytest.mark.parametrize("is_there", [True, False])
def test_what_a_gpu_compiles_is_kept(tmp_path, monkeypatch, is_there):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    for name in ("has_gpu", "may_have_gpu"):
        monkeypatch.setattr(console, name, lambda: is_there)
    assert main(["predict", str(DIGITS / "model.tflite"), str(SAMPLE)]) == 0
    assert bool(list(tmp_path.rglob("index.json"))) == is_there
    assert (tmp_path / "cache").exists() == is_there
