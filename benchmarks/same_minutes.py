"""Contenders that learn the same pictures for the same minutes, each in a subprocess.

Their LiteRT files are timed side by side afterwards.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import tensorflow as tf
from timing import write_json

from swin_keras.benchmarking.timing import time_files
from swin_keras.training.muon import SwinMuon

RATES = {"adamw": 1e-3, "muon": 6e-3}  # at their highest
WARM_UP = 0.05  # share of the steps


def race(script, about, contenders, measure):
    """Measure contenders one after the other, and print a line of each.

    Args:
        script: Its file, which is called again for each contender.
        about: Its docstring.
        contenders: Their names.
        measure: Takes a name, a folder and the options; returns figures, and leaves
            `NAME.tflite` in the folder where the model converts.
    """
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--data-dir", help="folder of the four files of Fashion-MNIST")
    parser.add_argument("--minutes", type=float, default=10, help="of each")
    parser.add_argument("--optimizer", choices=RATES, default="adamw")
    parser.add_argument("--images", type=int, default=0, help="test scenes; 0: all")
    parser.add_argument("--only", nargs="+", choices=contenders, default=contenders)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        name, folder = options.one
        keras.utils.set_random_seed(0)
        print(json.dumps(measure(name, Path(folder), options)))
        return
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only:
            words = [sys.executable, script, *sys.argv[1:], "--one", name, folder]
            done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
            rows[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, json.dumps(rows[name]), flush=True)  # in case a later one dies
        files = {name: Path(folder) / f"{name}.tflite" for name in rows}
        files = {name: path for name, path in files.items() if path.exists()}
        timings = []
        if files:  # one that cannot be converted has no file
            timings = time_files(list(files.values()), threads=1, seconds=5)
        for name, timing in zip(files, timings, strict=True):
            rows[name]["milliseconds"] = 1e3 * timing.minimum
    for name, row in rows.items():
        print(name, json.dumps(row))
    if options.json:
        write_json(options.json, rows)


def train_for(model, data, seconds, optimizer, ours, **losses) -> int:
    """Train for some seconds, the compilation left out; return the number of steps.

    Args:
        model: A Keras model.
        data: Iterator of batches.
        seconds: How long. The steps are counted beforehand, from the time of
            ten after another ten, among which TensorFlow may build its graph anew
            for other numbers of boxes; one to warm up and one more at least.
        optimizer: Its name.
        ours: Whether the model is one of this package.
        **losses: What `compile` takes beside the optimizer.
    """
    first = model.get_weights()
    model.compile(_optimizer(optimizer, 1e-6, ours), **losses)
    model.make_train_function()
    for _ in range(10):  # as `train_on_batch`, which takes no dictionaries
        model.train_function(data)
    start = time.perf_counter()
    for _ in range(10):
        model.train_function(data)
    steps = max(2, round(seconds / ((time.perf_counter() - start) / 10)))
    model.set_weights(first)
    warm_up = max(1, round(WARM_UP * steps))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warm_up, warmup_target=RATES[optimizer], warmup_steps=warm_up
    )
    model.compile(_optimizer(optimizer, rate, ours), **losses)
    model.make_train_function()
    for _ in range(steps):
        model.train_function(data)
    return steps


def _optimizer(name, rate, ours):
    """Return AdamW, or the Muon of a model's own library."""
    if name == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=0.05, global_clipnorm=5.0)
    if ours:
        return SwinMuon(rate, weight_decay=0.05, clip_norm=5.0)
    return keras.optimizers.Muon(rate, adam_weight_decay=0.05, global_clipnorm=5.0)


def resnet_18(side):
    """Return KerasHub's, for pictures of a side; its maps are P2 to P5."""
    from keras_hub.models import ResNetBackbone

    return ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[2, 2, 2, 2],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block",
        image_shape=(side, side, 3),
    )


def write_litert(model, path: Path):
    """Write a model of one picture as a float32 LiteRT file."""
    shape = (1, *model.inputs[0].shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        signature = [keras.InputSpec(shape=shape, dtype="float32")]
        model.export(folder, verbose=False, input_signature=signature)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        path.write_bytes(converter.convert())
