"""An export holds what it promises, in every form."""

import dataclasses
import json
import logging
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import LITERT, NAMES, SMALL

from swin_keras import benchmark
from swin_keras.data import load_image
from swin_keras.errors import ExportError, ModelFileError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.readme import readme_text
from swin_keras.exporting.saved_model import export_saved_model
from swin_keras.exporting.source import complete_card
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import open_model
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.model_files import read_card
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinBackbone
from swin_keras.models.feature_maps import feature_model, features
from swin_keras.tasks import task_named, trained_task


@pytest.fixture(scope="module")
def keras_answers(small_export, images_dir):
    return list(Predictor(small_export / "model.keras").predict([images_dir], top=5))


@pytest.mark.parametrize("name", ["saved_model/1", *LITERT])
def test_every_form_gives_the_models_probabilities(
    small_export, keras_answers, images_dir, name
):
    given = list(Predictor(small_export / name).predict([images_dir], top=5))
    tolerance = 1e-5 if name in ("saved_model/1", "model.tflite") else 0.05
    for one, other in zip(keras_answers, given, strict=True):
        assert dict(other.scores) == pytest.approx(dict(one.scores), abs=tolerance)


def test_a_program_without_logging_still_has_none(small_model, tmp_path, monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    export_saved_model(small_model, tmp_path / "saved_model")
    assert not logging.root.handlers


@pytest.mark.slow
def test_onnx_file_gives_the_models_probabilities(model_file, images_dir, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    config = ExportConfig(
        formats=("onnx",), images=str(images_dir), saved_models_dir=str(tmp_path)
    )
    folder = export(model_file, config)
    checks = json.loads((folder / "card.json").read_text("utf-8"))["checks"]
    assert checks["onnx"]["difference"] <= 1e-4
    alone = (folder / "model.onnx").rename(tmp_path / "alone.onnx")
    assert Predictor(alone).class_names == Predictor(folder).class_names
    assert list(open_model(alone).outputs) == ["probabilities"]


@pytest.mark.slow
def test_a_file_for_any_batch_is_delegated_too(model_file, images_dir, tmp_path):
    config = ExportConfig(
        formats=("litert",),
        batch_size=0,
        images=str(images_dir),
        saved_models_dir=str(tmp_path),
    )
    folder = export(model_file, config)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / "model.tflite"))
    (detail,) = interpreter.get_input_details()
    interpreter.resize_tensor_input(detail["index"], (3, 32, 32, 3))
    interpreter.allocate_tensors()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3))
    interpreter.set_tensor(detail["index"], images.astype("float32"))
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    expected = Predictor(folder / "model.keras").probabilities(images)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    # Its operations cannot be cut out one by one, which takes no timing away.
    measured = benchmark(folder / "model.tflite", threads=1, seconds=0.1)
    assert [timing.threads for timing in measured.timings] == [1]
    assert measured.profiles == {}


@pytest.mark.parametrize("name", LITERT)
def test_names_travel_inside_each_file(small_export, name):
    with zipfile.ZipFile(small_export / name) as archive:
        assert archive.read("labels.txt").decode().split() == list(NAMES)
    assert Predictor(small_export / name).class_names == NAMES


def test_the_card_tells_what_was_checked(small_export):
    card = json.loads((small_export / "card.json").read_text("utf-8"))
    check = card["checks"]["litert"]
    assert check["difference"] <= 1e-4
    assert check["agreement"] == 1
    assert check["min_runtime"] == "2.9.0"
    assert check["latency_ms"] > 0
    assert card["checks"]["litert-int8"]["min_runtime"] == "2.17.0"
    assert card["checks"]["litert-int8"]["sqnr"] > 20
    readme = (small_export / "README.md").read_text("utf-8")
    assert "| litert-int8 |" in readme
    assert f"all {check['delegated'].split('/')[0]} |" in readme
    assert "0..255, as they are read: normalization is inside" in readme
    assert "SQNR" not in readme
    assert "| needs TensorFlow Lite |" in readme
    assert "every LiteRT 2.x" in readme  # which counts anew


def test_files_have_the_modes_that_the_users_other_files_have(small_export, tmp_path):
    (tmp_path / "file").write_text("")
    usual = (tmp_path / "file").stat().st_mode
    files = [path for path in small_export.rglob("*") if path.is_file()]
    assert {path.stat().st_mode for path in files} == {usual}


def test_saved_model_needs_no_package_of_ours(small_export):
    code = (
        "import sys, numpy as np, tensorflow as tf\n"
        f"m = tf.saved_model.load({str(small_export / 'saved_model/1')!r})\n"
        "x = np.zeros((3, 32, 32, 3), 'float32')\n"
        "print(m.serve(x).shape, m.logits(x).shape)\n"
        "print(sorted((k, tuple(v.shape)) for k, v in m.features(x).items()))\n"
        "print('swin_keras' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[:2] == [
        "(3, 5) (3, 5)",
        "[('C2', (3, 16, 16, 16)), ('C3', (3, 8, 8, 32))]",
    ]
    assert done.stdout.splitlines()[2].startswith("False")


