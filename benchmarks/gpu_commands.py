"""What the commands do on a GPU that users run there, one after the other.

    python benchmarks/gpu_commands.py [--fashion-mnist FOLDER] [--photos 8192]
        [--epochs 10] [--only first second ...] [--scratch FOLDER] [--resume] [--toy]
        [--json FILE]

- pipeline: `workers.py` on the photos: what loading alone can give.
- first: Swin-T on JPEG files of 500 x 375, preset `published`, in bfloat16, with
  nothing compiled before. Images/s of each epoch as the run's `log.txt` has them,
  without validation; how busy nvidia-smi saw the card while the epochs after the first
  were trained; seconds from the imports to the end of the first step.
- second: the same again, with what the first has compiled.
- digits: the default command.
- deterministic: the digits twice with `--deterministic true`, twice without it; the
  largest difference of a weight.
- export: of the digits, with all its checks.
- fashion-mnist: `fashion_mnist_gpu.yaml`; with `--resume` from the last checkpoint of a
  call that was ended.

The file is written after each part, and one that is there is added to. With
`--scratch`, the photos, the runs and what XLA compiled stay, so that parts can be
measured in calls of their own. `--toy` is for machines without a GPU: tiny models, so
that every line is run.
"""

import argparse
import contextlib
import functools
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from multiprocessing import Pool
from pathlib import Path

import h5py
import numpy as np
from photos import CLASSES, write_photos
from run_figures import looks_at_card, rates_of, utilisation
from timing import card, write_json

from swin_keras.cores import usable_cores
from swin_keras.processes import module_command

