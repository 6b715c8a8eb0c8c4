"""Reading and augmenting images on one core, against decoding them and no more.

    python benchmarks/input_pipeline.py [--sizes 500x375 1024x768 2048x1536]
        [--images 64] [--rounds 6] [--json FILE]

Images of 224 pixels from JPEG files of `photos.py`. Per core means: a second of
processor time, that of all threads added up. Each way goes over all files in its
turn, with its own choices of augmentation and the same in every round. The last
row is the whole pipeline on all cores, by the clock on the wall.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from photos import CLASSES, write_photos
from timing import interleave, write_json

from swin_keras import TrainConfig
from swin_keras.cores import usable_cores
from swin_keras.data import Augmentation, BatchLoader, ImageDataset, batches
from swin_keras.data.image_io import decode_image
from swin_keras.data.splits import FileSplit
from swin_keras.tasks.classify import make_augmentation, make_mixing

BARE, PUBLISHED = "decode_jpeg alone", "preset published"
IMAGE_SIZE = (224, 224)
BATCH = 32
CORES = usable_cores()
PASSES = 2 * CORES  # over the files by all cores, so that none is idle for long


def decode(path):
    return tf.io.decode_jpeg(tf.io.read_file(path), channels=3)


def decode_and_resize(path):
    return tf.image.resize(decode(path), IMAGE_SIZE, "bicubic", antialias=True)


def training_options(preset, dataset) -> dict:
    """Return what a run of this preset gives its batches."""
    config = TrainConfig(preset=preset)
    return {
        "training": True,
        "augmentation": make_augmentation(config, dataset),
        "mixing": make_mixing(config),
        "classes": dataset.classes,
    }


def ways(folder: Path, names) -> tuple[dict, dict]:
    """Return functions that go over all files: on one core, and on all."""
    paths = [str(folder / name) for name in names]
    split = FileSplit(names, np.arange(len(names)) % len(CLASSES), "train", folder)
    dataset = ImageDataset("photos", CLASSES, {"train": split})
    published = training_options("published", dataset)
    options = {
        "decode, resize (evaluation)": {},
        "decode, crop, mirror": {"training": True, "augmentation": Augmentation()},
        "preset small": training_options("small", dataset),
        PUBLISHED: published,
    }
    batch = min(BATCH, len(names))

    def over_paths(function):
        return lambda: exhaust(map(function, paths))

    def over_steps(more):
        loader = BatchLoader(split, batch, IMAGE_SIZE, 3, **more)
        return lambda: exhaust(map(loader, range(loader.steps)))

    def on_all_cores():
        loader = BatchLoader(split, batch, IMAGE_SIZE, 3, **published)
        exhaust(batches(loader, epochs=PASSES))

    one = {
        BARE: over_paths(decode),
        "decode_jpeg, TensorFlow's resize": over_paths(decode_and_resize),
        "Pillow's decoder alone": over_paths(decode_image),
        **{name: over_steps(more) for name, more in options.items()},
    }
    return one, {"all": on_all_cores}


def exhaust(results):
    for _ in results:
        pass


def measure(size, count, rounds) -> dict:
    """Return images a second of each way for photos of one size."""
    with tempfile.TemporaryDirectory() as scratch:
        names = write_photos(Path(scratch), count, size)
        one, every = ways(Path(scratch), names)
        seconds = interleave(one, rounds, time.process_time)
        wall = interleave(every, rounds)["all"]
    rates = {name: count / min(times) for name, times in seconds.items()}
    on_all = PASSES * count / min(wall)
    return {"per_core": rates, "cores": CORES, "all_cores": on_all}


def show(size, result):
    rates, cores = result["per_core"], result["cores"]
    print(f"photos of {size}, images/s of one core")
    for name, rate in rates.items():
        print(f"  {name:34} {rate:7.0f} {rate / rates[BARE]:6.2f}")
    rate = result["all_cores"]
    share = rate / rates[PUBLISHED] / cores
    print(f"  {PUBLISHED} on {cores} cores: {rate:.0f} images/s, {share:.0%} of each")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = ["500x375", "1024x768", "2048x1536"]
    parser.add_argument("--sizes", nargs="+", default=sizes, metavar="WIDTHxHEIGHT")
    parser.add_argument("--images", type=int, default=64, help="a multiple of 32")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = {}
    for size in options.sizes:
        width, height = map(int, size.split("x"))
        report[size] = measure((width, height), options.images, options.rounds)
        show(size, report[size])
    write_json(options.json, report)


if __name__ == "__main__":
    main()
