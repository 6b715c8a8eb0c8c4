"""Does a small model learn more from a larger one than from the labels alone?

    python benchmarks/distillation.py --data-dir /usr/share/datasets/fashion-mnist
    python benchmarks/distillation.py --task segment --data-dir ... --teacher runs/large
    python benchmarks/distillation.py --task detect --data-dir ... --teacher runs/large

A teacher, then for each seed the same student without and with it: same recipe, same
epochs, same images. Each is judged on the test images; the best is exported to int8.
Printed: score, size and milliseconds of each side by side, and what the teacher
gained, with its spread over the seeds.
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

FOLDER = Path(__file__).parent
STUDIES = {
    "classify": {
        "recipe": "fashion_mnist.yaml",
        "student": {
            "sizes": {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4]},
        },
        "figure": "test_accuracy",
        "kinds": {
            "soft": {"teacher_weight": 0.7, "temperature": 2.0},
            "dist": {"teacher_weight": 0.7},
        },
    },
    "segment": {
        "recipe": "garments_mlp.yaml",
        "teacher": {"sizes": {"embed_dim": 24}, "head_sizes": {"channels": 96}},
        "student": {
            "sizes": {"embed_dim": 16, "depths": [2, 2, 2], "num_heads": [1, 2, 4]},
            "head_sizes": {"channels": 32, "detail_channels": 8},
        },
        "figure": "test_mean_iou",
        "kinds": {"features": {"teacher_weight": 1.0}},
    },
    "detect": {
        "recipe": "garments_boxes.yaml",
        "student": {
            "sizes": {"embed_dim": 16, "depths": [2, 4], "num_heads": [1, 2]},
            "head_sizes": {"channels": 32},
        },
        "figure": "test_map",
        "kinds": {"features": {"teacher_weight": 1.0}},
    },
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=STUDIES, default="classify")
    parser.add_argument("--data-dir", help="folder of the four files of Fashion-MNIST")
    parser.add_argument("--images", type=int, default=0, help="of training; 0: all")
    parser.add_argument("--epochs", type=int, help="of each; by default the recipe's")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", help="by default all of the task")
    parser.add_argument("--temperature", type=float, help="of soft targets")
    parser.add_argument("--weight", type=float, help="of the teacher")
    parser.add_argument("--teacher", help="a model that is trained already")
    parser.add_argument(
        "--folder",
        help="where runs go, and where a study that was ended goes on; by default "
        "nowhere for long",
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options, STUDIES[options.task], Path(options.folder or folder))


def compare(options, study, folder):
    """Train teacher and students, and print what came out."""
    common = yaml.safe_load((FOLDER / study["recipe"]).read_text())
    common |= {"runs_dir": str(folder / "runs"), "tensorboard": False}
    common |= {"train_images": options.images}
    if options.data_dir:
        common["data_dir"] = options.data_dir
    if options.epochs:
        common["epochs"] = options.epochs
    teacher = options.teacher
    if teacher is None:
        values = changed(common, study.get("teacher", {}))
        teacher = str(trained("teacher", values, study["figure"])[0].path)
    own = changed(common, study["student"])
    kinds = {None: {}, **kinds_of(options, study, teacher)}
    scores = {kind: [] for kind in kinds}
    for seed in range(options.seeds):
        for kind, taught in kinds.items():
            name = f"{kind or 'labels'}-{seed}"
            _, score = trained(name, {**own, "seed": seed, **taught}, study["figure"])
            scores[kind].append(score)
    write_json(
        options.json, {kind or "labels": values for kind, values in scores.items()}
    )
    labels = np.array(scores.pop(None))
    for kind, values in scores.items():
        gain = 100 * (np.array(values) - labels)
        points = ", ".join(f"{value:+.2f}" for value in gain)
        print(f"{kind}: {gain.mean():+.2f} points on average ({points})")
    best = max(scores, key=lambda kind: np.mean(scores[kind]))
    student = folder / "runs" / f"{best}-0"
    show_exports(teacher, student, folder / "saved_models")


def changed(recipe, sizes):
    """Return a recipe with some of its sizes replaced."""
    return recipe | {name: recipe[name] | given for name, given in sizes.items()}


def kinds_of(options, study, teacher):
    """Return the options of each kind of distillation to compare."""
    given = {"teacher_weight": options.weight, "temperature": options.temperature}
    given = {name: value for name, value in given.items() if value is not None}
    return {
        kind: {"teacher": teacher, "distillation": kind}
        | {name: given.get(name, usual) for name, usual in study["kinds"][kind].items()}
        for kind in options.kinds or study["kinds"]
    }


def trained(name, values, figure):
    """Train one model, or the rest of it; print a line, return its run and score."""
    start = time.perf_counter()
    config = swin_keras.TrainConfig(**values, name=name)
    run = swin_keras.train(config, verbose=False, resume=True)
    score = json.loads(run.card.read_text())["metrics"][figure]
    minutes = (time.perf_counter() - start) / 60
    print(f"{name:12} {score:.2%} {figure}, {minutes:.1f} min", flush=True)
    return run, score


def show_exports(teacher, student, folder):
    """Export both, and print what a phone would take of each, timed in turns."""
    files = []
    for name, path in (("teacher", teacher), ("student", student)):
        config = swin_keras.ExportConfig(
            formats=("litert", "litert-int8"),
            name=name,
            saved_models_dir=str(folder),
            overwrite=True,  # what an ended study left
        )
        files += sorted(Path(swin_keras.export(path, config)).glob("*.tflite"))
    timings = swin_keras.benchmark(*files, threads=1).timings
    for file, timing in zip(files, timings, strict=True):
        print(
            f"{file.parent.name:8} {file.name:18} {file.stat().st_size / 1e6:.2f} MB, "
            f"{1e3 * timing.minimum:.3f} ms, {swin_keras.evaluate(file).headline()}",
            flush=True,
        )


if __name__ == "__main__":
    main()
