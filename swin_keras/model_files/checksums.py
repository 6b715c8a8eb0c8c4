"""The files of an export are compared with the SHA-256 in its card."""

import hashlib
from pathlib import Path

from swin_keras.errors import ModelFileError
from swin_keras.model_files.card import ModelCard


def require_unchanged(path: Path, card: ModelCard, card_path: Path):
    """Refuse a file of an export that is not what was exported.

    Args:
        path: The file, or a SavedModel's folder.
        card: The card of the export; files that it does not list are not compared.
        card_path: Where the card lies, in the export's folder.

    Raises:
        ModelFileError: That names the file which is missing or differs.
    """
    for name, listed in listed_files(path, card, card_path).items():
        file = card_path.parent / name
        problem = _problem(file, listed)
        if problem:
            raise ModelFileError(
                f"A file of an export must be as {card_path} lists it. Received: "
                f"{file}, which {problem}. Copy or export it again."
            )


def listed_files(path: Path, card: ModelCard, card_path: Path) -> dict:
    """Return what a card lists of a file, or of the files in a folder, by name."""
    name = path.absolute().relative_to(card_path.absolute().parent).as_posix()
    return {
        key: value
        for key, value in card.files.items()
        if key == name or key.startswith(f"{name}/")
    }


def _problem(file, listed):
    if not file.is_file():
        return "is missing"
    if file.stat().st_size != listed["bytes"]:
        return f"has {file.stat().st_size:,} bytes instead of {listed['bytes']:,}"
    with open(file, "rb") as content:
        if hashlib.file_digest(content, "sha256").hexdigest() != listed["sha256"]:
            return "has another SHA-256: it is damaged, or was replaced"
    return None
