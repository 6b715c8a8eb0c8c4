"""Files of ours: written whole or not at all; JSON that every reader takes."""

import json
import math
import os
from pathlib import Path

from swin_keras.errors import UsageError


def write_text(path: Path, text: str):
    """Write a text file whole or not at all, whoever else writes it.

    Bytes of names that are not UTF-8 are written out: `\\xe4` as `\\udce4`.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, "utf-8", errors="backslashreplace")
        replace_file(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def replace_file(part: Path, path: Path):
    """Flush a finished file to disk and give it its name."""
    with open(part, "rb+") as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def expanded(path) -> Path:
    """Return a path with a user's folder for `~`; that of no user is a name.

    Raises:
        UsageError: If it is no path, or empty, which would be the current folder.

    >>> expanded("~nobody-by-this-name/photos").as_posix()
    '~nobody-by-this-name/photos'
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise UsageError(
            "A path must be text that is not empty, or a pathlib.Path; '.' is the "
            f"current folder. Received: {path!r:.200}."
        )
    return Path(os.path.expanduser(path))


def free_path(wanted) -> Path:
    """Return the first of `wanted`, `wanted-2`, `wanted-3`, ... that does not exist."""
    path, number = Path(wanted), 2
    while path.exists():
        path, number = Path(f"{wanted}-{number}"), number + 1
    return path


def require_new_file(path: Path):
    """Refuse a file that cannot be written, before the work that it is for.

    Raises:
        UsageError: If there is no folder for it, or another file has its name.
    """
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise UsageError(
            f"A file must be written to a folder that exists. Received: {path}."
        )
    if path.is_file():  # which /dev/stdout is not
        raise UsageError(
            f"{path} exists already. Choose another: no file is overwritten."
        )


def to_json(values, indent: int | None = 2) -> str:
    """Return plain values as JSON; NaN and infinity, which JSON lacks, are null.

    >>> to_json({"loss": float("nan"), "steps": [1, 2]}, indent=None)
    '{"loss": null, "steps": [1, 2]}'
    """
    return json.dumps(_finite(values), indent=indent, allow_nan=False)


def _finite(values):
    if isinstance(values, dict):
        return {key: _finite(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [_finite(value) for value in values]
    if isinstance(values, float) and not math.isfinite(values):
        return None
    return values
