"""A small classifier in colour, whose every weight matters."""

import numpy as np

from swin_keras.models import SwinConfig

SMALL = SwinConfig(
    input_shape=(32, 32, 3),
    patch_size=2,
    embed_dim=16,
    depths=(2, 2),
    num_heads=(2, 4),
    window_size=4,
    mlp_ratio=2.0,
)
NAMES = ("cat", "dog", "bird", "fish", "horse")
LITERT = ["model.tflite", "model_fp16.tflite", "model_int8.tflite"]  # by default


def shaken(model):
    """Give every weight a value that matters; fresh biases are all zero."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(weight + 0.05 * rng.normal(size=weight.shape))
    return model
