"""An export holds what it promises, in every form."""

import json
import math
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import NAMES, SMALL, shaken

from swin_keras.data import load_image
from swin_keras.errors import ExportError, ModelFileError, ResourceError, UsageError
from swin_keras.exporting import verify as verify_module
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.conversion import converting
from swin_keras.exporting.coverage import coverage
from swin_keras.exporting.export import export
from swin_keras.exporting.inference_model import features
from swin_keras.exporting.lint import lint
from swin_keras.exporting.quantize import quantize_dynamic
from swin_keras.inference import Predictor
from swin_keras.litert_file import has_data, pack, read_tables
from swin_keras.models import SwinBackbone, SwinClassifier, SwinV2Config
from swin_keras.runtimes import open_model

LITERT = ["model.tflite", "model_fp16.tflite", "model_int8.tflite"]


@pytest.mark.parametrize("name", LITERT)
def test_litert_files_run_whole_on_phones(small_export, name):
    graph = lint(small_export / name)
    assert graph.findings == ()
    assert graph.max_rank <= 4
    assert coverage(small_export / name).is_full


@pytest.mark.parametrize("name", LITERT)
def test_litert_files_have_the_names_that_the_guide_uses(small_export, name):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(small_export / name))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["images"], "outputs": ["probabilities"]}
    }
    guide = (Path(__file__).parents[2] / "docs" / "mobile.md").read_text("utf-8")
    assert name in guide


@pytest.mark.parametrize("name", ["saved_model/1", *LITERT])
def test_every_form_gives_the_models_probabilities(small_export, images_dir, name):
    expected = list(
        Predictor(small_export / "model.keras").predict([images_dir], top=5)
    )
    given = list(Predictor(small_export / name).predict([images_dir], top=5))
    tolerance = 1e-5 if name in ("saved_model/1", "model.tflite") else 0.05
    for one, other in zip(expected, given, strict=True):
        assert dict(other.scores) == pytest.approx(dict(one.scores), abs=tolerance)


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


def test_a_failed_check_leaves_the_previous_export(
    small_export, model_file, images_dir, monkeypatch
):
    before = (small_export / "card.json").read_bytes()
    strict = verify_module.Limits(difference=0.0, sqnr=1000)
    monkeypatch.setattr(verify_module, "EXACT", strict)
    config = ExportConfig(
        formats=("litert",),
        name=small_export.name,
        saved_models_dir=str(small_export.parent),
        images=str(images_dir),
        overwrite=True,
    )
    with pytest.raises(ExportError, match=r"litert: logits differ by .*--no-verify"):
        export(model_file, config)
    assert (small_export / "card.json").read_bytes() == before
    assert [path.name for path in small_export.parent.iterdir()] == [small_export.name]


def test_an_existing_export_is_not_replaced_unasked(small_export, model_file):
    config = ExportConfig(
        name=small_export.name, saved_models_dir=str(small_export.parent)
    )
    with pytest.raises(UsageError, match="--overwrite"):
        export(model_file, config)


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
    with pytest.raises(ModelFileError, match="A classifier must give one row"):
        Predictor(folder / "model.tflite")


