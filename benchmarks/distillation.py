"""Does a small model learn more from a larger one than from the labels alone?

    python benchmarks/distillation.py --data-dir /usr/share/datasets/fashion-mnist

A teacher, then for each seed the same student without and with it: same recipe, same
epochs, same images. Each is judged on the test images; the last is exported to int8.
Printed: accuracy, parameters, size and milliseconds of each side by side, and what the
teacher gained, with its spread over the seeds.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml
from timing import write_json

import swin_keras

RECIPE = Path(__file__).with_name("fashion_mnist.yaml")
STUDENT = {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", help="folder of the four files of Fashion-MNIST")
    parser.add_argument("--images", type=int, default=0, help="of training; 0: all")
    parser.add_argument("--epochs", type=int, help="of each; by default the recipe's")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", default=["soft", "dist"])
    parser.add_argument("--temperature", type=float, default=2.0)
    parser.add_argument("--weight", type=float, default=0.7, help="of the teacher")
    parser.add_argument("--teacher", help="a model that is trained already")
    parser.add_argument("--folder", help="where runs go; by default nowhere for long")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options, Path(options.folder or folder))


def compare(options, folder):
    """Train teacher and students, and print what came out."""
    common = yaml.safe_load(RECIPE.read_text())
    common |= {"runs_dir": str(folder / "runs"), "tensorboard": False}
    common |= {"train_images": options.images}
    if options.data_dir:
        common["data_dir"] = options.data_dir
    if options.epochs:
        common["epochs"] = options.epochs
    teacher = options.teacher
    if teacher is None:
        teacher = str(trained("teacher", common).path)
    own = {**common, "sizes": common["sizes"] | STUDENT}
    taught = {"teacher": teacher, "teacher_weight": options.weight}
    taught |= {"temperature": options.temperature}
    accuracies = {}
    for seed in range(options.seeds):
        for kind in (None, *options.kinds):
            more = {**taught, "distillation": kind} if kind else {}
            if kind == "dist":
                more["temperature"] = 1.0
            name = f"{kind or 'labels'}-{seed}"
            run = trained(name, {**own, "seed": seed, **more})
            card = json.loads(run.card.read_text())
            accuracies.setdefault(kind, []).append(card["metrics"]["test_accuracy"])
    write_json(
        options.json, {kind or "labels": values for kind, values in accuracies.items()}
    )
    for kind in options.kinds:
        gain = 100 * (np.array(accuracies[kind]) - np.array(accuracies[None]))
        points = ", ".join(f"{value:+.2f}" for value in gain)
        print(f"{kind}: {gain.mean():+.2f} points on average ({points})")
    best = max(options.kinds, key=lambda kind: np.mean(accuracies[kind]))
    student = folder / "runs" / f"{best}-0"
    show_exports(teacher, student, folder / "saved_models")


def trained(name, values):
    """Train one model; print a line about it."""
    start = time.perf_counter()
    run = swin_keras.train(swin_keras.TrainConfig(**values, name=name), verbose=False)
    card = json.loads(run.card.read_text())
    accuracy = card["metrics"]["test_accuracy"]
    minutes = (time.perf_counter() - start) / 60
    print(f"{name:12} {accuracy:.2%} of the test images, {minutes:.1f} min", flush=True)
    return run


def show_exports(teacher, student, folder):
    """Export both, and print what a phone would take of each."""
    for name, path in (("teacher", teacher), ("student", student)):
        config = swin_keras.ExportConfig(
            formats=("litert", "litert-int8"), name=name, saved_models_dir=str(folder)
        )
        exported = swin_keras.export(path, config)
        for file in sorted(Path(exported).glob("*.tflite")):
            result = swin_keras.benchmark(file, threads=(1,))
            milliseconds = 1e3 * min(timing.median for timing in result.timings)
            accuracy = swin_keras.evaluate(file).accuracy
            print(
                f"{name:8} {file.name:18} {file.stat().st_size / 1e6:.2f} MB, "
                f"{milliseconds:.3f} ms, {accuracy:.2%} of the test images",
                flush=True,
            )


if __name__ == "__main__":
    main()
