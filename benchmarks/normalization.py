"""A training step with the written gradient of layer normalization, and without.

    python benchmarks/normalization.py [--rounds 10] [--size tiny] [--json FILE]

Loss and gradients of Swin nano at 64, or Swin-T at 224, with the package's layer and
with Keras' `call` in its place, each with and without XLA. The four take turns.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from timing import interleave, matrix_rate, write_json

from swin_keras.applications import SwinNano, SwinTiny
from swin_keras.layers import LayerNormalization

SIZES = {"nano": (SwinNano, 64, 32), "tiny": (SwinTiny, 224, 8)}  # side, images
CLASSES = 10


def keras_call(layer, inputs, training=None):
    """Normalize as Keras does, also in training."""
    return keras.layers.LayerNormalization.call(layer, inputs)


def training_step(size, call, jit_compile):
    """Return a function without arguments: one loss with its gradients."""
    make, side, images = SIZES[size]
    own = LayerNormalization.call
    rng = np.random.default_rng(0)
    pictures = tf.constant(rng.uniform(0, 255, (images, side, side, 3)), tf.float32)
    labels = tf.constant(rng.integers(CLASSES, size=images))
    keras.utils.set_random_seed(0)
    model = make(
        input_shape=(side, side, 3), classes=CLASSES, classifier_activation=None
    )

    @tf.function(jit_compile=jit_compile)
    def step():
        with tf.GradientTape() as tape:
            logits = model(pictures, training=True)
            loss = keras.losses.sparse_categorical_crossentropy(
                labels, logits, from_logits=True
            )
            loss = tf.reduce_mean(loss)
        return loss, tape.gradient(loss, model.trainable_variables)

    LayerNormalization.call = call
    try:
        step()  # traced with it
    finally:
        LayerNormalization.call = own
    return step


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="nano")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    steps = {
        f"{name}, {mode}": training_step(options.size, call, mode == "XLA")
        for mode in ("graph", "XLA")
        for name, call in (("own", LayerNormalization.call), ("Keras", keras_call))
    }
    before = matrix_rate()
    seconds = interleave(steps, options.rounds)
    best = {name: min(times) for name, times in seconds.items()}
    result = {
        "size": options.size,
        "milliseconds": {name: 1e3 * value for name, value in best.items()},
        "own / Keras, graph": best["own, graph"] / best["Keras, graph"],
        "own / Keras, XLA": best["own, XLA"] / best["Keras, XLA"],
        "matrix product GFLOP/s": [before, matrix_rate()],
    }
    print(json.dumps(result, indent=2))
    write_json(options.json, result)


if __name__ == "__main__":
    main()