def test_features_of_a_model_without_stages_are_refused(tmp_path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(2, activation="softmax")(
        keras.layers.Flatten()(inputs)
    )
    keras.Model(inputs, outputs, name="flat").save(tmp_path / "flat.keras")
    config = ExportConfig(features=True, saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(UsageError, match="Received: flat, which has none"):
        export(tmp_path / "flat.keras", config)


def test_a_saved_model_holds_each_number_once(small_model, small_export):
    folder = small_export / "saved_model" / "1" / "variables"
    sizes = dict(tf.train.list_variables(str(folder / "variables")))
    numbers = sum(math.prod(shape) for shape in sizes.values())
    weights = sum(math.prod(weight.shape) for weight in small_model.weights)
    assert numbers <= weights


def float32_constants(path):
    """Return the shapes of a LiteRT file's float32 constants."""
    model = read_tables(path)
    return [
        tuple(tensor.shape)
        for tensor in model.subgraphs[0].tensors
        if tensor.type == 0 and has_data(model.buffers[tensor.buffer])
    ]


def test_a_half_precision_file_holds_no_float32_vector(small_export):
    shapes = float32_constants(small_export / "model_fp16.tflite")
    assert max(map(math.prod, shapes), default=0) < 16


def test_int8_files_keep_position_biases_in_half_and_dense_ones_whole(tmp_path):
    """XNNPACK refuses an int8 dense layer whose bias is not float32."""
    config = SMALL.replace(embed_dim=96, depths=(2,), num_heads=(3,))
    shaken(SwinClassifier(config, classes=5)).save(tmp_path / "wide.keras")
    export(
        tmp_path / "wide.keras",
        ExportConfig(saved_models_dir=str(tmp_path), formats=("litert-int8",)),
    )
    path = tmp_path / "wide" / "model_int8.tflite"
    assert coverage(path).is_full
    shapes = float32_constants(path)
    assert (3 * 96,) in shapes
    assert not [shape for shape in shapes if shape[-2:] == (16, 16)]


def test_tables_written_again_are_the_same_model(small_export, tmp_path):
    """Also those of the quantizer, which leaves weights behind its tables."""
    quantize_dynamic(small_export / "model.tflite", tmp_path / "behind.tflite")
    content = pack(read_tables(tmp_path / "behind.tflite"))
    (tmp_path / "inside.tflite").write_bytes(content)
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("float32")
    one, other = (
        open_model(tmp_path / f"{name}.tflite")(image)["probabilities"]
        for name in ("behind", "inside")
    )
    np.testing.assert_array_equal(one, other)


def test_the_converter_stops_when_what_runs_beside_it_fails(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        converting(lambda folder: None, tmp_path / "model", tmp_path / "x.tflite"),
    ):
        _ = 1 / 0
    assert not (tmp_path / "x.tflite").exists()


@pytest.mark.slow
def test_what_the_converter_says_is_passed_on(tmp_path):
    with (
        pytest.raises(ExportError, match=r"The converter says: .*model"),
        converting(lambda folder: None, tmp_path / "model", tmp_path / "x.tflite"),
    ):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("size", [(32, 32), (30, 22)])
def test_swin_v2_runs_whole_on_phones_too(tmp_path, size):
    config = SwinV2Config(
        **(vars(SMALL) | {"input_shape": (*size, 3), "drop_path_rate": 0.0})
    )
    model = shaken(SwinClassifier(config, classes=3, name="small_v2"))
    model.save(tmp_path / "small_v2.keras")
    folder = export(
        tmp_path / "small_v2.keras",
        ExportConfig(saved_models_dir=str(tmp_path), formats=("litert",)),
    )
    graph = lint(folder / "model.tflite")
    assert graph.findings == ()
    assert graph.max_rank <= 4
    assert coverage(folder / "model.tflite").is_full


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


@pytest.mark.slow
def test_calibrated_int8_is_delegated_and_warns(
    model_file, images_dir, tmp_path, caplog
):
    config = ExportConfig(
        formats=("litert-int8-static",),
        calibration=str(images_dir),
        saved_models_dir=str(tmp_path),
        verify=False,  # random weights lose too much
    )
    folder = export(model_file, config)
    assert "images unlike them lose accuracy" in caplog.text
    path = folder / "model_int8_static.tflite"
    assert lint(path).findings == ()
    assert coverage(path).is_full
    operations = lint(path).operations
    assert operations["QUANTIZE"] == operations["FULLY_CONNECTED"]
    assert Predictor(path).probabilities(np.full((1, 32, 32, 3), 128)).shape == (1, 5)


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


def test_unknown_format_gets_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'litert-int8'"):
        ExportConfig(formats=("litert-int",))


def test_missing_calibration_data_is_named(model_file, tmp_path):
    config = ExportConfig(
        formats=("litert-int8-static",), saved_models_dir=str(tmp_path)
    )
    with pytest.raises(UsageError, match="--calibration"):
        export(model_file, config)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_written_is_named(model_file, tmp_path):
    (tmp_path / "file").write_text("")
    config = ExportConfig(saved_models_dir=str(tmp_path / "file"))
    with pytest.raises(ResourceError, match="must be writable"):
        export(model_file, config)


def test_a_model_that_phones_cannot_run_is_refused(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.ops.reshape(inputs, (-1, 2, 4, 2, 4, 3))
    x = keras.ops.transpose(x, (0, 1, 3, 2, 4, 5))
    x = keras.layers.Dense(2)(keras.layers.Flatten()(x))
    keras.Model(inputs, keras.layers.Softmax()(x)).save(tmp_path / "other.keras")
    config = ExportConfig(formats=("litert",), saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(ExportError, match="a tensor of 6 axes"):
        export(tmp_path / "other.keras", config)
