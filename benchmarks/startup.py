"""How long one waits: for imports, commands, a model, the first training step.

    python benchmarks/startup.py [--only NAME ...] [--rounds 2] [--batch 8]
        [--model swin_tiny] [--json FILE]

Each in a fresh process, in turns, the least of the rounds. Commands are timed from
outside, with Python's own start; the rest inside, after what it needs has been
imported. Files have been read before, by a first round that is not counted.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from timing import write_json

from swin_keras.processes import module_command

HERE = Path(__file__).parent
COMMANDS = {
    "swin-keras --help": ["--help"],
    "swin-keras train --help": ["train", "--help"],
    "swin-keras predict, 10 images": [
        "predict",
        "saved_models/digits",
        "tests/samples",
    ],
}
STEPS = """
import numpy as np, swin_keras
from swin_keras.training.optimizer import SwinAdamW
from swin_keras.training.training_model import TrainingModel
model = swin_keras.create_model({model!r})
model = TrainingModel(model.inputs, model.outputs)
model.compile(SwinAdamW(1e-4), "categorical_crossentropy", jit_compile={xla})
images = np.zeros(({batch}, *model.input_shape[1:]), "uint8")
labels = np.eye({batch}, model.output_shape[1], dtype="float32")
"""
STEP = "model.train_on_batch(images, labels)"
CODE = {  # what is done before, and what is timed
    "import tensorflow": ("", "import tensorflow"),
    "import keras, after it": ("import tensorflow", "import keras"),
    "import swin_keras, after them": (
        "import tensorflow, keras",
        "import swin_keras; swin_keras.SwinTiny",
    ),
    "build the model": (
        "import tensorflow, swin_keras; swin_keras.SwinTiny",
        "swin_keras.create_model({model!r})",
    ),
    "first step, XLA": (STEPS.replace("{xla}", "True"), STEP),
    "first step, graph": (STEPS.replace("{xla}", "False"), STEP),
}
AGAIN = {"first step, XLA": "second step, XLA", "first step, graph": "second step"}
PROGRAM = """
import time
{before}
for _ in range({times}):
    start = time.perf_counter()
    {timed}
    print(time.perf_counter() - start)
"""


def command(words) -> list[float]:
    """Run one of our commands in the project's folder; return its seconds."""
    start = time.perf_counter()
    run(module_command("swin_keras.cli", *words))
    return [time.perf_counter() - start]


def program(name, options) -> list[float]:
    """Run a piece of code; return its seconds, and for steps those of the second."""
    before, timed = (
        part.format(model=options.model, batch=options.batch) for part in CODE[name]
    )
    times = 2 if name in AGAIN else 1
    text = PROGRAM.format(before=before, timed=timed, times=times)
    said = run([sys.executable, "-c", text])
    return [float(line) for line in said.splitlines()[-times:]]


def run(words) -> str:
    done = subprocess.run(  # noqa: S603  our own words
        words,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=HERE.parent,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*COMMANDS, *CODE]
    parser.add_argument("--only", nargs="+", default=names, choices=names)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--model", default="swin_tiny")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    seconds = {}
    for number in range(options.rounds + 1):
        for name in options.only:
            is_command = name in COMMANDS
            times = command(COMMANDS[name]) if is_command else program(name, options)
            for row, value in zip([name, AGAIN.get(name)], times, strict=False):
                if number:
                    seconds.setdefault(row, []).append(value)
    for row, times in seconds.items():
        print(f"{row:32} {min(times):7.2f} s")
    write_json(options.json, {"model": options.model, "seconds": seconds})


if __name__ == "__main__":
    main()
