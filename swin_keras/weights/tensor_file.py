"""Opens a file of named tensors, whatever it is called: its first bytes tell."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from swin_keras.errors import WeightsError

KERAS_KINDS = ("zip", "hdf5")
_AGAIN = "Fetch it again"
_NOT_WEIGHTS = {
    b"<": f"a web page, saved under this name. {_AGAIN} with the link of the file",
    b"version https://git-lfs": f"a pointer of Git LFS. {_AGAIN} with `git lfs pull`",
    b"\x1f\x8b": "a gzip archive. Unpack it first",
}


@dataclass(frozen=True)
class StoredTensor:
    """Shape and dtype of a tensor in a file, and the way to its numbers.

    Args:
        shape: Its shape.
        dtype: NumPy's name of its dtype, such as `"float32"` or `"bfloat16"`.
        read: Returns the array; nothing is read before.
    """

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]


def open_tensor_file(path, patches=None) -> dict[str, StoredTensor]:
    """List the tensors of a `.safetensors`, `.pth`, `.bin`, `.keras` or `.h5` file.

    Args:
        path: The file; its name does not matter.
        patches: See `list_keras`.

    Returns:
        Shape, dtype and reader of each tensor, by name.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    # All import this module.
    from swin_keras.weights.keras_file import list_keras
    from swin_keras.weights.safetensors_file import list_safetensors
    from swin_keras.weights.torch_file import list_torch_legacy, list_torch_zip

    kind = file_kind(path)
    readers = {
        "safetensors": list_safetensors,
        "torch": list_torch_zip,
        "torch_legacy": list_torch_legacy,
        **dict.fromkeys(KERAS_KINDS, partial(list_keras, patches=patches)),
    }
    if kind not in readers:
        raise WeightsError(
            f"{path} must be a .safetensors, .pth or .bin file of tensors, or weights "
            f"that Keras wrote. It is {_describe(path)}."
        )
    with damaged_file(path):
        tensors = readers[kind](Path(path))
    if not tensors:
        raise WeightsError(f"{path} holds no tensors. It has no model in it.")
    return tensors


def file_kind(path) -> str:
    """Tell from a file's first bytes what it is.

    Returns:
        `"safetensors"`, `"torch"` (a zip, since 2020), `"torch_legacy"`,
        `"hdf5"`, `"zip"` (such as a `.keras` file) or `"unknown"`.

    Raises:
        WeightsError: If the file cannot be read.
    """
    start = _start(path)
    if start[:4] == b"\x89HDF":
        return "hdf5"
    if start[:4] == b"PK\x03\x04":
        # torch writes its pickle first, Keras a metadata.json.
        return "torch" if b"data.pkl" in start else "zip"
    if start[8:9] == b"{":
        return "safetensors"
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return "torch_legacy"
    return "unknown"


@contextlib.contextmanager
def damaged_file(path):
    """Turn whatever goes wrong in reading a hostile file into one kind of error."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from error
    except Exception as error:
        raise WeightsError(
            f"{path} is damaged ({type(error).__name__}: {str(error)[:200]}). {_AGAIN}."
        ) from error


def _start(path) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(256)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror}. Check the path."
        ) from error


def _describe(path) -> str:
    start = _start(path).lstrip()
    for beginning, words in _NOT_WEIGHTS.items():
        if start.startswith(beginning):
            return words
    return "neither" if start else f"an empty file. {_AGAIN}"
