"""Export models of full size; XNNPACK must run each whole, and agree with Keras.

    python benchmarks/delegation.py [MODEL ...] [--minutes 15] [--json FILE]

Random weights, none of them zero; a process for each model, one after another.
`ranks` is the most axes of any tensor, `differ by` the largest difference of a logit
(or feature) to the Keras model.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shaking import shake
from timing import write_json

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

MODELS = {
    "swin_tiny 224": ("swin_tiny", (224, 224), False),
    "swin_small 224": ("swin_small", (224, 224), False),
    "swin_base 224": ("swin_base", (224, 224), False),
    "swin_tiny 250x190": ("swin_tiny", (250, 190), False),
    "swinv2_tiny 256": ("swinv2_tiny", (256, 256), False),
    "swinv2_tiny 256, features": ("swinv2_tiny", (256, 256), True),
}
ROW = "{:26} {:>6} {:>9} {:>10} {:>5} {:>9} {:>7} {:>4} {:>7}"
HEAD = "model nodes delegated partitions ranks differ_by MB s peak_GB"


def measure(name) -> dict:
    """Export one model in this process; return what its file is like."""
    import keras

    from swin_keras.applications import create_model
    from swin_keras.exporting.config import ExportConfig
    from swin_keras.exporting.export import export
    from swin_keras.litert.coverage import coverage
    from swin_keras.litert.lint import lint
    from swin_keras.model_files import read_card

    keras.utils.set_random_seed(0)
    variant, size, features = MODELS[name]
    with tempfile.TemporaryDirectory() as scratch:
        model = shake(create_model(variant, input_shape=(*size, 3)))
        model.save(f"{scratch}/{variant}.keras")
        start = time.perf_counter()
        config = ExportConfig(
            formats=("litert",), features=features, saved_models_dir=scratch
        )
        folder = export(f"{scratch}/{variant}.keras", config)
        seconds = time.perf_counter() - start
        check = read_card(folder).checks["litert"]
        graph, run = lint(folder / "model.tflite"), coverage(folder / "model.tflite")
    return {
        "nodes": run.operations,
        "delegated": run.delegated,
        "partitions": run.partitions,
        "ranks": graph.max_rank,
        "difference": check["difference"],
        "megabytes": check["megabytes"],
        "seconds": seconds,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


def in_a_process(name, seconds) -> dict:
    try:
        done = subprocess.run(  # noqa: S603  this script
            [sys.executable, __file__, "--one", name],
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {seconds:.0f} s"}
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["died"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--minutes", type=float, default=15, help="for each model")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=MODELS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one)))
        return
    print(ROW.format(*(word.replace("_", " ") for word in HEAD.split())))
    rows = {}
    for name in options.models:
        rows[name] = row = in_a_process(name, 60 * options.minutes)
        if "error" in row:
            print(f"{name:26} {row['error']}", flush=True)
            continue
        cells = (
            *(row[key] for key in ("nodes", "delegated", "partitions", "ranks")),
            f"{row['difference']:.1e}",
            f"{row['megabytes']:.1f}",
            f"{row['seconds']:.0f}",
            f"{row['peak_gb']:.1f}",
        )
        print(ROW.format(name, *cells), flush=True)
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
