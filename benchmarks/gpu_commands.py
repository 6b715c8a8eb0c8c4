"""What the commands do on a GPU that users run there, one after the other.

    python benchmarks/gpu_commands.py [--fashion-mnist FOLDER] [--photos 8192]
        [--only folder digits ...] [--toy]

- folder: Swin-T on JPEG files of 500 x 375, preset `published`, in bfloat16; twice,
  the second time with what the first has compiled. Images/s of the last epoch, how
  busy nvidia-smi saw the card, seconds to the end of the first epoch.
- digits: the default command.
- deterministic: the digits twice with `--deterministic true`, twice without it; the
  largest difference of a weight.
- export: of the digits, with all its checks.
- fashion-mnist: `fashion_mnist_gpu.yaml`.

`--toy` is for machines without a GPU: tiny models, so that every line is run.
"""

import argparse
import csv
import io
import itertools
import json
import subprocess
import tempfile
import threading
import time
import zipfile
from multiprocessing import Pool
from pathlib import Path

import h5py
import numpy as np
from photos import CLASSES, write_photos
from timing import write_json

from swin_keras.processes import module_command

REPORT = {}  # of each run
HERE = Path(__file__).parent
PART = 64  # photos that a process writes at a time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion-mnist", help="folder of its four files")
    parser.add_argument("--photos", type=int, default=8192)
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only:
            print(f"{name}:", flush=True)
            PARTS[name](options, Path(scratch))
    write_json(options.json, REPORT)


def folder(options, scratch):
    photos = scratch / "photos"
    with Pool() as pool:
        parts = range(-(-options.photos // PART))
        pool.starmap(_write_part, zip(parts, itertools.repeat(photos)))
    size = ["--model", "swin_nano", "--image-size", 32, "--batch-size", 16]
    if not options.toy:
        size = ["--model", "swin_tiny", "--batch-size", 128]
        size += ["--precision", "mixed_bfloat16", "--image-size", 224]
    for name in ("first", "second"):
        with busy() as shares:
            words = ("--data", photos, "--preset", "published", "--epochs", 4, *size)
            train(scratch, name, *words)
        if shares:
            busiest = sorted(shares)[-len(shares) // 4 :]  # without what comes before
            print(f"  the card is busy for {np.median(busiest):.0f} % of the time")


def _write_part(part, photos):
    names = write_photos(photos / f"part{part}", PART, (500, 375))
    for name in names:
        label, number = name.split("/")
        (photos / label).mkdir(parents=True, exist_ok=True)
        path = photos / f"part{part}" / name
        path.rename(photos / label / f"{part}-{number}")
    for label in CLASSES:
        (photos / f"part{part}" / label).rmdir()
    (photos / f"part{part}").rmdir()


def digits(options, scratch):
    train(scratch, "digits", *_digits(options, scratch))


def _digits(options, scratch):
    few = (
        "--epochs",
        2,
        "--sizes",
        '{"embed_dim": 16, "depths": [1], "num_heads": [1]}',
    )
    return ("--data-dir", scratch / "tfds", *(few if options.toy else ()))


def deterministic(options, scratch):
    words = (*_digits(options, scratch), "--epochs", 2 if options.toy else 20)
    for flag in ("true", "false"):
        names = [f"{flag}-{number}" for number in range(2)]
        for name in names:
            train(scratch, name, *words, "--deterministic", flag)
        one, other = (weights(scratch / "runs" / name) for name in names)
        most = max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))
        print(f"  --deterministic {flag}: twice the same within {most:.1e}")


def weights(run):
    """Return the arrays of a run's best model, without importing Keras here."""
    arrays = []

    def add(_, item):
        if isinstance(item, h5py.Dataset):
            arrays.append(np.asarray(item, "float64"))

    with zipfile.ZipFile(run / "best.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as file:
        file.visititems(add)
    return arrays


def export(options, scratch):
    if not (scratch / "runs" / "digits").exists():
        digits(options, scratch)
    words = ("export", scratch / "runs" / "digits", "--saved-models-dir", scratch / "x")
    said, seconds = swin_keras(*words)
    print(said[-1200:], f"\n  {seconds:.0f} s")


def fashion_mnist(options, scratch):
    if options.fashion_mnist is None:
        print("  left out: no --fashion-mnist")
        return
    words = ["--config", HERE / "fashion_mnist_gpu.yaml"]
    words += ["--data-dir", options.fashion_mnist]
    if options.toy:
        words += ["--precision", "float32", "--epochs", 1, "--train-images", 512]
        words += ["--sizes", '{"embed_dim": 16, "depths": [1, 1], "num_heads": [1, 2]}']
    train(scratch, "fashion-mnist", *words)


def train(scratch, name, *words):
    """Train by the command line; print what came out."""
    words = ("train", *words, "--name", name, "--runs-dir", scratch / "runs")
    _, seconds = swin_keras(*words)
    run = scratch / "runs" / name
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    card = json.loads((run / "card.json").read_text())
    images = card["data"]["images"]["train"] // card["train"]["batch_size"]
    ends = [0.0, *(float(row["seconds"]) for row in rows)]
    rate = images * card["train"]["batch_size"] / (ends[-1] - ends[-2])
    accuracy = card["metrics"]["test_accuracy"]
    REPORT[name] = {"accuracy": accuracy, "seconds": seconds, "images_per_second": rate}
    print(
        f"  {name}: {accuracy:.2%} of the test images, {seconds:.0f} s with all; first "
        f"epoch {ends[1]:.1f} s, last {rate:.0f} images/s with validation",
        flush=True,
    )


def swin_keras(*words):
    """Run a command; return what it printed, and its seconds."""
    start = time.perf_counter()
    command = module_command("swin_keras.cli", *words)
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    return done.stdout, time.perf_counter() - start


class busy:  # noqa: N801  used as a context
    """A list of how busy nvidia-smi saw the card, in percent, while it is open."""

    def __enter__(self):
        self._shares, self._over = [], threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self._shares

    def __exit__(self, *error):
        self._over.set()
        self._thread.join()

    def _watch(self):
        query = ["nvidia-smi", "-i", "0", "--format=csv,noheader"]
        query += ["--query-gpu=utilization.gpu"]
        while not self._over.wait(0.5):
            try:
                said = subprocess.run(query, capture_output=True, text=True)  # noqa: S603
            except OSError:
                return
            if said.stdout.split():
                self._shares.append(int(said.stdout.split()[0]))


PARTS = {
    "folder": folder,
    "digits": digits,
    "deterministic": deterministic,
    "export": export,
    "fashion-mnist": fashion_mnist,
}

if __name__ == "__main__":
    main()
