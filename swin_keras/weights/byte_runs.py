"""Runs of bytes in files of strangers: bounded, inside the file, of their checksum."""

import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from swin_keras.errors import WeightsError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_regular(path) -> None:
    """Refuse what only looks like a file: it may never answer, or never end.

    Raises:
        WeightsError: If the path is missing, a pipe, a device, a socket or a folder.
    """
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or error
        raise WeightsError(
            f"{path} cannot be read: {words}. Check the path."
        ) from error
    if not stat.S_ISREG(mode):
        kind = next((words for is_it, words in _KINDS if is_it(mode)), "something else")
        raise WeightsError(f"{path} must be a regular file. It is {kind}.")


@dataclass(frozen=True)
class ByteRun:
    """Bytes that follow one another in a file.

    Args:
        start: Where the first one is.
        size: How many there are.
        crc: Their CRC-32, if the file tells it.
    """

    start: int
    size: int
    crc: int | None = None

    def read(self, path: Path) -> bytes:
        """Read them: all of them, and no others.

        Raises:
            WeightsError: If the file has become shorter, or the CRC-32 differs.
        """
        with path.open("rb") as file:
            file.seek(self.start)
            data = file.read(self.size)
        if len(data) != self.size:
            raise WeightsError("it ends too early. Get it again")
        if self.crc not in (None, zlib.crc32(data)):
            raise WeightsError("its CRC-32 is not that of its numbers. Get it again")
        return data


def check_runs(runs, end: int) -> None:
    """Check that runs lie in a file one after the other, so that none is read twice.

    Args:
        runs: The runs, in any order.
        end: Size of the file in bytes.

    Raises:
        WeightsError: If two overlap, or one reaches beyond the end.
    """
    last = 0
    for run in sorted((run for run in runs if run.size), key=lambda run: run.start):
        if run.start < last:
            raise WeightsError("two of its tensors lie in the same bytes. Get it again")
        last = run.start + run.size
    if last > end:
        raise WeightsError("it ends too early. Get it again")


class BoundedReader:
    """A binary file of which only so many bytes are read, whatever it asks for.

    Args:
        file: The file.
        limit: How many bytes may be read in all.
    """

    def __init__(self, file, limit: int):
        self._file, self._left = file, limit
        self.seek, self.tell = file.seek, file.tell

    def read(self, size=-1) -> bytes:
        return self._count(self._file.read(self._bounded(size)))

    def readline(self) -> bytes:
        return self._count(self._file.readline(self._left + 1))

    def _bounded(self, size):
        return size if size is not None and 0 <= size <= self._left else self._left + 1

    def _count(self, data):
        self._left -= len(data)
        if self._left < 0:
            raise WeightsError(
                "what describes its tensors is far larger than that of any model"
            )
        return data
