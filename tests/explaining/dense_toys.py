"""A segmenter and a detector whose every weight matters, and pictures for them."""

import keras
import numpy as np
from explained_toys import COMMON

from swin_keras import SwinDetector, SwinSegmenter
from swin_keras.models import DetectionHead, SwinConfig

CONFIG = SwinConfig(input_shape=(48, 64, 3), **COMMON)  # 24 x 32 tokens, then 12 x 16
NAMES = ("background", "cat", "dog")
HEAD = DetectionHead(channels=8, convolutions=1, first_stage=1, extra_levels=1)


def make_segmenter(head="mlp"):
    keras.utils.set_random_seed(0)
    model = SwinSegmenter(CONFIG, classes=3, head=head, weights=None)
    return _shaken(model, 0.1)


def make_detector():
    keras.utils.set_random_seed(0)
    model = _shaken(SwinDetector(CONFIG, classes=3, head=HEAD), 0.1)
    bias = model.get_layer("head_one_logits").bias
    bias.assign(bias + 5.0)  # sure of what it says
    return model


def make_pictures(count=2):
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (count, 48, 64, 3), dtype=np.uint8)


def _shaken(model, scale):
    rng = np.random.default_rng(0)
    for weight in model.weights:
        if "seed" not in weight.path:
            weight.assign(weight + scale * rng.normal(size=weight.shape))
    return model
