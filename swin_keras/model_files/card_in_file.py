"""The card of a model file: inside it, and beside it in the folder of an export."""

import zipfile
from pathlib import Path

from swin_keras.errors import ModelFileError, first_line
from swin_keras.model_files.archives import read_member
from swin_keras.model_files.card import ModelCard
from swin_keras.model_files.checksums import listed_files
from swin_keras.model_files.onnx_metadata import read_metadata

CARD = "card.json"
CARD_IN_ZIP = "swin_keras_card.json"
CARD_IN_ONNX = "swin_keras_card"
MAX_CARD = 4 << 20  # bytes: 20,000 class names take less than one million
# Of what is answered, and for what.
DECISIVE = (
    "class_names",
    "task",
    "crop_fraction",
    "letter_box",
    "grey_range",
    "normalizes",
)


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


def _card_inside(path, opened) -> ModelCard | None:
    for inside in (CARD, f"assets.extra/{CARD}"):
        if (path / inside).is_file():
            return _read_card_file(path / inside)
    if not opened.is_file():
        return None
    if path.suffix == ".onnx":
        content = read_metadata(opened, CARD_IN_ONNX, MAX_CARD)
        return None if content is None else _parse_card(content, path)
    if not zipfile.is_zipfile(opened):
        return None
    try:
        content = read_member(opened, CARD_IN_ZIP, MAX_CARD)
    except Exception as error:  # a damaged zip raises one of a dozen kinds
        raise _unreadable_card(path, error) from error
    return None if content is None else _parse_card(content, path)


def _belongs(path, card, card_path) -> bool:
    """Return whether a card that lies beside a file is that file's."""
    if card.files:
        return bool(listed_files(path, card, card_path))
    # A run's card lists no files.
    return path.name == "best.keras"


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
            content = file.read(MAX_CARD + 1)
    except OSError as error:
        raise _unreadable_card(path, error) from error
    if len(content) > MAX_CARD:
        raise _unreadable_card(path, f"it is larger than {MAX_CARD:,} bytes")
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
