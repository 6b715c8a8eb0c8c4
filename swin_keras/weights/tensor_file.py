"""Opens a file of named tensors, whatever it is called: by its first bytes."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.names import is_printable, printable
from swin_keras.weights.byte_runs import check_regular

KERAS_KINDS = ("zip", "hdf5")
_AGAIN = "Fetch it again"
_LONGEST_NAME = 500
_TORCH_KINDS = ("torch", "torch_legacy")
_NOT_WEIGHTS = {
    b"<": f"a web page, saved under this name. {_AGAIN} with the link of the file",
    b"version https://git-lfs": f"a pointer of Git LFS. {_AGAIN} with `git lfs pull`",
    b"\x1f\x8b": "a gzip archive. Unpack it first",
    b"\xfd7zXZ": "an xz archive. Unpack it first",
    b"Rar!": "a rar archive. Unpack it first",
    b"7z\xbc\xaf": "a 7z archive. Unpack it first",
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


def open_tensor_file(
    path, patches=None, key: str | None = None
) -> dict[str, StoredTensor]:
    """List the tensors of a file of weights, or of an index of several.

    Args:
        path: A `.safetensors`, `.pth`, `.bin`, `.keras` or `.h5` file, or an index;
            its name does not matter.
        patches: See `list_keras`.
        key: Which of several sets of weights in it, such as `"model_ema"`.

    Returns:
        Shape, dtype and reader of each tensor, by name.

    Raises:
        WeightsError: If the file is missing, damaged or of another kind.
    """
    # All import this module.
    from swin_keras.weights.keras_file import list_keras
    from swin_keras.weights.safetensors_file import list_safetensors
    from swin_keras.weights.sharded_file import list_shards
    from swin_keras.weights.torch_file import list_tensors

    kind = file_kind(path)
    readers = {
        "safetensors": list_safetensors,
        "index": list_shards,
        **dict.fromkeys(
            _TORCH_KINDS, lambda path: list_tensors(_open_torch(path), key)
        ),
        **dict.fromkeys(KERAS_KINDS, partial(list_keras, patches=patches)),
    }
    if kind not in readers:
        raise WeightsError(
            f"{path} must be a .safetensors, .pth or .bin file of tensors, or weights "
            f"that Keras wrote. It is {_describe(path)}."
        )
    if key is not None and kind not in _TORCH_KINDS:
        raise WeightsError(f"{path} holds one set of weights: leave out {key=}.")
    with damaged_file(path):
        tensors = readers[kind](Path(path))
        for name in tensors:
            if len(name) > _LONGEST_NAME or not is_printable(name):
                raise WeightsError(f"{printable(name)[:80]!r} cannot name a tensor")
    if not tensors:
        raise WeightsError(f"{path} holds no tensors. It has no model in it.")
    return tensors


def weight_keys(path) -> list[str]:
    """List where in a `.pth` file weights are, for `key=`, the ones to take first.

    Other files hold one set of weights, and the list is empty.
    """
    from swin_keras.weights.state_dicts import state_dict_keys

    if file_kind(path) not in _TORCH_KINDS:
        return []
    with damaged_file(path):
        return state_dict_keys(_open_torch(path).content)


def _open_torch(path):
    from swin_keras.weights.torch_file import open_torch_legacy, open_torch_zip

    is_zip = file_kind(path) == "torch"
    return (open_torch_zip if is_zip else open_torch_legacy)(Path(path))


def file_kind(path) -> str:
    """Return what a file is, by its first bytes.

    Returns:
        `"safetensors"`, `"torch"` (a zip, since 2020), `"torch_legacy"`, `"index"`
        (of a model in several files), `"hdf5"`, `"zip"` (such as a `.keras` file) or
        `"unknown"`.

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
    if start[:1] == b"{" and str(path).endswith(".index.json"):
        return "index"
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
            f"{path} is damaged ({type(error).__name__}: {printable(error)[:200]}). "
            f"{_AGAIN}."
        ) from error


def _start(path) -> bytes:
    check_regular(path)
    try:
        with Path(path).open("rb") as file:
            return file.read(512)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read: {error.strerror}. Check the path."
        ) from error


def _describe(path) -> str:
    start = _start(path)
    if start[257:262] == b"ustar":
        return "a tar archive. Unpack it first"
    start = start.lstrip()
    for beginning, words in _NOT_WEIGHTS.items():
        if start.startswith(beginning):
            return words
    return "neither" if start else f"an empty file. {_AGAIN}"
