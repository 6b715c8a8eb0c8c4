"""Scenes with exact masks: one grey object on a canvas of noise and clutter."""

from pathlib import Path

import numpy as np
from PIL import Image

from swin_keras.data.digits import read_digits
from swin_keras.data.idx import read_split

SIDE, THING = 48, 20  # pixels of a scene and of an object
TITLES = ("train", "test")


def load_objects(data_dir):
    """Return grey objects on black and their classes, for training and for testing."""
    if data_dir is None:
        images, labels = read_digits()
        parts = ((images[:1400], labels[:1400]), (images[1400:], labels[1400:]))
    else:
        splits = (read_split(Path(data_dir), t, "fashion_mnist") for t in TITLES)
        parts = ((split.items, split.labels) for split in splits)
    return tuple((shrunk(images), labels) for images, labels in parts)


def shrunk(images):
    """Return objects of `THING` pixels a side, exactly 0 around them."""
    small = np.stack(
        [
            np.array(Image.fromarray(one[..., 0]).resize((THING, THING), 2))
            for one in images
        ]
    )
    return np.where(small < 40, 0, small)


def make_scenes(objects, labels, count, seed):
    """Paste objects on canvases.

    Returns:
        Scenes `(count, 48, 48, 1)` uint8, masks `(count, 48, 48)`, classes `(count,)`.
    """
    rng = np.random.default_rng(seed)
    scenes = np.empty((count, SIDE, SIDE, 1), "uint8")
    masks = np.zeros((count, SIDE, SIDE), bool)
    chosen = rng.integers(0, len(objects), count)
    for index, number in enumerate(chosen):
        scene = rng.uniform(0, 160) + rng.uniform(10, 50) * rng.normal(
            size=(SIDE // 8, SIDE // 8)
        )
        scene = scene.repeat(8, 0).repeat(8, 1) + 10 * rng.normal(size=(SIDE, SIDE))
        thing = objects[number]
        top, left = rng.integers(0, SIDE - THING, 2)
        part = (slice(top, top + THING), slice(left, left + THING))
        mask = thing > 0
        scene[part] = np.where(mask, thing, scene[part])
        masks[index][part] = mask
        scenes[index, ..., 0] = np.clip(scene, 0, 255)
    return scenes, masks, labels[chosen].astype("int32")