HERE = Path(__file__).parent
PART = 64  # photos that a process writes at a time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fashion-mnist", help="folder of its four files")
    parser.add_argument("--photos", type=int, default=8192)
    parser.add_argument("--epochs", type=int, default=10, help="of the photos")
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--scratch", type=Path, help="a folder that is kept")
    parser.add_argument("--resume", action="store_true", help="Fashion-MNIST")
    parser.add_argument("--toy", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = {"card": card()}
    if options.json and options.json.exists():
        report = json.loads(options.json.read_text("utf-8")) | report
    with contextlib.ExitStack() as stack:
        scratch = options.scratch
        if scratch is None:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        scratch = scratch.resolve()
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")  # of what XLA compiles
        for name in options.only:
            print(f"{name}, {report['card']}:", flush=True)
            try:
                report[name] = PARTS[name](options, scratch, report)
            except Exception as error:  # the other parts are worth having
                traceback.print_exc()
                report[name] = {"error": f"{type(error).__name__}: {error}"}
            write_json(options.json, report)
    failed = [name for name in options.only if "error" in (report[name] or {})]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def photos_in(scratch, count) -> Path:
    """Return the folder of so many photos, which are written once."""
    folder, part = scratch / f"photos-{count}", scratch / "photos.part"
    if not folder.exists():
        shutil.rmtree(part, ignore_errors=True)
        with Pool(usable_cores()) as pool:
            numbers = range(-(-count // PART))
            pool.starmap(_write_part, zip(numbers, itertools.repeat(part)))
        part.rename(folder)
    return folder


def _write_part(number, folder):
    own = folder / f"part{number}"
    for name in write_photos(own, PART, (500, 375), seed=number):
        label, file = name.split("/")
        (folder / label).mkdir(exist_ok=True)
        (own / name).rename(folder / label / f"{number}-{file}")
    for label in CLASSES:
        (own / label).rmdir()
    own.rmdir()


def pipeline(options, scratch, report):
    photos, path = photos_in(scratch, options.photos), scratch / "pipeline.json"
    images = min(options.photos, 64 if options.toy else 4096)
    words = ["--folder", photos, "--images", images, "--rounds", 1, "--json", path]
    command = [sys.executable, HERE / "workers.py", *words]
    subprocess.run(list(map(str, command)), check=True)  # noqa: S603
    return json.loads(path.read_text())


def folder(name, options, scratch, report):
    """Train on photos; say how the rate compares with what loading alone gives."""
    if name == "first":
        shutil.rmtree(scratch / "cache", ignore_errors=True)
    size = ["--model", "swin_nano", "--image-size", 32, "--batch-size", 16]
    if not options.toy:
        size = ["--model", "swin_tiny", "--batch-size", 128]
        size += ["--precision", "mixed_bfloat16", "--image-size", 224]
    words = ["--data", photos_in(scratch, options.photos), "--preset", "published"]
    words += ["--epochs", options.epochs, "--checkpoint-minutes", 1000]
    words += ["--val-fraction", 0.05, "--test-fraction", 0.05]  # epochs are long
    row = train(scratch, name, *words, *size)
    if "images_per_second" in (limits := report.get("pipeline", {})):
        limit = max(limits["images_per_second"].values())
        row["of_pipeline"] = row["images_per_second"] / limit
        print(f"  {row['of_pipeline']:.2f} of the {limit:.0f} that loading alone gives")
    return row


def digits(options, scratch, report):
    return train(scratch, "digits", *_digits(options, scratch))


def _digits(options, scratch):
    words = ["--data-dir", scratch / "tfds"]
    if options.toy:
        words += ["--epochs", 2]
        words += ["--sizes", '{"embed_dim": 16, "depths": [1], "num_heads": [1]}']
    return words


def deterministic(options, scratch, report):
    words = (*_digits(options, scratch), "--epochs", 2 if options.toy else 20)
    rows = {}
    for flag in ("true", "false"):
        names = [f"{flag}-{number}" for number in range(2)]
        for name in names:
            rows[name] = train(scratch, name, *words, "--deterministic", flag)
        one, other = (weights(scratch / "runs" / name) for name in names)
        most = max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))
        rows[f"{flag}: largest difference"] = float(most)
        print(f"  --deterministic {flag}: twice the same within {most:.1e}")
    return rows


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


def export(options, scratch, report):
    run, exports = scratch / "runs" / "digits", scratch / "exports"
    if not (run / "card.json").exists():
        report["digits"] = digits(options, scratch, report)
    shutil.rmtree(exports, ignore_errors=True)
    words = ("export", run, "--saved-models-dir", exports)
    seconds = run_command(module_command("swin_keras.cli", *words))
    (path,) = exports.glob("*/card.json")
    print(f"  {seconds:.0f} s")
    return {"seconds": seconds, "checks": json.loads(path.read_text())["checks"]}


def fashion_mnist(options, scratch, report):
    if options.fashion_mnist is None:
        print("  left out: no --fashion-mnist")
        return None
    words = ["--config", HERE / "fashion_mnist_gpu.yaml"]
    words += ["--data-dir", options.fashion_mnist, "--checkpoint-minutes", 1]
    words += ["--resume"] if options.resume else []
    if options.toy:
        words += ["--precision", "float32", "--epochs", 1, "--train-images", 512]
        words += ["--sizes", '{"embed_dim": 16, "depths": [1, 1], "num_heads": [1, 2]}']
    return train(scratch, "fashion-mnist", *words)


def train(scratch, name, *words) -> dict:
    """Train by the command line; return and print what came out."""
    run, path = scratch / "runs" / name, scratch / "timeline.json"
    path.unlink(missing_ok=True)
    if "--resume" not in words:
        shutil.rmtree(run, ignore_errors=True)
    words = ("train", *words, "--name", name, "--runs-dir", run.parent)
    command = [sys.executable, HERE / "timed_train.py", path, *words]
    with looks_at_card() as looks:
        seconds = run_command(command)
    timeline = json.loads(path.read_text())
    metrics = json.loads((run / "card.json").read_text())["metrics"]
    row = {
        "accuracy": metrics["test_accuracy"],
        "seconds": seconds,
        "training_seconds": metrics["seconds"],  # of all parts of a resumed run
        "imports": timeline["imports"],
        "first_step": timeline["first_step"],
        **rates_of(run),
        **utilisation(looks, timeline["epochs"]),
    }
    busy = f", card busy {row['busy']:.0f} %" if "busy" in row else ""
    print(
        f"  {name}: {row['accuracy']:.2%} of the test images, {seconds:.0f} s with "
        f"all; first step {row['first_step']:.1f} s after {row['imports']:.1f} s of "
        f"imports; {row['images_per_second']:.0f} images/s, "
        f"{row['with_validation']:.0f} with validation{busy}",
        flush=True,
    )
    return row


def run_command(command) -> float:
    """Run a command, whose words are seen; return its seconds."""
    start = time.perf_counter()
    subprocess.run(list(map(str, command)), check=True)  # noqa: S603  our own
    return time.perf_counter() - start


PARTS = {
    "pipeline": pipeline,
    "first": functools.partial(folder, "first"),
    "second": functools.partial(folder, "second"),
    "digits": digits,
    "deterministic": deterministic,
    "export": export,
    "fashion-mnist": fashion_mnist,
}

if __name__ == "__main__":
    main()