def test_a_saved_model_holds_each_number_once(small_model, small_export):
    folder = small_export / "saved_model" / "1" / "variables"
    sizes = dict(tf.train.list_variables(str(folder / "variables")))
    numbers = sorted(math.prod(shape) for shape in sizes.values() if shape)
    weights = inference_model(small_model).weights
    assert numbers == sorted(math.prod(weight.shape) for weight in weights)


@pytest.mark.slow
def test_a_backbone_is_exported_with_its_features(tmp_path):
    file = tmp_path / "backbone.keras"
    SwinBackbone(SMALL).save(file)
    config = ExportConfig(formats=("litert",), saved_models_dir=str(tmp_path / "out"))
    folder = export(file, config)
    outputs = open_model(folder / "model.tflite")(np.zeros((1, 32, 32, 3), "float32"))
    assert {name: value.shape for name, value in outputs.items()} == {
        "C2": (1, 16, 16, 16),
        "C3": (1, 8, 8, 32),
    }
    readme = (folder / "README.md").read_text("utf-8")
    assert "`C2` 16 x 16 x 16, `C3` 8 x 8 x 32" in readme
    assert "must be normalized as in training" in readme
    assert "    swin-keras export" in readme  # without a command before it
    assert not read_card(folder / "model.tflite").normalizes


@pytest.mark.parametrize("normalizes", [True, False])
def test_a_readme_tells_where_images_are_normalized(normalizes):
    card = ModelCard("pets", "v", {"input_shape": (8, 8, 3)}, ("a", "b"))
    text = readme_text(dataclasses.replace(card, normalizes=normalizes))
    assert ("normalization is inside the model" in text) == normalizes
    assert ("must be normalized as in training" in text) == (not normalizes)


def test_a_readme_shows_no_figure_that_says_nothing():
    metrics = {"test_accuracy": 0.5, "test_top5": 1.0, "loss": float("nan")}
    names = tuple("abcde")
    card = ModelCard("pets", "v", {"input_shape": (8, 8, 3)}, names, metrics=metrics)
    text = readme_text(card)
    assert "| test accuracy | 0.5 |" in text
    assert "top5" not in text
    assert "nan" not in text
    more = dataclasses.replace(card, class_names=tuple("abcdef"))
    assert "| test top5 | 1 |" in readme_text(more)


@pytest.mark.slow
def test_a_classifier_is_exported_as_feature_maps(
    small_model, model_file, images_dir, tmp_path
):
    config = ExportConfig(
        features=True,
        formats=("litert", "litert-int8"),
        images=str(images_dir),
        saved_models_dir=str(tmp_path),
    )
    folder = export(model_file, config)
    assert folder.name == "small-features"
    assert not (folder / "labels.txt").exists()
    assert "--features" in (folder / "README.md").read_text("utf-8")
    images = np.stack(
        [load_image(path, (32, 32), 3) for path in sorted(images_dir.iterdir())]
    ).astype("float32")
    expected = keras.Model(small_model.input, features(small_model))(images)
    for name, tolerance in (("model.tflite", 1e-5), ("model_int8.tflite", 0.2)):
        assert lint(folder / name).findings == ()
        assert coverage(folder / name).is_full
        given = open_model(folder / name)(images)
        assert sorted(given) == ["C2", "C3"]
        for level, values in given.items():
            np.testing.assert_allclose(values, expected[level], atol=tolerance)
    with pytest.raises(ModelFileError, match="gives feature maps: C2, C3"):
        Predictor(folder / "model.tflite")


@pytest.mark.parametrize("task", ["classify", "segment", "detect"])
def test_feature_maps_take_pictures_as_their_model_does(small_model, task):
    card = ModelCard("pets", "v", {}, ("cat", "dog"), task=task)  # of no run
    assert trained_task(card) is None
    for _ in range(2):  # an export can be exported again
        card = complete_card(
            card,
            feature_model(small_model),
            task_named("features"),
            "maps",
            Path("a.keras"),
            ExportConfig(features=True),
        )
        assert card.task == "features"
        assert trained_task(card).name == task
        is_cut = "around the centre" in readme_text(card)
        assert is_cut == (task == "classify")


def test_missing_packages_of_onnx_are_told_before_anything_is_written(
    trained_run, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "onnx", None)
    config = ExportConfig(saved_models_dir=str(tmp_path), formats=("litert", "onnx"))
    with pytest.raises(ExportError, match="needs further packages"):
        export(trained_run.path, config)
    assert not list(tmp_path.iterdir())
