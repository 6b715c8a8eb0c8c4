"""Segmenters and a detector as LiteRT files, against their own products alone.

    python benchmarks/dense_mobile.py [--threads 2] [--seconds 6] [--rounds 3]

Swin-T at 512 x 512 with each head for phones: the all-MLP head and UPerNet with 150
classes, the light detector with 80. Random weights, none of them zero, one image. The
least time of each file over some rounds is divided by that of its dense layers, matrix
products and convolutions, each timed alone under XNNPACK in the same round.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from mobile import describe, to_litert
from shaking import shake
from timing import matrix_rate, write_json

from swin_keras.applications import SwinDetector, SwinSegmenter
from swin_keras.benchmarking.benchmark import benchmark
from swin_keras.exporting.inference_model import inference_model
from swin_keras.models import (
    DetectionHead,
    SegmentationHead,
    SwinConfig,
    end_in_detections,
)

PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL", "CONV_2D", "DEPTHWISE_CONV_2D")
SWIN_T = {"embed_dim": 96, "depths": (2, 2, 6, 2), "num_heads": (3, 6, 12, 24)}


def segmenter(kind):
    return lambda config: SwinSegmenter(config, SegmentationHead(kind), classes=150)


def detector(config):
    model = SwinDetector(config, classes=80, head=DetectionHead())
    return end_in_detections(model)


MODELS = {
    "mlp": segmenter("mlp"),
    "upernet": segmenter("upernet"),
    "light detector": detector,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=512, help="of the image")
    parser.add_argument("--sizes", type=int, nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = SWIN_T
    if options.sizes:  # of a toy: channels, and one block in each stage
        width, stages = options.sizes
        heads = tuple(2**stage for stage in range(stages))
        sizes = {"embed_dim": width, "depths": (1,) * stages, "num_heads": heads}
    config = SwinConfig(input_shape=(options.side, options.side, 3), **sizes)
    rows = {}
    for name in options.only:
        keras.utils.set_random_seed(0)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{name}.tflite"
            to_litert(inference_model(shake(MODELS[name](config))), path)
            row = rows[name] = least(path, options)
        print(
            f"{name:15} {row['megabytes']:6.1f} MB {row['min_ms']:8.1f} ms, "
            f"{row['min_ms'] / row['products_ms']:.2f} x its products alone; "
            f"{row['graph']}",
            flush=True,
        )
    rate = matrix_rate()
    print(f"NumPy's matrix product in this run: {rate:.0f} GFLOP/s")
    write_json(options.json, {"numpy_gflops": rate, "models": rows})


def least(path, options) -> dict:
    """Return a file's figures, with the least of each time over the rounds."""
    rounds = []
    for _ in range(options.rounds):
        result = benchmark(path, threads=(options.threads,), seconds=options.seconds)
        rounds.append(describe(result.timings[0], result, PRODUCTS))
    times = ("min_ms", "products_ms")
    return rounds[0] | {name: min(row[name] for row in rounds) for name in times}


if __name__ == "__main__":
    main()
