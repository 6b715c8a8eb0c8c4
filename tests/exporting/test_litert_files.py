"""LiteRT files run whole on phones, and hold no number in more bytes than needed."""

import math
from pathlib import Path

import numpy as np
import pytest
from small_model import LITERT, SMALL, shaken

from swin_keras.data import load_image
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.verify import sqnr
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import open_model
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.litert.quantize import quantize_dynamic, quantize_static
from swin_keras.litert.tables import has_data, pack, read_tables
from swin_keras.models import SwinClassifier, SwinV2Config
from swin_keras.tasks.compared_logits import of_softmax


@pytest.mark.parametrize("name", LITERT)
def test_litert_files_run_whole_on_phones(small_export, name):
    graph = lint(small_export / name)
    assert graph.findings == ()
    assert graph.max_rank <= 4
    assert coverage(small_export / name).is_full


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


def test_ranges_are_those_of_all_calibration_images(small_export, images_dir, tmp_path):
    """Those of black are too narrow, and those of one image for the others."""
    images = np.stack(
        [load_image(p, (32, 32), 3) for p in sorted(images_dir.iterdir())]
    )

    def logits_of(path):
        answers = open_model(path, trust=True)(images.astype("float32"))
        return of_softmax(answers["probabilities"])

    def decibels(calibration):
        path = tmp_path / "static.tflite"
        quantize_static(small_export / "model.tflite", path, calibration)
        return sqnr(expected, logits_of(path))

    expected = logits_of(small_export / "model.tflite")
    assert decibels(images) > 10
    assert decibels(0 * images) < 0


@pytest.mark.parametrize("name", LITERT)
def test_litert_files_have_the_names_that_the_guide_uses(small_export, name):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(small_export / name))
    assert interpreter.get_signature_list() == {
        "serving_default": {"inputs": ["images"], "outputs": ["probabilities"]}
    }
    guide = (Path(__file__).parents[2] / "docs" / "mobile.md").read_text("utf-8")
    assert name in guide


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


@pytest.mark.slow
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
