"""Checkpoints that a crash at any moment cannot spoil.

A checkpoint is a folder, `step-00001234`, of three files: `arrays.bin` (one
`.npy` record after another), `state.json`, and `manifest.json` with the size and
SHA-256 of both. It is written under another name, flushed to the disk, and
renamed when it is complete; older ones go only after that.
"""

import hashlib
import json
import logging
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.drives import flush_folder, remedy
from swin_keras.errors import ResourceError
from swin_keras.exchange import exchange

log = logging.getLogger(__name__)
ARRAYS, STATE, MANIFEST = "arrays.bin", "state.json", "manifest.json"
PREFIX, UNFINISHED = "step-", ".unfinished-"


@dataclass(frozen=True)
class RunState:
    """What a run needs to resume: arrays in a fixed order, and a JSON object."""

    step: int
    arrays: list[np.ndarray]
    state: dict


class CheckpointFolder:
    """The checkpoints of one run.

    Args:
        path: The folder; made with the first checkpoint.
        keep: Checkpoints to keep, at least 1.
    """

    def __init__(self, path, keep: int = 2):
        self.path = Path(path)
        self.keep = keep

    def save(self, checkpoint: RunState) -> Path:
        """Write a checkpoint; remove those over the number to keep, and later ones.

        Raises:
            ResourceError: If it cannot be written; earlier ones are untouched.
        """
        final = self.path / f"{PREFIX}{checkpoint.step:08d}"
        part = self.path / f"{UNFINISHED}{checkpoint.step:08d}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for left in self.path.glob(f"{UNFINISHED}*"):  # by killed processes
                shutil.rmtree(left, ignore_errors=True)
            part.mkdir()
            _write(part, checkpoint)
            # One of this step may be there, as from before an epoch's validation.
            if final.exists() and exchange(part, final):
                shutil.rmtree(part)
            else:
                shutil.rmtree(final, ignore_errors=True)
                part.rename(final)
            flush_folder(self.path)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            kept = self._paths()
            raise ResourceError(
                f"The checkpoint of step {checkpoint.step} could not be written to "
                f"{self.path}: {error.strerror or error}. {remedy(error)}, then "
                f"resume with --resume{f' from {kept[0].name}' if kept else ''}."
            ) from error
        # Later ones are damaged: the run did not resume from them.
        paths = self._paths()
        first = paths.index(final)
        for old in paths[:first] + paths[first + self.keep :]:
            shutil.rmtree(old, ignore_errors=True)
        return final

    def newest(self) -> RunState | None:
        """Return the newest checkpoint that is whole, or `None`.

        One that is damaged is named in the log, and the one before it is taken.
        """
        for path in self._paths():
            try:
                return _read(path)
            except Exception as error:  # what was damaged can fail in any way
                reason = str(error) or type(error).__name__
                log.warning("checkpoint %s is damaged and left out: %s", path, reason)
        return None

    def _paths(self):
        """Return the finished checkpoints, newest first."""
        found = {
            int(path.name.removeprefix(PREFIX)): path
            for path in self.path.glob(f"{PREFIX}*")
            if re.fullmatch(r"[0-9]+", path.name.removeprefix(PREFIX))
        }
        return [found[step] for step in sorted(found, reverse=True)]


def _write(folder, checkpoint):
    manifest = {}
    with _Recorder(folder / ARRAYS) as file:
        for array in checkpoint.arrays:
            np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
    manifest[ARRAYS] = file.facts
    state = {
        "step": checkpoint.step,
        "arrays": len(checkpoint.arrays),
        "state": checkpoint.state,
    }
    with _Recorder(folder / STATE) as file:
        file.write(json.dumps(state).encode())
    manifest[STATE] = file.facts
    with _Recorder(folder / MANIFEST) as file:
        file.write(json.dumps(manifest, indent=2).encode())
    flush_folder(folder)


def _read(folder):
    for name in (MANIFEST, ARRAYS, STATE):
        if not (folder / name).is_file():  # a pipe would be waited for
            raise ValueError(f"{name} is missing, or no file")
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    for name in (ARRAYS, STATE):
        with open(folder / name, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != manifest[name]["sha256"]:
            raise ValueError(f"{name} is not what was written")
    content = json.loads((folder / STATE).read_text("utf-8"))
    with open(folder / ARRAYS, "rb") as file:
        arrays = [
            np.lib.format.read_array(file, allow_pickle=False)
            for _ in range(content["arrays"])
        ]
    return RunState(content["step"], arrays, content["state"])


class _Recorder:
    """A new file that is hashed while it is written, and flushed to the disk."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._file = open(self._path, "xb")
        self._hash = hashlib.sha256()
        self._size = 0
        return self

    def write(self, data):
        self._hash.update(data)
        self._size += len(data)
        return self._file.write(data)

    def __exit__(self, kind, *_):
        with self._file:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())

    @property
    def facts(self):
        return {"bytes": self._size, "sha256": self._hash.hexdigest()}
