"""Which file is meant: the model of a run, of an export or of a SavedModel."""

import os
from pathlib import Path

from swin_keras.errors import ModelFileError, UsageError, nearest_name
from swin_keras.files import expanded
from swin_keras.gpus import has_gpu


def path_of_model(model) -> Path:
    """Return the path of a model that was given, and refuse a model in memory.

    Raises:
        UsageError: If it is no path.
    """
    if isinstance(model, str | os.PathLike):
        return expanded(model)
    text = (
        "A model must be given as the path of a run, an export or a file. "
        f"Received: {type(model).__name__}."
    )
    if hasattr(model, "layers") and hasattr(model, "save"):
        text += " Save it first: `model.save('NAME.keras')`."
    raise UsageError(text)


def find_model(path: Path) -> Path:
    """Return the model in a folder: of a run, an export or a SavedModel.

    Raises:
        ModelFileError: If there is none.
    """
    if not path.exists():
        siblings = [p.name for p in path.parent.glob("*") if _may_be_model(p)]
        raise ModelFileError(
            f"There is no model {path}.{nearest_name(path.name, siblings)}"
        )
    if not path.is_dir():
        return path
    if (path / "saved_model.pb").is_file():
        return path
    for name in ("model.tflite", "model.keras", "saved_model/1", "best.keras"):
        if (path / name).exists():
            return path / name
    versions = [p.parent for p in path.glob("[0-9]*/saved_model.pb")]
    if versions:  # of a SavedModel; servers take the newest
        return max(versions, key=lambda version: (len(version.name), version.name))
    raise ModelFileError(
        f"A model folder must hold a run's best.keras, an export's model.tflite or "
        f"a SavedModel. Received: {path}."
    )


def find_fastest_model(path: Path) -> Path:
    """Return the model in a folder that this machine is to run; see `find_model`.

    LiteRT runs on the CPU alone: beside a GPU it is an export's Keras model or
    SavedModel, if it has one.
    """
    file = find_model(path)
    if file == path or file.suffix != ".tflite":
        return file
    others = (path / name for name in ("model.keras", "saved_model/1"))
    other = next((other for other in others if other.exists()), None)
    return other if other and has_gpu() else file


def find_keras_model(path: Path) -> Path:
    """Return the Keras model in a folder if there is one, else its other model.

    A Keras model has its layers, so it can be exported, explained and described.

    Raises:
        ModelFileError: If there is no model.
    """
    for name in ("best.keras", "model.keras"):
        if (path / name).is_file():
            return path / name
    return find_model(path)


def _may_be_model(path):
    if path.name.startswith("."):  # a part that a killed process left
        return False
    return path.is_dir() or path.suffix in (".keras", ".tflite", ".onnx")
