"""Nuclei under the microscope: half a picture is learned, the other half judged.

    python benchmarks/nuclei.py --data-dir stardist/data/images

One fluorescence picture of 512 x 512 pixels with 125 nuclei (of the package stardist).
A segmenter learns from tiles of its left half, whose lower fifth chooses the epoch, and
is judged on the right half by sliding windows. Printed: the IoU of nuclei, of the
float32 and of the int8 file for phones, too.

Seven minutes on two CPU cores.
"""

import argparse
import importlib.util
import json
from pathlib import Path

import numpy as np
from masked_pictures import (
    learned_and_judged,
    starts,
    work_folder,
    write_pairs,
)
from PIL import Image
from timing import write_json

NAMES = ("background", "nucleus")
SIDE, STEP = 128, 32  # of tiles, in pixels
RANGE = 1, 99.8  # percentiles that become black and white, as stardist has them
HOW = (
    "The picture is in the package stardist: pip download --no-deps stardist, unpack "
    "the wheel, and give its folder stardist/data/images as --data-dir."
)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="stardist's folder of pictures")
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--head", default="unet", choices=["mlp", "upernet", "unet"])
    parser.add_argument(
        "--sizes", type=json.loads, default={}, help="fields of SwinConfig, as JSON"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where all goes; by default nowhere for long")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    picture, mask = read_nuclei(options.data_dir)
    with work_folder(options.folder, "nuclei-") as work:
        report = measure(picture, mask, options, work)
    if options.json:
        write_json(options.json, report)


def measure(picture, mask, options, work: Path) -> dict:
    """Train on the left half, and judge on the right one."""
    middle, edge = picture.shape[1] // 2, round(0.8 * picture.shape[0])
    parts = {
        "train": (slice(0, edge), slice(0, middle), STEP),
        "val": (slice(edge, None), slice(0, middle), SIDE),
    }
    for title, (rows, columns, step) in parts.items():
        pairs = tiles(picture[rows, columns], mask[rows, columns], step)
        write_pairs(work / "tiles" / title, pairs, NAMES)
    right = [(picture[:, middle:], mask[:, middle:])]
    write_pairs(work / "right" / "test", right, NAMES)
    report = learned_and_judged(
        work / "tiles", work / "right", work, options, image_size=SIDE, batch_size=8
    )
    print(json.dumps(report))
    return report


def tiles(picture, mask, step):
    """Yield the square parts of a picture and its mask, row by row."""
    height, width = picture.shape
    for top in starts(height, SIDE, step):
        for left in starts(width, SIDE, step):
            part = slice(top, top + SIDE), slice(left, left + SIDE)
            yield picture[part], mask[part]


def read_nuclei(given):
    """Return the picture and its mask, 1 in nuclei, uint8 `(512, 512)`.

    Raises:
        SystemExit: If it is not there; it says how to get it.
    """
    package = None if given else importlib.util.find_spec("stardist")
    folder = (
        Path(package.origin).parent / "data/images" if package else Path(given or "")
    )
    files = [folder / "img2d.tif", folder / "mask2d.tif"]
    if not (given or package) or not all(file.is_file() for file in files):
        raise SystemExit(f"There is no img2d.tif in {folder.resolve()}. {HOW}")
    arrays = []
    for file in files:
        with Image.open(file) as image:
            arrays.append(np.asarray(image))
    picture, mask = arrays
    low, high = np.percentile(picture, RANGE)
    grey = ((picture - low) / (high - low)).clip(0, 1)
    return np.rint(255 * grey).astype("uint8"), (mask > 0).astype("uint8")


if __name__ == "__main__":
    main()
