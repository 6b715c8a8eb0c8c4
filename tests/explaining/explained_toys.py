"""Toy models whose every weight matters, of both versions and awkward sizes."""

import keras
import numpy as np

from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config

SIZES = {
    "plain": {"input_shape": (32, 32, 3)},
    "padded and odd": {"input_shape": (26, 38, 3)},  # 13 x 19 tokens, then 7 x 10
    "smaller than the window": {"input_shape": (12, 40, 3), "window_size": 7},
    "padding not masked": {"input_shape": (26, 38, 3), "mask_padding": False},
}
COMMON = {
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (2, 2),
    "num_heads": (2, 4),
    "window_size": 4,
    "mlp_ratio": 2.0,
    "drop_path_rate": 0.2,
}
CONFIGS = {"V1": SwinConfig, "V2": SwinV2Config}


def make_model(version="V1", size="plain", classes=3, **options):
    keras.utils.set_random_seed(0)
    config = CONFIGS[version](**{**COMMON, **SIZES[size]})
    model = SwinClassifier(config, classes=classes, name="toy", **options)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            scale = 0.5 if "qkv" in weight.path else 0.1
            weight.assign(weight + scale * rng.normal(size=weight.shape))
    return model


def make_images(model, count=2):
    shape = (count, *model.input_shape[1:])
    return np.random.default_rng(1).integers(0, 256, shape).astype("float32")
