"""Every format with every kind of size: checked by the export itself."""

import json

import pytest
from small_model import shaken

from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.models import SwinBackbone, SwinClassifier, SwinConfig, SwinV2Config

TOY = {
    "input_shape": (16, 16, 3),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (2, 1),
    "num_heads": (2, 4),
    "window_size": 4,
    "mlp_ratio": 2.0,
}
V1, V2 = SwinConfig(**TOY), SwinV2Config(**TOY)
PATCHES_PADDED = {"input_shape": (17, 18, 3), "patch_size": 4}
SIZES = {
    "whole patches and windows": V1,
    "not square": V1.replace(input_shape=(16, 32, 3)),
    "padded patches": V1.replace(**PATCHES_PADDED),
    "padded windows": V1.replace(input_shape=(20, 28, 3)),
    "overlapping patches": V1.replace(patch_overlap=1),
    "overlapping and padded": V1.replace(patch_overlap=1, input_shape=(17, 20, 3)),
    "grey, one window": V1.replace(input_shape=(8, 8, 1)),
    "V2": V2,
    "V2, padded patches": V2.replace(**PATCHES_PADDED),
    "V2, padded windows": V2.replace(input_shape=(20, 28, 3)),
    "V2, overlapping": V2.replace(patch_overlap=1),
}
FORMATS = ("saved_model", "litert", "litert-fp16", "litert-int8", "onnx")


def exported_checks(model, tmp_path, formats):
    model.save(tmp_path / "toy.keras")
    config = ExportConfig(formats=formats, saved_models_dir=str(tmp_path / "out"))
    folder = export(tmp_path / "toy.keras", config)
    return json.loads((folder / "card.json").read_text("utf-8"))["checks"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", SIZES)
def test_every_format_takes_every_kind_of_size(kind, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    model = shaken(SwinClassifier(SIZES[kind], classes=4))
    checks = exported_checks(model, tmp_path, FORMATS)
    assert set(checks) == {"keras", *FORMATS}


@pytest.mark.parametrize("kind", ["padded patches", "overlapping patches"])
def test_a_normalization_that_stays_is_no_input_of_an_onnx_file(kind, tmp_path):
    onnx = pytest.importorskip("onnx", reason="needs the extra `onnx`")
    pytest.importorskip("tf2onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    model = shaken(SwinClassifier(SIZES[kind], classes=4))
    checks = exported_checks(model, tmp_path, ("onnx",))
    assert checks["onnx"]["difference"] <= 1e-4
    graph = onnx.load(tmp_path / "out" / "toy" / "model.onnx").graph
    assert [value.name for value in graph.input] == ["images"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["padded patches", "V2, padded windows"])
def test_feature_maps_take_every_kind_of_size(kind, tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    checks = exported_checks(shaken(SwinBackbone(SIZES[kind])), tmp_path, FORMATS)
    assert set(checks) == {"keras", *FORMATS}
