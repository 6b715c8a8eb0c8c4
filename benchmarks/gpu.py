"""Swin-T on a GPU: ours on TensorFlow, JAX and torch beside timm, interleaved.

    python benchmarks/gpu.py [--mode both] [--batch 128 64] [--rounds 8] [--minutes 8]
        [--variant swin_tiny] [--only NAME ...] [--json FILE]
        [--tensorflow-path FOLDERS] [--tensorflow-libraries FOLDERS]

On TensorFlow a training step is what `swin-keras train` runs: XLA, the graph, and
`MirroredStrategy` over two logical devices of one GPU, with a batch each. Inference
in bfloat16; training in bfloat16 on float32 weights. Images are on the device
already, and a turn is ten steps in a row, of which only the last is waited for.
Contenders whose framework is not installed, or sees no GPU of a machine that has one,
are left out. XLA takes minutes to compile Swin-T for TensorFlow, once: call again where
time ran out. Nothing begins after `--minutes`, and a contender that is not ready by
then is ended; each is shown with its first turn, and the file is written after every
turn. TensorFlow's contenders alone get `--tensorflow-path` before their PYTHONPATH and
`--tensorflow-libraries` before their LD_LIBRARY_PATH: its CUDA may not be torch's.
GPU_MEGABYTES is the memory of the two logical devices together, 40000 by default. The
share is that of the machine's own rate of bfloat16 matrix products in the same run: 2
operations a multiply-add, three times as many for a training step.
"""

import argparse
import os
import time
from pathlib import Path

from gpu_contenders import RATES, STEPS, framework_of
from race import Contender, race, show
from timing import card, write_json

SCRIPT = "gpu_contenders.py"
MODES = {
    "inference": ["inference"],
    "training": ["training"],
    "both": ["inference", "training"],
}


def matrix_rate(environments, deadline) -> float | None:
    """Return operations a second of a product, by the first framework that is here."""
    for name in RATES:
        own = {"environment": environments.get(name), "deadline": deadline}
        contender = Contender(name, SCRIPT, 1, "rate", "", **own)
        for _ in range(5):
            if "error" not in contender.about and "ended" not in contender.about:
                contender.turn(deadline)
        contender.close()
        if contender.seconds:
            return contender.about["operations"] / min(contender.seconds)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", default="both", choices=MODES)
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--variant", default="swin_tiny")
    parser.add_argument("--only", nargs="+", default=list(STEPS), choices=STEPS)
    parser.add_argument("--tensorflow-path", metavar="FOLDERS")
    parser.add_argument("--tensorflow-libraries", metavar="FOLDERS")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    environments = environments_of(options)
    report = Report(options.json, matrix_rate(environments, deadline))
    for batch in options.batch:
        for mode in MODES[options.mode]:
            print(f"{mode}, batch {batch}, {report.card}", flush=True)

            def note(row, mode=mode):
                row = report.note(row, mode)
                if row["turns"] == 1:
                    show([row])

            rows = race(
                SCRIPT,
                options.only,
                batch,
                options.rounds,
                *(mode, options.variant),
                environments=environments,
                deadline=deadline,
                note=note,
            )
            print("in the end, the fastest first:", flush=True)
            show([report.note(row, mode) for row in rows])


def environments_of(options) -> dict:
    """Return the variables that TensorFlow's contenders alone have, by name."""
    own = {
        "PYTHONPATH": options.tensorflow_path,
        "LD_LIBRARY_PATH": options.tensorflow_libraries,
    }
    own = {
        name: os.pathsep.join(filter(None, [folders, os.environ.get(name)]))
        for name, folders in own.items()
        if folders
    }
    return {name: own for name in STEPS if framework_of(name) == "tensorflow"}


class Report:
    """What has been measured so far, also in a file.

    Args:
        path: The file, or `None`.
        rate: Operations a second of a matrix product, where it is known.
    """

    def __init__(self, path, rate):
        self.path, self.rate, self.card = path, rate, card()
        self._rows, self._macs = {}, None
        if rate:
            print(f"bfloat16 matrix product: {rate / 1e12:.2f} TFLOP/s", flush=True)

    def note(self, row, mode) -> dict:
        """Take a contender's row in place of its last one; return it as it is kept."""
        row = {"mode": mode, "card": self.card, **row}
        self._macs = row.pop("macs", self._macs)  # theirs is the same model
        if self.rate and self._macs:
            operations = 2 * self._macs * (3 if mode == "training" else 1)
            row["share"] = row["images_per_second"] * operations / self.rate
        self._rows[mode, row["batch"], row["name"]] = row
        rate = self.rate and self.rate / 1e12
        rows = list(self._rows.values())
        write_json(self.path, {"card": self.card, "matrix_tflops": rate, "rows": rows})
        return row


if __name__ == "__main__":
    main()
