"""A run that is small and has everything on, and what it leaves behind."""

import keras
import numpy as np
from PIL import Image

# All that draws, averages or sums over devices.
EVERYTHING = {
    "sizes": {
        "embed_dim": 8,
        "depths": [1, 1],
        "num_heads": [1, 2],
        "drop_path_rate": 0.3,
        "dropout_rate": 0.1,
        "attention_dropout_rate": 0.1,
    },
    "batch_size": 64,  # 19 steps an epoch of the digits
    "gradient_accumulation_steps": 2,
    "clip_norm": 0.05,
    "ema_momentum": 0.9,
    "mixup": 0.8,
    "cutmix": 1.0,
    "rand_augment": 9.0,
    "erase": 0.25,
    "class_weights": "balanced",
    "jit_compile": False,
}


def write_config(config, path):
    path.write_text(config.to_yaml(), "utf-8")
    return path


def outcome(run):
    """Return what a run leaves: its figures but for the time, and its weights."""
    rows = run.metrics.read_text().splitlines()
    weights = keras.models.load_model(run.best_model, compile=False).get_weights()
    return [row.rsplit(",", 1)[0] for row in rows], [w.tobytes() for w in weights]


def folder_of_images(root, classes=("cat", "dog"), count=12, size=20):
    """Write images whose brightness tells their class."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 60, (size, size, 3)) + 120 * number
            Image.fromarray(pixels.astype("uint8")).save(root / name / f"{index}.jpg")
    return root
