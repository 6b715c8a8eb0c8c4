"""Model files on disk: written whole or not at all, and read only when whole."""

import contextlib
import os
import re
import zipfile
from pathlib import Path

from swin_keras.errors import (
    ModelFileError,
    ResourceError,
    first_line,
    is_memory_full,
)
from swin_keras.files import replace_file
from swin_keras.model_files.archives import bounded_layers, require_bounded
from swin_keras.model_files.card import ModelCard
from swin_keras.model_files.card_in_file import card_beside, embed_card
from swin_keras.model_files.checksums import require_unchanged
from swin_keras.processes import find_devices


def save_keras(model, path, card: ModelCard):
    """Write a model and its card to a `.keras` file.

    The file appears under its name only when it is complete, so that a run
    which is killed while it saves keeps the previous one.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.part.keras")
    try:
        model.save(part)
        embed_card(part, card)
        replace_file(part, path)
    except OSError:  # a full disk has better use for the room
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def load_keras(path):
    """Load a `.keras` file for inference; a sequential model becomes a functional one.

    Raises:
        ModelFileError: If it is missing, damaged, no Keras model, made of classes that
            nobody has registered, or would unpack to far more than it holds.
        ResourceError: If the memory has no room for it.
    """
    find_devices()
    import keras

    import swin_keras.layers  # noqa: F401  registers what the file names

    path = Path(path)
    require_whole(path)
    if not zipfile.is_zipfile(path):
        raise ModelFileError(
            f"A model file must be a complete .keras file. Received: {path}, which is "
            "cut off or of another kind. Copy or export it again."
        )
    try:
        require_bounded(path)
        with bounded_layers(path):
            model = keras.models.load_model(path, compile=False)
        return as_functional(model)
    except Exception as error:
        if is_memory_full(error):
            raise ResourceError(
                f"The model {path} does not fit into the memory: end what else uses "
                "the device."
            ) from error
        unknown = re.search(r"Could not locate \w+ '\w+'", str(error))
        if unknown:  # a class or a function of somebody's own
            raise ModelFileError(
                "What a .keras file is made of must be registered with Keras. "
                f"Received: {path} ({unknown[0]}). In Python, import the module that "
                "registers it first."
            ) from error
        raise ModelFileError(
            f"A model file must be a complete .keras file. Received: {path}, which "
            f"Keras cannot read ({first_line(error)}). Copy or export it again."
        ) from error


def as_functional(model):
    """Return the functional model of a built `keras.Sequential`, and others as is."""
    import keras

    if isinstance(model, keras.Sequential) and model.built:
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def require_whole(path: Path):
    """Refuse a model without content, or one that its export's card tells apart.

    Raises:
        ModelFileError: If there is no such file, or its SHA-256 is another.
    """
    if not path.is_dir():
        require_file(path)
    beside = card_beside(path)
    if beside:
        require_unchanged(path, *beside)


def require_file(path: Path):
    """Refuse a path that is not a file with content, or may not be read."""
    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    if not path.stat().st_size:
        raise ModelFileError(f"The model file {path} is empty. Export it again.")
    if not os.access(path, os.R_OK):
        raise ModelFileError(f"The model file {path} may not be read by this user.")
