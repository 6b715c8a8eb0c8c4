"""Swin-T on a GPU: ours on Keras' JAX or torch backend beside timm, in turns.

    python benchmarks/gpu.py [--batch 64 128] [--rounds 8] [--minutes 8]
        [--variant swin_tiny] [--json FILE]

bfloat16 throughout, images that are on the device already. Contenders whose
framework is not installed are left out, and no race begins once three quarters of
the time are over, so one call stays within its minutes. The share is that of the
machine's own rate of bfloat16 matrix products in the same run: 2 operations a
multiply-add, three times as many for a training step.
"""

import argparse
import json
import time
from pathlib import Path

from gpu_contenders import STEPS
from race import Contender, race, show


def matrix_rate(names) -> float:
    """Return operations a second of a product, by the first framework that is here."""
    for name in names:
        contender = Contender(name, "gpu_contenders.py", 1, "rate", "")
        if "error" not in contender.about:
            seconds = min(contender.turn()["seconds"] for _ in range(5))
            contender.close()
            return contender.about["operations"] / seconds
        contender.close()
    raise SystemExit("Neither JAX nor torch is installed.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--variant", default="swin_tiny")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    end = time.monotonic() + 0.75 * 60 * options.minutes
    rate = matrix_rate(STEPS)
    print(f"bfloat16 matrix product: {rate / 1e12:.2f} TFLOP/s")
    rows = []
    for batch in options.batch:
        for mode in ("inference", "training"):
            if time.monotonic() > end:
                print(f"{mode}, batch {batch}: no time is left")
                continue
            print(f"{mode}, batch {batch}")
            more = (mode, options.variant)
            result = race("gpu_contenders.py", STEPS, batch, options.rounds, *more)
            macs = [row.pop("macs") for row in result if "macs" in row]
            for row in result:
                row["mode"] = mode
                if macs:
                    operations = 2 * macs[0] * (3 if mode == "training" else 1)
                    row["share"] = row["images_per_second"] * operations / rate
            show(result)
            rows += result
    if options.json:
        report = {"matrix_tflops": rate / 1e12, "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
