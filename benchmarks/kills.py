"""Kill a training run again and again, and compare it with one that never stopped.

    python benchmarks/kills.py --kills 100
    python benchmarks/kills.py --kills 20 --while-saving

Trains a toy on the digits in its own folder. Kills come at random moments of
training; with `--while-saving`, while a checkpoint is being written. At the end
the weights must be the same, bit by bit.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keras
import yaml

import swin_keras  # noqa: F401  registers the layers
from swin_keras.processes import module_command

OPTIONS = {
    "sizes": {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]},
    "ema_momentum": 0.9,
    "mixup": 0.8,
    "jit_compile": False,
    "tensorboard": False,
    "checkpoint_minutes": 0.0,  # after every step
}
MAX_SECONDS = 3600


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--while-saving", action="store_true")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    rng, began = random.Random(options.seed), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "toy.yaml"
        config.write_text(yaml.safe_dump(OPTIONS | {"epochs": options.epochs}))
        finish(start(folder, "undisturbed"))
        kills = 0
        while kills < options.kills and time.monotonic() - began < MAX_SECONDS:
            process = start(folder, "killed")
            wait_for_step(folder, process, while_saving=options.while_saving)
            if not options.while_saving:
                time.sleep(rng.uniform(0, 1.0))
            if process.poll() is not None:
                raise SystemExit("The run ended: give it more --epochs.")
            process.kill()
            process.wait()
            kills += 1
            unfinished = len(list(Path(folder).glob("killed/checkpoints/.unfin*")))
            print(
                f"kill {kills}: {newest(folder)}, {unfinished} unfinished", flush=True
            )
        finish(start(folder, "killed"))
        same = weights(folder, "undisturbed") == weights(folder, "killed")
    print(f"{kills} kills in {time.monotonic() - began:.0f} s; weights equal: {same}")
    return 0 if same else 1


def start(folder, name):
    words = ["--config", f"{folder}/toy.yaml", "--runs-dir", folder, "--name", name]
    return subprocess.Popen(  # noqa: S603  our own program
        module_command("swin_keras.cli", "train", *words, "--resume"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def finish(process):
    if process.wait(MAX_SECONDS):
        raise SystemExit(f"The run ended with exit code {process.returncode}.")


def newest(folder):
    found = sorted(Path(folder).glob("killed/checkpoints/step-*"))
    return found[-1].name if found else "no checkpoint"


def wait_for_step(folder, process, while_saving):
    """Wait until the run gets further, or until it is writing."""
    before = newest(folder)
    while process.poll() is None and newest(folder) == before:
        time.sleep(0.001)
    while while_saving and process.poll() is None:
        if list(Path(folder).glob("killed/checkpoints/.unfinished-*")):
            return


def weights(folder, name):
    path = f"{folder}/{name}/best.keras"
    model = keras.models.load_model(path, compile=False)
    return [weight.tobytes() for weight in model.get_weights()]


if __name__ == "__main__":
    sys.exit(main())
