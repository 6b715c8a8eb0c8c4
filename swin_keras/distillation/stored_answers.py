"""A teacher's answers on disk: computed once, read in every run that asks the same."""

import contextlib
import hashlib
import json
import logging
import os
import zlib

import numpy as np

from swin_keras.files import expanded

log = logging.getLogger(__name__)
DTYPE = np.dtype("<f2")  # of logits; also of those that are not stored
CHECKSUM = 4  # bytes before each record


class StoredAnswers:
    """The answers about each step of a run, in one file a shard.

    A record is a checksum and the logits of a step's images. One that is not there,
    that a killed process left unfinished, or that is about other images is computed
    anew; it comes out the same, so processes may share a folder.

    Args:
        folder: Where to keep them, for any number of teachers and data sets.
        about: What the answers depend on, as JSON values: each its own folder.
        shape: `(rows, classes)` of a step's answers.
        shard: Number of the shard.
        shard_count: Their number.
    """

    def __init__(self, folder, about: dict, shape, shard: int = 0, shard_count=1):
        text = json.dumps(about, sort_keys=True, indent=1)
        key = hashlib.sha256(text.encode()).hexdigest()[:16]
        self.folder = expanded(folder) / key
        self.shape = tuple(shape)
        self.path = self.folder / f"answers-{shard}-of-{shard_count}.bin"
        self._about = text
        self._size = CHECKSUM + int(np.prod(self.shape)) * DTYPE.itemsize
        self._is_full = False

    def answers(self, step: int, images, compute):
        """Return a step's answers, float16 `(rows, classes)`: stored, or computed.

        Args:
            step: Counted from the first epoch.
            images: What they are about. Files may change while names and sizes stay.
            compute: Called with the images where they are not stored.
        """
        asked = zlib.crc32(np.ascontiguousarray(images))
        stored = self._read(step, asked)
        if stored is None:
            stored = np.ascontiguousarray(compute(images), DTYPE).reshape(self.shape)
            self._write(step, asked, stored.tobytes())
        return stored

    def _read(self, step, asked):
        try:
            with open(self.path, "rb") as file:
                file.seek(step * self._size)
                record = file.read(self._size)
        except OSError:  # there is none, or it cannot be read: computed anew
            return None
        checksum, values = record[:CHECKSUM], record[CHECKSUM:]
        if len(record) < self._size or _checksum(values, asked) != checksum:
            return None
        return np.frombuffer(values, DTYPE).reshape(self.shape)

    def _write(self, step, asked, values):
        if self._is_full:
            return
        try:
            self._begin()
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                record = _checksum(values, asked) + values
                os.pwrite(file, record, step * self._size)
            finally:
                os.close(file)
        except OSError as error:
            self._is_full = True  # training needs them, but not on disk
            log.warning(
                "The teacher's answers are no longer stored in %s (%s): they are "
                "computed in each run.",
                self.folder,
                error.strerror,
            )

    def _begin(self):
        """Make the folder, and say for people what is in it; others may do so now."""
        if self.path.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with (
            contextlib.suppress(FileExistsError),
            open(self.folder / "about.json", "x", encoding="utf-8") as file,
        ):
            file.write(self._about)


def bytes_needed(rows: int, classes: int) -> int:
    """Return the size on disk of the answers about so many images."""
    return rows * classes * DTYPE.itemsize


def _checksum(values: bytes, asked: int) -> bytes:
    """Return a checksum of answers that begins with that of what they are about."""
    return zlib.crc32(values, asked).to_bytes(CHECKSUM, "little")
