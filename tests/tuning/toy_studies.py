"""Studies that are small, and what they leave behind."""

import dataclasses

import yaml

from swin_keras.tuning.study import Study
from swin_keras.tuning.study_folder import StudyFolder

SIZES = {"embed_dim": 8, "depths": [1, 1], "num_heads": [1, 2]}
TRAIN = {
    "data": "digits",
    "sizes": SIZES,
    "epochs": 3,
    "batch_size": 64,
    "train_images": 640,  # ten steps an epoch
    "jit_compile": False,
    "checkpoint_minutes": 0.0005,
}
SPACE = {
    "learning_rate": {"min": 1e-3, "max": 1e-2, "scale": "log"},
    "mixup": [0.0, 0.2],
    "sizes.embed_dim": [8, 16],
}

LIMITED = {"limits": {"parameters": 10_000}, "seed": 1}  # one model is too large


def write_study(folder, name="toy", **changes):
    """Write a study's file; return its path."""
    values = {"train": TRAIN, "space": SPACE, "tuner": "random", "trials": 3}
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(values | changes, sort_keys=False), "utf-8")
    return path


def folder_of(path):
    """Return the folder in which a study runs."""
    return StudyFolder.of(Study.read(path))


def outcome(folder):
    """Return what a study leaves: its trials but for the time they took."""
    costs = ("parameters", "macs")
    return [
        dataclasses.replace(
            trial, seconds=0.0, costs={name: trial.costs.get(name) for name in costs}
        )
        for trial in folder.trials()
    ]
