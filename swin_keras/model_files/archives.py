"""Zips from outside, read within limits.

A few bytes of a zip, or of the HDF5 file in it, can stand for gigabytes: what
they declare is looked at before anything is read.
"""

import contextlib
import io
import math
import shutil
import struct
import threading
import zipfile
from pathlib import Path

MAX_DIRECTORY = 4 << 20  # bytes: our own files' directories take a few hundred
MAX_EXPANSION = 10  # bytes declared for each byte stored: weights hardly shrink
FREE = 64 << 20  # bytes that may be declared whatever is stored
WEIGHTS = "model.weights.h5"
BYTES = 4  # of a weight
PIECE = 1 << 20  # bytes that are unpacked at a time
_ONE_AT_A_TIME = threading.RLock()
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others unpack without a bound


def read_member(path: Path, name: str, most: int) -> bytes | None:
    """Read one member of a zip; `None` if it has none of that name.

    Args:
        path: The zip, which may begin with something else.
        name: The member.
        most: Bytes that it may have.

    Raises:
        ValueError: If it declares more, or is packed as nobody packs it.
        Exception: One of a dozen kinds, if the zip is damaged.
    """
    with _open(path) as archive:
        if name not in archive.namelist():
            return None
        info = archive.getinfo(name)
        _require_plain(info)
        if info.file_size > most:
            raise ValueError(
                f"{name} declares {info.file_size:,} bytes, at most {most:,} are read"
            )
        return archive.read(info)


@contextlib.contextmanager
def bounded_layers(path: Path):
    """Refuse layers that declare far more weights than a `.keras` file stores.

    Keras makes the variables that a configuration asks for, and only then looks for
    their values.

    Raises:
        ValueError: In the layer that is too much, before its variable is made.
    """
    import keras

    stored = path.stat().st_size
    declared, thread, add = 0, threading.get_ident(), keras.layers.Layer.add_weight

    def counted(self, shape=None, *rest, **options):
        nonlocal declared
        if threading.get_ident() == thread:
            declared += BYTES * math.prod(shape or ())
            _require_likely(f"the layer {self.name}", declared, stored)
        return add(self, shape, *rest, **options)

    with _ONE_AT_A_TIME:
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add


def require_bounded(path: Path):
    """Refuse a `.keras` file that would unpack to far more than it holds.

    Raises:
        ValueError: That says what it declares.
        Exception: One of a dozen kinds, if the zip is damaged.
    """
    stored = path.stat().st_size
    with _open(path) as archive:
        members = archive.infolist()
        for info in members:
            _require_plain(info)
        _require_likely("it", sum(info.file_size for info in members), stored)
        if WEIGHTS in archive.namelist():
            _require_bounded_weights(archive, archive.getinfo(WEIGHTS))


@contextlib.contextmanager
def _open(path):
    with _SmallReads(path) as file, zipfile.ZipFile(file) as archive:
        yield archive


class _SmallReads(io.FileIO):
    """A file that refuses to be read in one large piece, such as a directory."""

    def read(self, size=-1):
        if size > MAX_DIRECTORY:
            raise ValueError(f"it would read {size:,} bytes of a zip at once")
        return super().read(size)


def _require_plain(info):
    if info.compress_type not in PLAIN:
        raise ValueError(f"{info.filename} is packed in another way than by deflate")


def _require_likely(what, declared, stored):
    if declared > FREE + MAX_EXPANSION * stored:
        raise ValueError(f"{what} declares {declared:,} bytes and holds {stored:,}")


def _require_bounded_weights(archive, info):
    """Refuse HDF5 arrays that declare far more than is stored."""
    import h5py

    if info.compress_type == zipfile.ZIP_STORED:
        content = _Window(archive.fp, info)
    else:
        content = io.BytesIO()
        with archive.open(info) as packed:
            shutil.copyfileobj(packed, content, PIECE)

    def check(name, found):
        if isinstance(found, h5py.Dataset):
            declared = math.prod(found.shape or (0,)) * found.dtype.itemsize
            _require_likely(name, declared, found.id.get_storage_size())

    with h5py.File(content, "r") as weights:
        weights.visititems(check)


class _Window(io.RawIOBase):
    """A member that is stored as it is, read where it lies."""

    def __init__(self, file, info):
        file.seek(info.header_offset)
        header = struct.unpack("<26x2H", file.read(30))
        self._file = file
        self._start = info.header_offset + 30 + sum(header)
        self._size, self._place = info.file_size, 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=io.SEEK_SET):
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}
        self._place = base[whence] + offset
        return self._place

    def readinto(self, buffer):
        self._file.seek(self._start + self._place)
        count = self._file.readinto(
            memoryview(buffer)[: max(0, self._size - self._place)]
        )
        self._place += count
        return count
