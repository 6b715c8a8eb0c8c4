"""A model and its card, of one export, even if it is replaced meanwhile."""

from pathlib import Path

from swin_keras.errors import ModelFileError
from swin_keras.inference.model_paths import find_fastest_model
from swin_keras.inference.runtimes import open_model
from swin_keras.model_files import CARD, read_card

TRIES = 5  # to open a model whose export is being replaced


def open_with_card(path: Path, threads: int | None, trust: bool) -> tuple:
    """Return a model that runs, and its card or `None`: both of one export.

    Args:
        path: A model's file or folder, a run or an export.
        threads: See `open_model`.
        trust: See `open_model`.

    Raises:
        ModelFileError: If it is no model that can be run, or is replaced all the time.
    """
    for _ in range(TRIES):
        file = find_fastest_model(path)
        before = _state(file)
        try:
            model = open_model(file, threads, trust)
            card = read_card(file, getattr(model, "opened", None))
        except ModelFileError:
            if _state(file) == before:
                raise
            continue
        if _state(file) == before:
            return model, card
    raise ModelFileError(
        f"A model must stay the same while it is opened. Received: {path}, which was "
        f"replaced {TRIES} times meanwhile. Open it again when that is done."
    )


def _state(file: Path) -> list:
    """Return what differs once another model file or card has this name."""
    files = sorted(path for path in file.rglob("*")) if file.is_dir() else [file]
    files += [file.parent / CARD, file.parent.parent / CARD]
    found = []
    for path in files:
        try:
            stat = path.stat()
        except OSError:
            continue
        found.append(
            (str(path), stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        )
    return found
