"""Do explanations show the object? Figures by method, on scenes with exact masks.

    python benchmarks/explain.py [--data-dir FASHION_MNIST] [--epochs 8] [--json FILE]

Scenes are one garment (or digit, without the folder) on a canvas of noise and
clutter, 48 x 48; a small Swin learns to name it. Then, for pictures it has not seen:

- inside: share of a map's positive part that lies on the object, whose pixels are
  known, against the object's share of the area; how often its largest value does
- deletion, insertion: mean probability of the class while tiles are taken away or
  brought back in the map's order, against a random order (Petsiuk et al., 2018)
- like itself: rank correlation of a map with that of the same model after layers were
  made random, from the head downwards (Adebayo et al., 2018)
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from pasted_objects import SIDE, load_objects, make_scenes
from PIL import Image, ImageFilter
from timing import write_json

from swin_keras.explaining.explainer import Explainer
from swin_keras.models import SwinClassifier, SwinConfig

TILE = 4  # pixels of a tile that is taken away
GRID = SIDE // TILE
STEPS = 8
METHODS = {
    "cam": {"method": "cam"},
    "grad-cam, stage 1": {"method": "grad-cam", "stage": 1},
    "hires-cam, stage 1": {"method": "hires-cam", "stage": 1},
    "rollout": {"method": "rollout"},
    "gradient-rollout": {"method": "gradient-rollout"},
}
CONFIG = SwinConfig(
    input_shape=(SIDE, SIDE, 1),
    patch_size=4,
    embed_dim=24,
    depths=(2, 2),
    num_heads=(2, 4),
    window_size=4,
    mlp_ratio=2.0,
    drop_path_rate=0.0,
    kernel_initializer="glorot_normal",
)


def train(scenes, classes, epochs):
    keras.utils.set_random_seed(0)
    model = SwinClassifier(CONFIG, classes=10, name="scenes")
    steps = epochs * (len(scenes) // 64)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, warmup_target=2e-3, warmup_steps=steps // 10
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.05, clipnorm=1.0),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=False,
    )
    model.fit(scenes, classes, batch_size=64, epochs=epochs, verbose=2)
    return model


def in_pixels(maps):
    """Return the positive part of maps, interpolated to `(B, 48, 48)`."""
    large = [Image.fromarray(m).resize((SIDE, SIDE), 2) for m in np.maximum(maps, 0)]
    return np.maximum(np.stack([np.asarray(one) for one in large]), 0)


def inside(maps, masks) -> dict:
    """Return the share of maps on the objects, and how often their peak is there."""
    sums = maps.sum((1, 2))
    share = (maps * masks).sum((1, 2))[sums > 0] / sums[sums > 0]
    peaks = maps.reshape(len(maps), -1).argmax(1)
    hits = masks.reshape(len(masks), -1)[np.arange(len(maps)), peaks]
    return {"energy": float(share.mean()), "peak": float(hits.mean())}


def blurred(scenes):
    """Return scenes without what tells their class."""
    smooth = ImageFilter.GaussianBlur(10)
    return np.stack(
        [np.array(Image.fromarray(one[..., 0]).filter(smooth)) for one in scenes]
    )[..., None]


def curves(model, scenes, classes, order) -> dict:
    """Return the mean probability while tiles are taken away, and brought back.

    Args:
        model: The classifier.
        scenes: `(B, 48, 48, 1)`.
        classes: `(B,)`.
        order: Tiles of each scene, the first to go first, `(B, 144)`.
    """
    blank = blurred(scenes)
    rank = np.argsort(order, axis=1).reshape(-1, GRID, GRID)
    rank = rank.repeat(TILE, 1).repeat(TILE, 2)[..., None]
    found = {"deletion": [], "insertion": []}
    for step in range(STEPS + 1):
        is_gone = rank < step * order.shape[1] / STEPS
        for name, pictures in (
            ("deletion", np.where(is_gone, blank, scenes)),
            ("insertion", np.where(is_gone, scenes, blank)),
        ):
            scores = model.predict(pictures, batch_size=64, verbose=0)
            found[name].append(scores[np.arange(len(scenes)), classes].mean())
    return {name: float(np.trapezoid(v) / STEPS) for name, v in found.items()}


def tile_order(maps):
    tiles = maps.reshape(-1, GRID, TILE, GRID, TILE).mean((2, 4)).reshape(len(maps), -1)
    return np.argsort(-tiles, axis=1, kind="stable")


def randomized(model):
    """Yield a name and a copy whose layers are random from the head downwards."""
    keras.utils.set_random_seed(1)
    fresh = keras.models.clone_model(model)
    depths = {
        "head": ("head",),
        "head and stage 2": ("head", "norm", "stage_2"),
        "everything": ("",),
    }
    for name, beginnings in depths.items():
        copy = keras.models.clone_model(model)
        for layer in copy.layers:
            source = fresh if layer.name.startswith(beginnings) else model
            if layer.weights:
                layer.set_weights(source.get_layer(layer.name).get_weights())
        yield name, copy


def likeness(maps, others) -> float:
    """Return the mean rank correlation of maps with others, place by place."""
    ranks = [
        np.argsort(np.argsort(m.reshape(len(m), -1), 1), 1).astype(float)
        for m in (maps, others)
    ]
    one, other = (r - r.mean(1, keepdims=True) for r in ranks)
    return float(((one * other).sum(1) / (one**2).sum(1)).mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="A folder of Fashion-MNIST's four files.")
    parser.add_argument("--scenes", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()

    known, new = load_objects(options.data_dir)
    model = train(*make_scenes(*known, options.scenes, 0)[::2], options.epochs)
    scenes, masks, classes = make_scenes(*new, 2 * options.images, 1)
    answers = model.predict(scenes, verbose=0).argmax(1)
    accuracy = float((answers == classes).mean())
    right = np.flatnonzero(answers == classes)[: options.images]
    if not len(right):
        parser.error("no scene is named right: train longer, --epochs or --scenes")
    scenes, masks, classes = scenes[right], masks[right], classes[right]
    rng = np.random.default_rng(2)
    order = np.stack([rng.permutation(GRID**2) for _ in scenes])
    report = {
        "objects": "garments" if options.data_dir else "digits",
        "accuracy": accuracy,
        "images": len(scenes),
        "area": float(masks.mean()),
        "random order": curves(model, scenes, classes, order),
        "methods": {},
    }
    copies = {name: Explainer(copy) for name, copy in randomized(model)}
    explainer = Explainer(model)
    for name, method in METHODS.items():
        raw = maps_of(explainer, scenes, classes, method)
        maps = in_pixels(raw)
        row = inside(maps, masks) | curves(model, scenes, classes, tile_order(maps))
        row["like itself"] = {
            part: likeness(raw, maps_of(copy, scenes, classes, method))
            for part, copy in copies.items()
        }
        report["methods"][name] = row
        print(name, json.dumps(row), flush=True)
    print(json.dumps({k: v for k, v in report.items() if k != "methods"}))
    if options.json:
        write_json(options.json, report)


def maps_of(explainer, scenes, classes, method):
    """Return the maps of all scenes, a few at a time."""
    return np.concatenate(
        [
            explainer.maps(scenes[i : i + 20], classes[i : i + 20], **method)
            for i in range(0, len(scenes), 20)
        ]
    )


if __name__ == "__main__":
    main()
