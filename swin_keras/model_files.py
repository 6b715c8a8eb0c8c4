"""Model files on disk: written whole or not at all, with their card inside."""

import json
import os
import zipfile
from pathlib import Path

from swin_keras.card import ModelCard
from swin_keras.errors import ModelFileError

CARD = "card.json"
CARD_IN_ZIP = "swin_keras_card.json"


def save_keras(model, path, card: ModelCard):
    """Write a model and its card to a `.keras` file.

    The file appears under its name only when it is complete, so that a run
    which is killed while it saves keeps the previous one.
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}.part.keras")
    model.save(part)
    embed_card(part, card)
    replace_file(part, path)


def load_keras(path):
    """Load a `.keras` file for inference.

    Raises:
        ModelFileError: If it is missing, damaged or no Keras model.
    """
    import keras

    import swin_keras.layers  # noqa: F401  registers what the file names

    path = Path(path)
    require_file(path)
    if not zipfile.is_zipfile(path):
        raise ModelFileError(
            f"A model file must be a complete .keras file. Received: {path}, which is "
            "cut off or of another kind. Copy or export it again."
        )
    try:
        return keras.models.load_model(path, compile=False)
    except Exception as error:
        raise ModelFileError(
            f"A model file must be a complete .keras file. Received: {path}, which "
            f"Keras cannot read ({_first_line(error)}). Copy or export it again."
        ) from error


def embed_card(path, card: ModelCard):
    """Append a card to a `.keras` file (a zip) or a `.tflite` file.

    LiteRT reads a model from the front of a file and a zip is found from its
    end, so the card can ride along, as MediaPipe's label files do.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_IN_ZIP, card.to_json())


def read_card(path) -> ModelCard | None:
    """Read the card of a model file or folder; `None` if it has none."""
    path = Path(path)
    beside = path.with_name(CARD)
    if path.suffix == ".onnx" and beside.is_file():  # nothing can ride along in it
        return _parse_card(beside.read_text("utf-8"), beside)
    for inside in (CARD, f"assets.extra/{CARD}"):
        if (path / inside).is_file():
            return _parse_card((path / inside).read_text("utf-8"), path)
    if path.is_file() and zipfile.is_zipfile(path):
        text = _read_member(path, CARD_IN_ZIP)
        return _parse_card(text, path) if text else None
    return None


def _read_member(path, name) -> str | None:
    try:
        with zipfile.ZipFile(path) as archive:
            if name in archive.namelist():
                return archive.read(name).decode("utf-8")
    except Exception as error:  # a damaged zip raises one of a dozen kinds
        raise _unreadable_card(path, error) from error
    return None


def _parse_card(text, path):
    try:
        return ModelCard.from_json(text)
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise _unreadable_card(path, error) from error


def _unreadable_card(path, error) -> ModelFileError:
    return ModelFileError(
        f"The card in {path} must be the JSON that this package wrote "
        f"({_first_line(error)}). Export the model again."
    )


def require_file(path: Path):
    """Refuse a path that is no file with content."""
    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    if not path.stat().st_size:
        raise ModelFileError(f"The model file {path} is empty. Export it again.")


def write_text(path: Path, text: str):
    """Write a text file whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, "utf-8")
    replace_file(part, path)


def replace_file(part: Path, path: Path):
    """Flush a finished file to disk and give it its name."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def _first_line(error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
