"""An export that cannot work says why, and leaves nothing behind."""

import errno
import importlib
import os
import shutil
import subprocess

import keras
import pytest

from swin_keras.errors import (
    ExportError,
    ModelFileError,
    ResourceError,
    UsageError,
)
from swin_keras.exporting import verify as verify_module
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.litert import conversion
from swin_keras.litert.conversion import converting


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


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("model.tflite", "LiteRT"),
        ("model.onnx", "ONNX"),
        ("saved_model.pb", "SavedMod"),
    ],
)
def test_an_export_starts_from_no_exported_file(tmp_path, file, what):
    (tmp_path / file).write_bytes(b"")
    for given in (tmp_path, tmp_path / file)[what == "ONNX" : 1 + (what != "SavedMod")]:
        with pytest.raises(ModelFileError, match=f"or a .keras file.* is an? {what}"):
            export(given)


def test_a_target_that_cannot_be_written_is_named(model_file, tmp_path):
    (tmp_path / "file").write_text("")
    config = ExportConfig(saved_models_dir=str(tmp_path / "file"))
    with pytest.raises(ResourceError, match="must be writable"):
        export(model_file, config)


@pytest.fixture
def small_disk(tmp_path):
    """A function that mounts a file system of a size in kB; needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options):
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command).returncode:
            pytest.skip("needs the right to mount a small file system")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)])


@pytest.mark.slow
def test_an_operation_that_litert_lacks_is_named(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.ops.erfinv(keras.layers.Rescaling(1 / 256)(inputs))
    outputs = keras.layers.Dense(2, "softmax")(keras.layers.Flatten()(x))
    keras.Model(inputs, outputs).save(tmp_path / "m.keras")
    config = ExportConfig(formats=("litert",), saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(ExportError, match=r"built-in operations\. Received: Erfinv\.$"):
        export(tmp_path / "m.keras", config)


def test_each_operation_that_the_converter_lacks_is_named_once():
    said = """error: failed while converting: 'main':
Flex ops: FlexErfinv, FlexRoll
Details:
\ttf.Erfinv(tensor<1x192xf32>) -> (tensor<1x192xf32>) : {device = ""}
Custom ops: Bincount
Could not translate MLIR to FlatBuffer.<unknown>:0: error: loc(callsite(
Custom ops: Bincount
"""
    assert conversion._reason(said) == "Received: Bincount, FlexErfinv, FlexRoll."


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        *((f"size={kb}k", "no space is left") for kb in (4, 64, 272, 640, 760)),
        ("ro", "Read-only file system"),
    ],
)
def test_a_disk_without_room_is_one_sentence(model_file, small_disk, options, reason):
    disk = small_disk(options)
    config = ExportConfig(saved_models_dir=str(disk / "out"), verify=False)
    with pytest.raises(ResourceError, match=reason):
        export(model_file, config)
    assert list(disk.iterdir()) == []


def test_an_existing_export_is_not_replaced_unasked(small_export, model_file):
    config = ExportConfig(
        name=small_export.name, saved_models_dir=str(small_export.parent)
    )
    with pytest.raises(UsageError, match="--overwrite"):
        export(model_file, config)


@pytest.mark.slow
def test_a_failed_check_leaves_the_previous_export(
    small_export, model_file, images_dir, monkeypatch
):
    before = (small_export / "card.json").read_bytes()
    strict = verify_module.Tolerances(difference=0.0, sqnr=1000)
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


@pytest.mark.slow
def test_a_model_that_phones_cannot_run_is_refused(tmp_path):
    inputs = keras.Input((8, 8, 3))
    x = keras.ops.reshape(inputs, (-1, 2, 4, 2, 4, 3))
    x = keras.ops.transpose(x, (0, 1, 3, 2, 4, 5))
    x = keras.layers.Dense(2)(keras.layers.Flatten()(x))
    keras.Model(inputs, keras.layers.Softmax()(x)).save(tmp_path / "other.keras")
    config = ExportConfig(formats=("litert",), saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(ExportError, match="a tensor of 6 axes"):
        export(tmp_path / "other.keras", config)


def test_features_of_a_model_without_stages_are_refused(tmp_path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(2, activation="softmax")(
        keras.layers.Flatten()(inputs)
    )
    keras.Model(inputs, outputs, name="flat").save(tmp_path / "flat.keras")
    config = ExportConfig(features=True, saved_models_dir=str(tmp_path / "out"))
    with pytest.raises(UsageError, match="Received: flat, which has none"):
        export(tmp_path / "flat.keras", config)


def test_the_converter_stops_when_what_runs_beside_it_fails(tmp_path):
    with (
        pytest.raises(ZeroDivisionError),
        converting(lambda folder: None, tmp_path / "model", tmp_path / "x.tflite"),
    ):
        _ = 1 / 0
    assert not (tmp_path / "x.tflite").exists()


def test_a_converter_that_is_killed_says_nothing_about_the_model(tmp_path, monkeypatch):
    words = ["sh", "-c", "kill -9 $$"]
    monkeypatch.setattr(conversion, "module_command", lambda *_: words)
    with (
        pytest.raises(ResourceError, match=r"ended by SIGKILL.* memory"),
        converting(lambda folder: None, tmp_path / "model", tmp_path / "x.tflite"),
    ):
        pass


def test_not_every_error_of_the_system_is_of_the_folder(
    model_file, tmp_path, monkeypatch
):
    def fail(*_, **__):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    module = importlib.import_module("swin_keras.exporting.export")
    monkeypatch.setattr(module, "_write_forms", fail)
    with pytest.raises(OSError, match="Too many open files") as caught:
        export(model_file, ExportConfig(saved_models_dir=str(tmp_path)))
    assert not isinstance(caught.value, ResourceError)


@pytest.mark.slow
def test_what_the_converter_says_is_passed_on(tmp_path):
    with (
        pytest.raises(ExportError, match=r"The converter says: .*model"),
        converting(lambda folder: None, tmp_path / "model", tmp_path / "x.tflite"),
    ):
        pass


def test_another_backend_is_refused_before_anything_is_converted(monkeypatch, tmp_path):
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    with pytest.raises(UsageError, match="Export needs Keras on TensorFlow"):
        export(tmp_path / "none.keras")
