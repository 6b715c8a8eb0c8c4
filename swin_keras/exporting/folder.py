"""An export's folder appears whole, or not at all, and takes nothing of others.

It is made beside its target, in a hidden folder that stays locked as long as its
process lives: the next export clears away what dead ones left.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from swin_keras.errors import SwinKerasError, UsageError
from swin_keras.exchange import exchange, rename_new
from swin_keras.model_files import CARD, read_card

PREFIX, SUFFIX = ".export-", ".swin-keras"
REPLACED = ".replaced"  # no export's name
OWN = {CARD, "README.md", "labels.txt"}  # which older cards do not list


@contextlib.contextmanager
def new_export(target: Path, overwrite: bool):
    """Give a new folder to fill, which becomes `target` at the end.

    An error within the context leaves nothing behind. What is at the target is
    replaced only if it is an export, was there from the beginning, and may be;
    whatever else appears there meanwhile stays.

    Args:
        target: Where the export goes.
        overwrite: Whether it may replace an earlier one.

    Raises:
        UsageError: If the target is taken: at the beginning or at the end.
    """
    before = _require_free(target, overwrite)
    with _parents(target.parent), _workplace(target.parent) as place:
        folder = place / target.name
        folder.mkdir()
        yield folder
        _put_in_place(folder, target, before)


def _require_free(target: Path, overwrite: bool):
    """Return the identity of the export that will be replaced; `None` without.

    Raises:
        UsageError: If the target may not be replaced.
    """
    if not os.path.lexists(target):
        return None
    if not overwrite:
        raise UsageError(
            f"An export must have a name of its own, and {target} exists. "
            "Choose another --name, or replace it with --overwrite."
        )
    if stranger := _what_is_not_ours(target):
        raise UsageError(
            "--overwrite replaces an earlier export and nothing else. "
            f"{target} {stranger}. Choose another --name, or move it away."
        )
    return _identity(target)


def _what_is_not_ours(target: Path) -> str | None:
    """Return in words why a path is no export of this package; `None` if it is."""
    if target.is_symlink() or not target.is_dir():
        return "is a link or a file"
    try:
        card = read_card(target) if (target / CARD).is_file() else None
    except SwinKerasError:
        card = None
    if not card:
        return "does not hold an export's card.json"
    files = [path for path in target.rglob("*") if not path.is_dir()]
    names = {path.relative_to(target).as_posix() for path in files}
    listed = card.files if isinstance(card.files, dict) else {}
    others = sorted(names - OWN - listed.keys())
    return f"also holds {', '.join(others[:3])}" if others else None


def _identity(path: Path):
    """Return what tells one folder from another that comes to bear its name."""
    about = path.lstat()
    return about.st_dev, about.st_ino, about.st_mtime_ns


def _put_in_place(folder: Path, target: Path, before):
    if before is None:
        try:
            return rename_new(folder, target)
        except FileExistsError:
            raise _taken(target) from None
    if not os.path.lexists(target):  # somebody took the old one away
        return _put_in_place(folder, target, None)
    if _identity(target) != before or _what_is_not_ours(target):
        raise _taken(target)
    if not exchange(folder, target):
        _replace_in_two_steps(folder, target)
    elif _identity(folder) != before:  # it came between the look and the exchange
        exchange(folder, target)
        raise _taken(target)
    return None


def _taken(target):
    return UsageError(
        f"{target} appeared or changed while the export was made, perhaps by another "
        "export, and is kept. Export again under another --name."
    )


def _replace_in_two_steps(folder: Path, target: Path):
    """Replace a folder where the system cannot exchange two.

    A process that dies in between leaves both, and `_clear_leftovers` puts the
    new one in place.
    """
    old = folder.with_name(REPLACED)
    os.rename(target, old)
    try:
        rename_new(folder, target)
    except OSError:
        os.rename(old, target)
        raise


@contextlib.contextmanager
def _parents(folder: Path):
    """Make a folder with its parents; after an error, take the new ones away."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for path in new:
            with contextlib.suppress(OSError):  # not there, or in use
                path.rmdir()
        raise


@contextlib.contextmanager
def _workplace(parent: Path):
    """Make a locked folder for the time of the context, and clear dead ones."""
    _clear_leftovers(parent)
    place, lock = _locked_folder(parent)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(lock)


def _locked_folder(parent):
    while True:
        place = Path(tempfile.mkdtemp(SUFFIX, PREFIX, parent))
        try:
            lock = os.open(place, os.O_RDONLY)
        except FileNotFoundError:
            continue  # another export took it for a leftover: it had no lock yet
        with contextlib.suppress(OSError):  # not every network drive has locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        if place.exists():
            return place, lock
        os.close(lock)


def _clear_leftovers(parent: Path):
    """Remove the folders of dead processes, and finish what one was about to."""
    for place in parent.glob(f"{PREFIX}*{SUFFIX}"):
        with contextlib.suppress(OSError):  # of somebody else, or gone
            lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _finish_replacement(place)
                shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(lock)


def _finish_replacement(place: Path):
    """Put a complete export in place whose process died between two renames."""
    if not (place / REPLACED).exists():
        return
    for folder in place.iterdir():
        target = place.parent / folder.name
        if folder.name != REPLACED and not os.path.lexists(target):
            rename_new(folder, target)
