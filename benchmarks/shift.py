"""Cyclic shift against padded windows and against no shift (the paper's table 5).

    python benchmarks/shift.py [--batch 8] [--rounds 10] [--json FILE]

Swin-T at 224, inference in TensorFlow's graph mode; the three models share
their weights and take turns. The outputs of the first two are checked equal.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from timing import interleave, matrix_rate, write_json

from swin_keras.applications import SwinTiny
from swin_keras.layers import SwinTransformerBlock
from swin_keras.layers.padded_block import PaddedSwinTransformerBlock


def with_blocks(model, make_block):
    """Return the model with each block made anew, with the same weights."""

    def clone(layer):
        if isinstance(layer, SwinTransformerBlock):
            return make_block(layer.get_config())
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def unshifted(model):
    """Return the model with windows that stay where they are."""
    twin = with_blocks(
        model, lambda c: SwinTransformerBlock.from_config(c | {"shift_size": 0})
    )
    twin.name = "unshifted"
    return twin


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    shape = (options.size, options.size, 3)
    cyclic = SwinTiny(input_shape=shape, classifier_activation=None)
    models = {
        "cyclic": cyclic,
        "padded": with_blocks(cyclic, PaddedSwinTransformerBlock.from_config),
        "unshifted": unshifted(cyclic),
    }
    images = np.random.default_rng(0).uniform(0, 255, (options.batch, *shape))
    images = tf.constant(images, tf.float32)
    functions = {
        name: tf.function(lambda model=model: model(images, training=False))
        for name, model in models.items()
    }
    difference = np.abs(functions["cyclic"]() - functions["padded"]()).max()
    before = matrix_rate()
    seconds = interleave(functions, options.rounds)
    best = {name: min(times) for name, times in seconds.items()}
    result = {
        "command": f"python benchmarks/shift.py --batch {options.batch}",
        "batch": options.batch,
        "size": options.size,
        "milliseconds": {name: 1e3 * value for name, value in best.items()},
        "padded / cyclic": best["padded"] / best["cyclic"],
        "cyclic / unshifted": best["cyclic"] / best["unshifted"],
        "largest difference": float(difference),
        "matrix product GFLOP/s": [before, matrix_rate()],
    }
    print(json.dumps(result, indent=2))
    write_json(options.json, result)


if __name__ == "__main__":
    main()
