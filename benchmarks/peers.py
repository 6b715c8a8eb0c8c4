"""Swin-T or V2-T beside its peers: inference and a training step, in turns.

    python benchmarks/peers.py [--family v1] [--batch 1 8] [--training 8]
        [--rounds 8] [--only NAME ...] [--size 224] [--json FILE] [--picture FILE]

Every contender that is installed runs in a subprocess (`contenders.py`),
and they take turns, so that each meets the same machine. All that can read the
weights of torchvision (V1) or timm (V2) do, and their probabilities are compared
before anything is timed. Images per second of the fastest turn; memory is the
highest that the process held.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from contenders import INFERENCE, TRAINING
from race import race, show
from timing import matrix_rate, write_json

REFERENCE = {"v1": "torchvision", "v2": "timm"}
SIZE = {"v1": 224, "v2": 256}


def compare(rows, reference):
    """Replace probabilities by their largest difference to the reference's."""
    outputs = {row["name"]: row.pop("probabilities", None) for row in rows}
    reference = outputs.get(reference)
    for row in rows:
        if reference and outputs[row["name"]]:
            difference = np.abs(np.subtract(outputs[row["name"]], reference))
            row["difference"] = float(difference.max())


def draw(rows, path: Path):
    """Draw a bar for each row, ours in colour."""
    from matplotlib.figure import Figure

    groups = sorted({(row["mode"], row["batch"]) for row in rows})
    figure = Figure(figsize=(5 * len(groups), 4), layout="constrained")
    axes = figure.subplots(1, len(groups), squeeze=False)[0]
    for ax, (mode, batch) in zip(axes, groups, strict=True):
        chosen = [r for r in rows if (r["mode"], r["batch"]) == (mode, batch)][::-1]
        ours = ["swin-keras" in row["name"] for row in chosen]
        ax.barh(
            [row["name"] for row in chosen],
            [row["images_per_second"] for row in chosen],
            color=["tab:orange" if own else "lightgray" for own in ours],
        )
        ax.set(title=f"{mode}, batch {batch}", xlabel="images/s")
    figure.savefig(path)


def reference_weights(family, size, folder: Path) -> Path | str:
    """Save random weights for all; "" where the reference is not installed."""
    script = (
        "import sys, torch; from torch_contenders import reference;"
        "model = reference(sys.argv[1], int(sys.argv[2]));"
        "torch.save(model.state_dict(), sys.argv[3])"
    )
    path = folder / "weights.pth"
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", script, family, str(size), str(path)],
        capture_output=True,
        cwd=Path(__file__).parent,
    )
    return "" if done.returncode else path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--family", choices=SIZE, default="v1")
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--training", type=int, nargs="*", default=[8])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--size", type=int)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    family, size = options.family, options.size or SIZE[options.family]
    races = [("inference", INFERENCE, batch) for batch in options.batch]
    races += [("training", TRAINING, batch) for batch in options.training]
    rows, rates = [], []
    with tempfile.TemporaryDirectory() as scratch:
        weights = reference_weights(family, size, Path(scratch))
        for mode, known, batch in races:
            names = [n for n in known if not options.only or n in options.only]
            print(f"{mode}, batch {batch}")
            rates.append(matrix_rate())
            more = (mode, family, size, weights)
            result = race("contenders.py", names, batch, options.rounds, *more)
            for row in result:
                row["mode"] = mode
            compare(result, REFERENCE[family])
            show(result)
            rows += result
    rates.append(matrix_rate())
    print("NumPy's matrix product:", ", ".join(f"{r:.0f}" for r in rates), "GFLOP/s")
    report = {"matrix_gflops": rates, "family": family, "size": size, "rows": rows}
    write_json(options.json, report)
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
