"""Runs of bytes in files of strangers: bounded, inside the file, of their checksum."""

import stat
import zlib
from dataclasses import dataclass
from pathlib import Path

from swin_keras.errors import WeightsError

_PIECE = 2**20  # bytes
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

    def read(self, path: Path, start: int = 0, size: int | None = None) -> bytes:
        """Read them, or `size` of them from `start` on.

        Raises:
            WeightsError: If they reach beyond the run, or the file has become shorter.
        """
        size = self.size - start if size is None else size
        if not 0 <= start <= start + size <= self.size:
            raise WeightsError("a tensor reaches beyond its bytes. Download it again")
        with path.open("rb") as file:
            file.seek(self.start + start)
            data = file.read(size)
        if len(data) != size:
            raise WeightsError("it ends too early. Download it again")
        return data

    def check(self, path: Path) -> None:
        """Compare all of them with the CRC-32, piece by piece.

        Raises:
            WeightsError: If it differs.
        """
        if self.crc is None:
            return
        crc = 0
        for start in range(0, self.size, _PIECE):
            piece = self.read(path, start, min(_PIECE, self.size - start))
            crc = zlib.crc32(piece, crc)
        if crc != self.crc:
            raise WeightsError(
                "its CRC-32 is not that of its numbers. Download it again"
            )


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
            raise WeightsError(
                "two of its tensors lie in the same bytes. Download it again"
            )
        last = run.start + run.size
    if last > end:
        raise WeightsError("it ends too early. Download it again")


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
