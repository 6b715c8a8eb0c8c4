"""The files run whole on LiteRT's GPU code, here on a Vulkan driver without a GPU.

The driver is SwiftShader's, in Debian's package `chromium-common`; SWIFTSHADER_DIR
names the folder of `libvk_swiftshader.so` where it is not installed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from swin_keras.applications import SwinTiny
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export

DRIVERS = Path(os.environ.get("SWIFTSHADER_DIR", "/usr/lib/chromium"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DRIVERS / "libvk_swiftshader.so").is_file(),
        reason="needs libvk_swiftshader.so: Debian's chromium-common",
    ),
]


def run_on_gpu(path, tmp_path):
    driver = {"library_path": str(DRIVERS / "libvk_swiftshader.so")}
    icd = tmp_path / "swiftshader.json"
    about = {"file_format_version": "1.0.0", "ICD": {**driver, "api_version": "1.1.0"}}
    icd.write_text(json.dumps(about))
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("gpu_run.py"), path],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "VK_ICD_FILENAMES": str(icd),
            "LD_LIBRARY_PATH": str(DRIVERS),
        },
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "quality"),
    [("model.tflite", 80), ("model_fp16.tflite", 40), ("model_int8.tflite", 20)],
)
def test_a_small_model_runs_whole_on_the_gpu(small_export, tmp_path, name, quality):
    result = run_on_gpu(small_export / name, tmp_path)
    assert result["is_whole"]
    assert result["same_class"]
    assert result["sqnr"] > quality


def test_swin_tiny_runs_whole_on_the_gpu(tmp_path):
    SwinTiny().save(tmp_path / "swin_tiny.keras")
    config = ExportConfig(
        formats=("litert", "litert-int8"), saved_models_dir=str(tmp_path / "out")
    )
    folder = export(tmp_path / "swin_tiny.keras", config)
    for name, quality in (("model.tflite", 80), ("model_int8.tflite", 20)):
        result = run_on_gpu(folder / name, tmp_path)
        assert result["is_whole"]
        assert result["sqnr"] > quality
