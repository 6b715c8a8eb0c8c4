"""What is written beside the graph of an ONNX file, read without ONNX's library.

The file is one message of Protocol Buffers, a `ModelProto`: fields one after the
other, each with a tag before it. Metadata are its fields of number 14, each a message
of a key, number 1, and a value, number 2 (onnx.proto of the ONNX project).
"""

import io
import os

METADATA, KEY, VALUE = 14, 1, 2
VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # how a field is written
MAX_FIELDS = 100_000  # of a file; a model has a few, and one of each function


def read_metadata(path, key: str, max_bytes: int) -> bytes | None:
    """Return a value of an ONNX file's metadata, or `None` if it has none.

    Nor is there one in a file that is damaged, or none of ONNX: who runs it is told.

    Args:
        path: The file.
        key: The value's name.
        max_bytes: Of the value; a longer one is not read.
    """
    with open(path, "rb") as file:
        left = os.fstat(file.fileno()).st_size
        for number, content in _fields(file, left, max_bytes, {METADATA}):
            if number == METADATA and content is not None:
                entry = dict(_fields(io.BytesIO(content), len(content), max_bytes))
                if entry.get(KEY) == key.encode():
                    return entry.get(VALUE, b"")
    return None


def _fields(file, size, max_bytes, wanted=(KEY, VALUE)):
    """Yield number and content of each field; `None` for one that is not wanted."""
    for _ in range(MAX_FIELDS):
        tag = _varint(file)
        if tag is None:
            return
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            length = 0 if _varint(file) is not None else size
        elif kind == BYTES:
            length = _varint(file)
        else:
            length = {FIXED_64: 8, FIXED_32: 4}.get(kind)
        if length is None or length > size - file.tell():
            return  # it is cut off, or something else
        if number in wanted and kind == BYTES and length <= max_bytes:
            yield number, file.read(length)
        else:
            file.seek(length, os.SEEK_CUR)
            yield number, None


def _varint(file) -> int | None:
    """Read a number: seven bits a byte, the lowest first; `None` at the end."""
    value = 0
    for shift in range(0, 64, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
