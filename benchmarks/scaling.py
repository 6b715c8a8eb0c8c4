"""Time against the image's size, and what the shift of windows costs.

    python benchmarks/scaling.py [--sizes 224 448 672] [--batch 4] [--rounds 8]
        [--ways graph XLA LiteRT] [--model swin_tiny] [--json FILE]

Windows make the time linear in the image's area. At these sizes every map of
Swin-T is whole windows; others are padded, which costs more the smaller the map.
All sizes of one way, shifted and unshifted, take turns; LiteRT runs one image.
"""

import argparse
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from shaking import shake
from shift import unshifted
from timing import interleave, matrix_rate, write_json

from swin_keras import ExportConfig, Predictor, create_model, export


def in_tensorflow(xla):
    """Return a maker of functions that run a model on images."""

    def make(model, images, _):
        constant = tf.constant(images)
        run = tf.function(lambda x: model(x, training=False), jit_compile=xla)
        return lambda: run(constant).numpy()

    return make


def in_litert(model, images, folder):
    """Return a function that runs the exported model on the first image."""
    path = folder / f"{model.name}_{images.shape[1]}.keras"
    model.save(path)
    config = ExportConfig(path.stem, str(folder), formats=("litert",), verify=False)
    predictor = Predictor(export(path, config))
    return lambda: predictor.probabilities(images[:1])


WAYS = {"graph": in_tensorflow(False), "XLA": in_tensorflow(True), "LiteRT": in_litert}


def measure(way, options, folder) -> dict:
    """Return the least milliseconds of a way: size -> shifted, unshifted."""
    functions = {}
    for size in options.sizes:
        shape = (size, size, 3)
        images = np.random.default_rng(0).uniform(0, 255, (options.batch, *shape))
        shifted = shake(create_model(options.model, input_shape=shape, name="shifted"))
        for model in (shifted, unshifted(shifted)):
            make = WAYS[way]
            functions[size, model.name] = make(model, images.astype("float32"), folder)
    times = interleave(functions, options.rounds)
    return {
        size: {name: 1e3 * min(times[size, name]) for name in ("shifted", "unshifted")}
        for size in options.sizes
    }


def show(way, rows):
    first, *_ = rows
    for size, row in rows.items():
        time = row["shifted"] / rows[first]["shifted"]
        print(
            f"{way:7} {size:4} {row['shifted']:9.1f} ms  "
            f"time x {time:5.2f}, area x {(size / first) ** 2:5.2f}  "
            f"shifted / unshifted {row['shifted'] / row['unshifted']:.3f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 448, 672])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--model", default="swin_tiny")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows, rates = {}, [matrix_rate()]
    for way in options.ways:
        keras.utils.clear_session()
        with tempfile.TemporaryDirectory() as folder:
            rows[way] = measure(way, options, Path(folder))
        rates.append(matrix_rate())
        show(way, rows[way])
    print("NumPy's matrix product:", ", ".join(f"{r:.0f}" for r in rates), "GFLOP/s")
    report = {"batch": options.batch, "matrix_gflops": rates, "milliseconds": rows}
    write_json(options.json, report)


if __name__ == "__main__":
    main()
