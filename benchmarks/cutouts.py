"""Things cut out of photos, on other photos: found although none was seen before.

    python benchmarks/cutouts.py --data-dir usr/share/tuxpaint

The photographic stamps of Debian's tuxpaint-stamps-default (GPL, with real outlines)
are pasted on the photos of tuxpaint-data. A segmenter tells things from background.
Stamps of the test scenes are in no other scene, nor with --unseen-photos the photos
behind them. Printed: the IoU of things, of the float32 and of the int8 file for
phones, too.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from masked_pictures import learned_and_judged, work_folder, write_pairs
from PIL import Image
from timing import write_json

NAMES = ("background", "thing")
SIDE = 128  # of a scene, in pixels
MOST = 3  # things in one
LENGTHS = 40, 90  # of a thing's longer side, in pixels
COLOURS = 3000  # that a photographic stamp has at least, and a drawn one has not
SOLID = 0.8  # share of a stamp's pixels that hide what is behind them
SHARES = {"train": 0.7, "val": 0.1, "test": 0.2}
SCENES = {"train": 1.0, "val": 0.05, "test": 0.1}  # as shares of --scenes
STAGES = {
    "patch_size": 4,
    "patch_overlap": 1,
    "embed_dim": 32,
    "depths": [2, 2, 4, 2],
    "num_heads": [2, 4, 8, 16],
    "window_size": 8,
    "drop_path_rate": 0.0,
}
RECIPE = {
    "head_sizes": {
        "channels": 128,
        "sub_pixel": True,
        "detail_channels": 16,
        "dropout_rate": 0.0,
    },
    "optimizer": "muon",
    "learning_rate": 0.004,
    "warmup_epochs": 0.3,
    "scale_range": [0.8, 1.25],
}
HOW = (
    "They are in Debian: apt-get download tuxpaint-stamps-default tuxpaint-data, "
    "unpack both with dpkg-deb -x FILE FOLDER, and give FOLDER/usr/share/tuxpaint as "
    "--data-dir."
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", default="/usr/share/tuxpaint")
    parser.add_argument(
        "--unseen-photos", action="store_true", help="divide the photos, too"
    )
    parser.add_argument("--scenes", type=int, default=12000, help="to train on")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument(
        "--head",
        default="mlp",
        choices=["mlp", "upernet", "unet"],
        help="another needs a --recipe of its own",
    )
    parser.add_argument(
        "--sizes",
        type=json.loads,
        default=STAGES,
        help="fields of SwinConfig to change, as JSON",
    )
    parser.add_argument(
        "--recipe",
        type=json.loads,
        default=RECIPE,
        help="further options of the training, as JSON",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where all goes; by default nowhere for long")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with work_folder(options.folder, "cutouts-") as work:
        report = measure(options, work)
    if options.json:
        write_json(options.json, report)


def measure(options, work: Path) -> dict:
    """Write scenes, train on them, and judge on those of other stamps."""
    stamps, photos = read_stamps(options.data_dir), read_photos(options.data_dir)
    rng = np.random.default_rng(0)  # which scenes there are never changes
    stamps_of = divided(stamps, rng)
    photos_of = dict.fromkeys(SHARES, photos)
    if options.unseen_photos:
        photos_of = divided(photos, rng)
    for title, share in SCENES.items():
        count = max(1, round(share * options.scenes))
        scenes = (scene(stamps_of[title], photos_of[title], rng) for _ in range(count))
        write_pairs(work / "scenes" / title, scenes, NAMES)
    data = work / "scenes"
    recipe = {"image_size": SIDE, "batch_size": 16, **options.recipe}
    report = learned_and_judged(data, data, work, options, **recipe)
    report["recipe"] = recipe
    for name, parts in (("stamps", stamps_of), ("photos", photos_of)):
        report[name] = {title: len(part) for title, part in parts.items()}
    print(json.dumps(report))
    return report


def scene(stamps, photos, rng):
    """Return a picture `(128, 128, 3)` of some stamps on a photo, and its mask."""
    picture = background(photos[rng.integers(len(photos))], rng)
    mask = np.zeros((SIDE, SIDE), bool)
    for _ in range(rng.integers(1, MOST + 1)):
        stamp = stamps[rng.integers(len(stamps))]
        scale = rng.uniform(*LENGTHS) / max(stamp.size)
        size = [max(1, round(scale * side)) for side in stamp.size]
        small = np.asarray(stamp.resize(size, Image.Resampling.LANCZOS), "float32")
        if rng.random() < 0.5:
            small = small[:, ::-1]
        height, width = small.shape[:2]
        top, left = rng.integers(0, (SIDE - height + 1, SIDE - width + 1))
        part = slice(top, top + height), slice(left, left + width)
        alpha = small[..., 3:] / 255
        picture[part] = alpha * small[..., :3] + (1 - alpha) * picture[part]
        mask[part] |= alpha[..., 0] > 0.5
    return np.rint(picture).clip(0, 255).astype("uint8"), mask.astype("uint8")


def background(photo, rng):
    """Return a square part of a photo, at one of many sizes, `(128, 128, 3)`."""
    side = rng.integers(SIDE, min(photo.size) + 1)
    left, top = (rng.integers(0, length - side + 1) for length in photo.size)
    part = photo.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
    return np.array(part, "float32")


def divided(items, rng) -> dict[str, list]:
    """Return the items in three parts, none in two of them."""
    order = rng.permutation(len(items))
    ends = np.rint(np.cumsum(list(SHARES.values())) * len(items)).astype(int)
    parts = np.split(order, ends[:-1])
    return {
        title: [items[index] for index in part]
        for title, part in zip(SHARES, parts, strict=True)
    }


def read_stamps(folder) -> list[Image.Image]:
    """Return the photographic stamps, cut to what they show, RGBA.

    Raises:
        SystemExit: If there are none; it says how to get them.
    """
    stamps = []
    for path in sorted(Path(folder).glob("stamps/**/*.png")):
        with Image.open(path) as file:
            if "cartoon" in path.parts or "A" not in file.getbands():
                continue
            image = file.convert("RGBA")
        if len(image.getcolors(2**24)) > COLOURS and has_outline(image):
            stamps.append(image.crop(image.getchannel("A").getbbox()))
    if len(stamps) < len(SHARES):
        raise SystemExit(f"There are no stamps in {folder}. {HOW}")
    return stamps


def has_outline(image) -> bool:
    """Whether most of a stamp hides what is behind it, unlike glass or a web."""
    alpha = np.asarray(image.getchannel("A"))
    return np.count_nonzero(alpha > 127) > SOLID * np.count_nonzero(alpha)


def read_photos(folder) -> list[Image.Image]:
    """Return the photos that things are pasted on.

    Raises:
        SystemExit: If there are too few; it says how to get them.
    """
    files = sorted(Path(folder).glob("templates/*.jpg"))
    if len(files) < 2 * len(SHARES):
        raise SystemExit(f"There are no photos in {folder}/templates. {HOW}")
    photos = []
    for file in files:
        with Image.open(file) as photo:
            photos.append(photo.convert("RGB"))
    return photos


if __name__ == "__main__":
    main()
