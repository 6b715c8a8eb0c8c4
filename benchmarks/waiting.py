"""How much of a training step's time passes in waiting for its images.

    python benchmarks/waiting.py [--cases digits fashion_mnist photos]
        [--data-dir FOLDER] [--steps 200] [--photo-steps 20] [--no-xla] [--json FILE]

The step and the batches are those of `swin-keras train`. Waiting is the time until
the next batch is there, as a share of the loop's. `same batch` is a step without
a pipeline beside it: what is above it is what the pipeline takes from the step
where both share the cores. Photos are 256 JPEG files of 500 x 375 for Swin-T at
224, 8 in a batch, with the augmentation of the preset `published`.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import yaml
from photos import write_photos
from timing import write_json

from swin_keras import TrainConfig
from swin_keras.training.preparation import prepare

PHOTOS, PHOTO_SIZE = 256, (500, 375)


def make_config(case, folder, options) -> TrainConfig | None:
    """Return a case's configuration, or `None` where its data is not there."""
    more = {"jit_compile": not options.no_xla, "tensorboard": False}
    if case == "digits":
        return TrainConfig(**more)
    if case == "photos":
        write_photos(folder, PHOTOS, PHOTO_SIZE)
        return TrainConfig(data=str(folder), model="swin_tiny", batch_size=8, **more)
    if options.data_dir is None:
        print("Fashion-MNIST is left out: give the folder of its files, --data-dir")
        return None
    recipe = yaml.safe_load(Path(__file__).with_name(f"{case}.yaml").read_text())
    return TrainConfig.from_dict(recipe | more | {"data_dir": options.data_dir})


def measure(config, steps) -> dict:
    """Train some steps; return where their time went."""
    job = prepare(config)
    job.training_model.make_train_function()
    source, waited, worked, alone = iter(job.training_batches()), [], [], []
    warm_up = steps // 2 + 1  # uses up what was prepared while the step was compiled
    for number in range(warm_up + steps):
        start = time.perf_counter()
        batch = next(source)
        middle = time.perf_counter()
        train_on(job.training_model, batch)
        if number >= warm_up:
            waited.append(middle - start)
            worked.append(time.perf_counter() - middle)
    del source  # and with it the pipeline's threads
    for _ in range(max(steps // 4, 1)):
        start = time.perf_counter()
        train_on(job.training_model, batch)
        alone.append(time.perf_counter() - start)
    loop = sum(waited) + sum(worked)
    return {
        "batch": job.config.batch_size,
        "steps": steps,
        "waiting": sum(waited) / loop,
        "longest_wait_ms": 1e3 * max(waited),
        "step_ms": 1e3 * loop / steps,
        "same_batch_ms": 1e3 * float(np.mean(alone)),
    }


def train_on(model, batch):
    """Do the step that `fit` does, and wait for its end."""
    float(model.train_function(iter([batch]))["loss"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cases = ["digits", "fashion_mnist", "photos"]
    parser.add_argument("--cases", nargs="+", default=cases, choices=cases)
    parser.add_argument("--data-dir", help="the four IDX files of Fashion-MNIST")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--photo-steps", type=int, default=20)
    parser.add_argument("--no-xla", action="store_true", help="starts sooner")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report = {}
    for case in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            config = make_config(case, Path(folder), options)
            if config is None:
                continue
            steps = options.photo_steps if case == "photos" else options.steps
            report[case] = row = measure(config, steps)
        print(
            f"{case:14} batch {row['batch']:4}  {row['step_ms']:8.1f} ms a step, "
            f"waiting {row['waiting']:.1%}, at most {row['longest_wait_ms']:.1f} ms; "
            f"same batch {row['same_batch_ms']:.1f} ms",
            flush=True,
        )
    write_json(options.json, report)


if __name__ == "__main__":
    main()
