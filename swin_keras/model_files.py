"""Model files on disk: written whole or not at all, with their card inside."""

import os
import zipfile
from pathlib import Path

from swin_keras.archives import bounded_layers, read_member, require_bounded
from swin_keras.card import ModelCard
from swin_keras.checksums import listed_files, require_unchanged
from swin_keras.errors import ModelFileError

CARD = "card.json"
CARD_IN_ZIP = "swin_keras_card.json"
MOST_CARD = 4 << 20  # bytes: 20,000 class names take less than one million
DECISIVE = ("class_names", "crop_fraction")  # of what is answered, and for what


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
        ModelFileError: If it is missing, damaged, no Keras model, or would unpack
            to far more than it holds.
    """
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
            return keras.models.load_model(path, compile=False)
    except Exception as error:
        raise ModelFileError(
            f"A model file must be a complete .keras file. Received: {path}, which "
            f"Keras cannot read ({first_line(error)}). Copy or export it again."
        ) from error


def embed_card(path, card: ModelCard):
    """Append a card to a `.keras` file (a zip) or a `.tflite` file.

    LiteRT reads a model from the front of a file and a zip is found from its
    end, so the card can ride along, as MediaPipe's label files do.
    """
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(CARD_IN_ZIP, card.to_json())


def read_card(path, opened: str | None = None) -> ModelCard | None:
    """Read the card of a model file or folder; `None` if it has none.

    The card inside a file is its own. One that lies beside it, in the folder of
    an export or a run, must say the same.

    Args:
        path: The file or folder.
        opened: Another path to the same file, which leads to it even when its name
            has been given to another.

    Raises:
        ModelFileError: If a card is damaged, or the two contradict each other.
    """
    path = Path(path)
    own, beside = _card_inside(path, Path(opened or path)), card_beside(path)
    if beside and not _belongs(path, *beside):
        beside = None
    if own and beside:
        _require_same(path, own, *beside)
    return own or (beside and beside[0])


def card_beside(path: Path) -> tuple[ModelCard, Path] | None:
    """Return the card in the folder of an export or a run, and where it lies."""
    is_saved_model = (path / "saved_model.pb").is_file()
    if path.is_dir() and not is_saved_model:
        return None
    folder = path.absolute().parent
    file = (folder.parent if is_saved_model else folder) / CARD
    return (_read_card_file(file), file) if file.is_file() else None


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


def _card_inside(path, opened) -> ModelCard | None:
    for inside in (CARD, f"assets.extra/{CARD}"):
        if (path / inside).is_file():
            return _read_card_file(path / inside)
    if not opened.is_file() or not zipfile.is_zipfile(opened):
        return None
    try:
        content = read_member(opened, CARD_IN_ZIP, MOST_CARD)
    except Exception as error:  # a damaged zip raises one of a dozen kinds
        raise _unreadable_card(path, error) from error
    return None if content is None else _parse_card(content, path)


def _belongs(path, card, card_path) -> bool:
    """Tell whether a card that lies beside a file is that file's."""
    if card.files:
        return bool(listed_files(path, card, card_path))
    # A run's card lists no files, nor that of an export which is being written.
    return path.name == "best.keras" or path.suffix == ".onnx"


def _require_same(path, own, beside, card_path):
    different = [
        name for name in DECISIVE if getattr(own, name) != getattr(beside, name)
    ]
    if different:
        raise ModelFileError(
            f"The card inside {path} and {card_path} must say the same. They differ in "
            f"{' and '.join(different)}. Export the model again."
        )


def _read_card_file(path) -> ModelCard:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_CARD + 1)
    except OSError as error:
        raise _unreadable_card(path, error) from error
    if len(content) > MOST_CARD:
        raise _unreadable_card(path, f"it is larger than {MOST_CARD:,} bytes")
    return _parse_card(content, path)


def _parse_card(content: bytes, path):
    try:
        return ModelCard.from_json(content.decode("utf-8"))
    except ValueError as error:  # of JSON and UTF-8, too
        raise _unreadable_card(path, error) from error


def _unreadable_card(path, error) -> ModelFileError:
    return ModelFileError(
        f"The card in {path} must be the JSON that this package wrote "
        f"({first_line(error)}). Export the model again."
    )


def require_file(path: Path):
    """Refuse a path that is no file with content, or may not be read."""
    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    if not path.stat().st_size:
        raise ModelFileError(f"The model file {path} is empty. Export it again.")
    if not os.access(path, os.R_OK):
        raise ModelFileError(f"The model file {path} may not be read by this user.")


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


def first_line(error) -> str:
    """Return what an error says, as a part of a sentence."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
