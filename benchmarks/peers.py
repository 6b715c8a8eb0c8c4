"""Swin-T beside its peers: inference and a training step, in turns in one run.

    python benchmarks/peers.py [--batch 1 8] [--rounds 8] [--only NAME ...]
        [--skip-training] [--size 224] [--json FILE] [--picture FILE]

Every contender that is installed runs in a process of its own (`contenders.py`),
and they take turns, so that each meets the same machine. Where torchvision is
there, all that can read its weights do, and their probabilities are compared
before anything is timed. Images per second of the fastest turn; memory is the
highest that the process held.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from contenders import INFERENCE, TRAINING
from race import race, show
from timing import matrix_rate


def compare(rows):
    """Replace probabilities by their largest difference to torchvision's."""
    outputs = {row["name"]: row.pop("probabilities", None) for row in rows}
    reference = outputs.get("torchvision")
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


def torchvision_weights(folder: Path) -> Path | str:
    """Save torchvision's random weights for all; "" where torchvision is not."""
    script = (
        "import sys, torch; from contenders import torchvision_model;"
        "torch.manual_seed(0); model = torchvision_model('');"
        "torch.save(model.state_dict(), sys.argv[1])"
    )
    path = folder / "swin_t.pth"
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        cwd=Path(__file__).parent,
    )
    return "" if done.returncode else path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--skip-training", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    rows, rates = [], []
    with tempfile.TemporaryDirectory() as scratch:
        weights = torchvision_weights(Path(scratch))
        races = [("inference", INFERENCE, batch) for batch in options.batch]
        if not options.skip_training:
            races += [("training", TRAINING, max(options.batch))]
        for mode, known, batch in races:
            names = [n for n in known if not options.only or n in options.only]
            print(f"{mode}, batch {batch}")
            rates.append(matrix_rate())
            result = race(
                "contenders.py",
                names,
                batch,
                options.rounds,
                mode,
                options.size,
                weights,
            )
            for row in result:
                row["mode"] = mode
            compare(result)
            show(result)
            rows += result
    rates.append(matrix_rate())
    print("NumPy's matrix product:", ", ".join(f"{r:.0f}" for r in rates), "GFLOP/s")
    if options.json:
        report = {"matrix_gflops": rates, "size": options.size, "rows": rows}
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if options.picture:
        draw(rows, options.picture)


if __name__ == "__main__":
    main()
