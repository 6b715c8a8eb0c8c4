"""Swin-T on a GPU: ours on TensorFlow, JAX and torch beside timm, interleaved.

    python benchmarks/gpu.py [--batch 128 64] [--rounds 8] [--minutes 8]
        [--variant swin_tiny] [--only NAME ...] [--json FILE]

On TensorFlow a training step is what `swin-keras train` runs: XLA, the graph, and
`MirroredStrategy` over two logical devices of one GPU, with a batch each. Inference
in bfloat16; training in bfloat16 on float32 weights. Images are on the device
already, and a turn is ten steps in a row, of which only the last is waited for.
Contenders whose framework is not installed, or sees no GPU of a machine that has one,
are left out. XLA takes minutes to compile Swin-T for TensorFlow, once: call again where
time ran out. No race begins for which too few minutes are left, by the last one of
its mode, so one call stays within them; the file is written after each. The share is
that of the machine's own rate of bfloat16 matrix products in the same run: 2
operations a multiply-add, three times as many for a training step.
"""

import argparse
import time
from pathlib import Path

from gpu_contenders import RATES, STEPS
from race import Contender, race, show
from timing import write_json


def matrix_rate() -> float:
    """Return operations a second of a product, by the first framework that is here."""
    for name in RATES:
        contender = Contender(name, "gpu_contenders.py", 1, "rate", "")
        if "error" not in contender.about:
            seconds = min(contender.turn()["seconds"] for _ in range(5))
            contender.close()
            return contender.about["operations"] / seconds
        contender.close()
    raise SystemExit("Neither JAX, torch nor TensorFlow is installed.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[128, 64])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--variant", default="swin_tiny")
    parser.add_argument("--only", nargs="+", default=list(STEPS), choices=STEPS)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    rate = matrix_rate()
    print(f"bfloat16 matrix product: {rate / 1e12:.2f} TFLOP/s", flush=True)
    script = "gpu_contenders.py"
    rows, lasted = [], {"inference": 0, "training": 0}
    for batch in options.batch:
        for mode in lasted:
            began = time.monotonic()
            if began + lasted[mode] > end:
                print(f"{mode}, batch {batch}: no time is left")
                continue
            print(f"{mode}, batch {batch}", flush=True)
            more = (mode, options.variant)
            result = race(script, options.only, batch, options.rounds, *more)
            lasted[mode] = time.monotonic() - began
            add_shares(result, mode, rate)
            show(result)
            rows += result
            write_json(options.json, {"matrix_tflops": rate / 1e12, "rows": rows})


def add_shares(rows, mode, rate):
    """Say of each row its mode and its share of the machine's rate."""
    macs = [row.pop("macs") for row in rows if "macs" in row]
    for row in rows:
        row["mode"] = mode
        if macs:
            operations = 2 * macs[0] * (3 if mode == "training" else 1)
            row["share"] = row["images_per_second"] * operations / rate


if __name__ == "__main__":
    main()
