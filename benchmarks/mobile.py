"""Swin-T as a LiteRT file, against other ways to the same, in one run.

    python benchmarks/mobile.py [--threads 2] [--seconds 6] [--json FILE]

Random weights, none of them zero, 224 x 224, one image. Compared in turns: our
export, the textbook form, KerasHub's Swin with a static batch and built-in operations
(where keras-hub is installed), and ONNX Runtime on torchvision's swin_t (where torch,
torchvision and onnxruntime are). The ceiling is the sum of the file's own dense
layers and matrix products, each timed alone under XNNPACK in the same run.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from shaking import shake
from textbook import textbook
from timing import matrix_rate, write_json

from swin_keras.applications import SwinTiny
from swin_keras.benchmarking.benchmark import benchmark
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.litert.conversion import converting
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.litert.quantize import quantize_dynamic

PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL")


def to_litert(model, path: Path):
    write = functools.partial(write_for_conversion, model, 1)
    with (
        tempfile.TemporaryDirectory() as scratch,
        converting(write, Path(scratch) / "model", path),
    ):
        pass


def keras_hub_file(path: Path) -> bool:
    try:
        from keras_hub.models import SwinTransformerBackbone
    except ImportError as error:
        print(f"KerasHub is left out: {error}")
        return False
    backbone = SwinTransformerBackbone(
        image_shape=(224, 224, 3),
        patch_size=4,
        embed_dim=96,
        depths=(2, 2, 6, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
    )
    inputs = keras.Input((224, 224, 3), batch_size=1)
    tokens = backbone(inputs)
    pooled = keras.ops.mean(keras.ops.reshape(tokens, (1, -1, 768)), axis=1)
    outputs = keras.layers.Dense(1000, activation="softmax")(pooled)
    model = shake(keras.Model(inputs, outputs))
    model.export(
        str(path),
        format="litert",
        verbose=False,
        input_signature=[keras.InputSpec(shape=(1, 224, 224, 3), dtype="float32")],
        target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
    )
    return True


def torchvision_file(path: Path) -> bool:
    script = Path(__file__).with_name("torchvision_onnx.py")
    done = subprocess.run(  # noqa: S603  our own script
        [sys.executable, str(script), str(path)], capture_output=True, text=True
    )
    if done.returncode:
        print("ONNX Runtime is left out:", *done.stderr.splitlines()[-1:])
    return not done.returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        ours, books = folder / "ours.tflite", folder / "textbook.tflite"
        model = shake(SwinTiny())
        to_litert(inference_model(model), ours)
        to_litert(textbook(model), books)
        quantize_dynamic(ours, folder / "int8.tflite")
        files = [ours, folder / "int8.tflite", books]
        others = {
            "keras_hub.tflite": keras_hub_file,
            "torchvision.onnx": torchvision_file,
        }
        files += [folder / name for name, make in others.items() if make(folder / name)]
        result = benchmark(*files, threads=(options.threads,), seconds=options.seconds)
        rate = matrix_rate()
        rows = [describe(timing, result) for timing in result.timings]
    report = {"numpy_gflops": rate, "threads": options.threads, "files": rows}
    least = rows[0]["min_ms"]
    print(f"NumPy's matrix product in this run: {rate:.0f} GFLOP/s")
    for row in rows:
        print(
            f"{row['path']:18} {row['min_ms']:8.2f} ms {row['min_ms'] / least:6.2f} x ",
            end="",
        )
        print(row.get("graph", ""))
    if "products_ms" in rows[0]:
        products = rows[0]["products_ms"]
        print(
            f"ours / its matrix products alone ({products:.2f} ms): "
            f"{least / products:.2f}"
        )
    write_json(options.json, report)


def describe(timing, result, products=PRODUCTS) -> dict:
    """Return a file's figures, and what XNNPACK makes of it."""
    path = Path(timing.path)
    row = timing.to_dict() | {"path": path.name, "megabytes": path.stat().st_size / 1e6}
    if path.suffix == ".tflite":
        graph = lint(path)
        row["graph"] = f"rank {graph.max_rank}, XNNPACK {coverage(path)}"
        profile = result.profiles.get(str(path), {})
        seconds = sum(profile.get(kind, (0, 0.0))[1] for kind in products)
        row["products_ms"] = float(np.round(1e3 * seconds, 3))
    return row


if __name__ == "__main__":
    main()
