"""Trees on real aerial photos: learned on one, found on others.

    python benchmarks/trees.py --data-dir deepforest/data

A detector learns from tiles of one photo (574 trees), whose lower fifth chooses the
epoch; with --whole that fifth is learned, too. It is judged by sliding windows on
another photo of the same forest (279 trees), and on one each of two other forests (61
and 37): once, by several views, and once each in warmer and in colder light, whose
channels are multiplied by the factors in TINTS. Printed: AP50 and mAP of each, for the
branch that is exported and for the one with suppression, and how sharp the photos are:
that of training is sharper than the others, and of other light, which `blur`,
`photometric` and `white_balance` make up for. With --run a finished run is judged, and
nothing learned.
"""

import argparse
import dataclasses
import json
import time
from pathlib import Path

import numpy as np
from aerial_photos import PHOTOS, Photo, find_folder, read_photo, write_photos
from masked_pictures import work_folder
from PIL import Image
from timing import write_json

import swin_keras

VALIDATION = 0.2  # share of the photo's height, at the bottom
SIZES = {
    "patch_size": 4,
    "patch_overlap": 1,
    "embed_dim": 32,
    "depths": [2, 4, 2],
    "num_heads": [2, 4, 8],
    "window_size": 8,
    "drop_path_rate": 0.1,
}
HEAD_SIZES = {"channels": 64, "extra_levels": 0}
RECIPE = {
    "optimizer": "muon",
    "learning_rate": 0.003,
    "warmup_epochs": 1,
    "scale_range": (0.6, 1.8),
    "quarter_turns": True,
    "mosaic": 0.5,
    "blur": 1.6,
    "photometric": True,
    "white_balance": 0.12,
    "monitor": "val_loss",
}
TINTS = {"warm": (1.1, 1, 0.85), "cold": (0.9, 1, 1.15)}
VIEWS = {"flip": True, "quarter_turns": True, "scales": (0.7, 0.85, 1, 1.2, 1.4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="deepforest's folder of photos")
    parser.add_argument("--epochs", type=int, default=160)
    parser.add_argument("--model", default="swin_nano")
    parser.add_argument("--weights", help="where to start from; by default random")
    parser.add_argument(
        "--sizes",
        type=json.loads,
        default={},
        help="fields of SwinConfig to change, as JSON",
    )
    parser.add_argument("--head-sizes", type=json.loads, default={}, help="as JSON")
    parser.add_argument("--tile", type=int, default=256, help="side in pixels")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument(
        "--recipe",
        type=json.loads,
        default={},
        help="more arguments of swin_keras.train, as JSON",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--whole",
        action="store_true",
        help="learn all trees of the photo: the kept epoch is then hardly ever other "
        "than one of the last",
    )
    parser.add_argument("--run", type=Path, help="a run to judge, without training")
    parser.add_argument("--folder", help="where all goes; by default nowhere for long")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    photos = find_folder(options.data_dir)
    with work_folder(options.folder, "trees-") as work:
        report = measure(photos, options, work)
    print(json.dumps({k: v for k, v in report.items() if k != "photos"}))
    if options.json:
        write_json(options.json, report)


def measure(folder: Path, options, work: Path) -> dict:
    """Train on one photo, and judge on the others."""
    photos = {
        title: read_photo(folder, name, work / "photos" / title)
        for title, name in PHOTOS.items()
    }
    whole = photos.pop("training")
    report = {} if options.run else train(whole, options, work)
    path = options.run or report.pop("run")
    report |= {"sharpness": sharpness(whole.image), "photos": {}}
    for title, photo in photos.items():
        write_photos(work / "judged" / title, [photo])
        report["photos"][title] = row = {
            "trees": len(photo.boxes),
            "sharpness": sharpness(photo.image),
            "once": judge(path, work / "judged" / title),
            "views": judge(path, work / "judged" / title, **VIEWS),
        }
        for tint, factors in TINTS.items():
            write_photos(work / tint / title, [tinted(photo, factors)])
            row[tint] = judge(path, work / tint / title)
        print(title, json.dumps(row), flush=True)
    return report


def train(whole: Photo, options, work: Path) -> dict:
    """Learn the trees of a photo; return the run, and what it was told."""
    learned, chosen = divided(whole)
    if options.whole:
        learned = whole
    tiles = {
        "train": learned.tiles(options.tile, options.tile // 2),
        "val": chosen.tiles(options.tile, options.tile),
    }
    for title, parts in tiles.items():
        write_photos(work / "tiles" / title, parts)
    sizes, recipe = {**SIZES, **options.sizes}, {**RECIPE, **options.recipe}
    start = time.time()
    run = swin_keras.train(
        str(work / "tiles"),
        task="detect",
        model=options.model,
        weights=options.weights,
        sizes=sizes,
        head_sizes={**HEAD_SIZES, **options.head_sizes},
        image_size=options.tile,
        epochs=options.epochs,
        batch_size=options.batch_size,
        **recipe,
        seed=options.seed,
        tensorboard=False,
        runs_dir=str(work / "runs"),
    )
    return {
        "run": run.path,
        "minutes": (time.time() - start) / 60,
        "tiles": {title: len(parts) for title, parts in tiles.items()},
        "epochs": options.epochs,
        "sizes": sizes,
        "recipe": recipe,
    }


def judge(run: Path, photo: Path, **views) -> dict:
    """Return how well the trees of a photo are found, and in how many seconds."""
    start = time.time()
    result = swin_keras.evaluate(run, str(photo), window="slide", **views)
    return {
        "found": len(result.found[0].boxes),
        "AP50": result.one.at_50,
        "mAP": result.one.mean_average_precision,
        "AP50 with suppression": result.many.at_50,
        "mAP with suppression": result.many.mean_average_precision,
        "seconds": time.time() - start,
    }


def tinted(photo: Photo, factors) -> Photo:
    """Return a photo whose red, green and blue are multiplied."""
    pixels = np.asarray(photo.image) * np.array(factors)
    image = Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8))
    return dataclasses.replace(photo, image=image)


def sharpness(image) -> float:
    """Return how much a pixel differs from its four neighbours, of 255, on average."""
    pixels = np.asarray(image).astype(float)
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return float(np.abs(pixels[1:-1, 1:-1] - around / 4).mean())


def divided(photo: Photo) -> tuple[Photo, Photo]:
    """Return the part of a photo that is learned, and the one that chooses."""
    width, height = photo.image.size
    edge = round((1 - VALIDATION) * height)
    return (
        photo.part(0, 0, width, edge),
        photo.part(0, edge, width, height - edge),
    )


if __name__ == "__main__":
    main()
