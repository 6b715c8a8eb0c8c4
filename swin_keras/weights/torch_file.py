"""Reads `.pth` and `.bin` files, as `torch.save` writes them, without torch.

Since 2020 they are zip archives: a pickle that names the tensors, and one
uncompressed member for each storage. Before, and in files published by detection
libraries to this day, pickles and storages simply follow one another.
"""

import io
import zipfile
from functools import partial
from pathlib import Path

import ml_dtypes  # noqa: F401 - gives NumPy its bfloat16
import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.weights.pickle_machine import Storage, TensorView, read_pickle
from swin_keras.weights.tensor_file import StoredTensor

_LARGEST_PICKLE = 16 * 2**20  # bytes; that of Swin-L has 0.1 MB
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_STATE_KEYS = ("model", "state_dict", "model_state_dict", "module")


def list_torch_zip(path: Path) -> dict[str, StoredTensor]:
    """List the tensors of a zip archive; only its pickle is read."""
    archive = zipfile.ZipFile(path)
    members = {member.filename: member for member in archive.infolist()}
    if any(member.compress_type != zipfile.ZIP_STORED for member in members.values()):
        raise WeightsError("it is compressed, which torch never does. Get it again")
    pickle = next(name for name in members if name.endswith("data.pkl"))
    if members[pickle].file_size > _LARGEST_PICKLE:
        raise WeightsError("its pickle is too large for one that only names tensors")
    root = pickle.removesuffix("data.pkl")
    if f"{root}byteorder" in members:
        _check_byte_order(archive.read(f"{root}byteorder") == b"little")

    views = _named_tensors(read_pickle(io.BytesIO(archive.read(pickle))))
    for view in views.values():
        stored = members[f"{root}data/{view.storage.key}"].file_size
        _check_size(view.storage, stored)

    def read(view):
        return _as_array(archive.read(f"{root}data/{view.storage.key}"), view)

    return _stored(views, read)


def list_torch_legacy(path: Path) -> dict[str, StoredTensor]:
    """List the tensors of a file from before zip archives."""
    storages, starts = {}, {}
    with path.open("rb") as file:
        if read_pickle(file) != _LEGACY_MAGIC:
            raise WeightsError("it is a pickle, but not one that torch wrote")
        _version, system = read_pickle(file), read_pickle(file)
        _check_byte_order(system["little_endian"])
        views = _named_tensors(read_pickle(file, storages))
        end = path.stat().st_size
        for key in read_pickle(file):
            size = int.from_bytes(file.read(8), "little")
            starts[key] = file.tell()
            itemsize = np.dtype(storages[key].dtype).itemsize
            _check_size(storages[key], size * itemsize)
            _check_size(storages[key], min(size * itemsize, end - file.tell()))
            file.seek(size * itemsize, 1)
    if missing := {view.storage.key for view in views.values()} - starts.keys():
        raise WeightsError(f"the numbers of {len(missing)} tensors are not in it")

    def read(view):
        with path.open("rb") as file:
            file.seek(starts[view.storage.key])
            return _as_array(file.read(_num_bytes(view.storage)), view)

    return _stored(views, read)


def _named_tensors(saved) -> dict[str, TensorView]:
    """Find the state dict in what was saved: itself, or under a usual key."""
    for key in _STATE_KEYS:
        if isinstance(saved, dict) and isinstance(saved.get(key), dict):
            saved = saved[key]
            break
    if not isinstance(saved, dict):
        raise WeightsError("it holds no dictionary of tensors. Save the state dict")
    return {
        str(name): value
        for name, value in saved.items()
        if isinstance(value, TensorView)
    }


def _stored(views, read):
    return {
        name: StoredTensor(view.shape, view.storage.dtype, partial(read, view))
        for name, view in views.items()
    }


def _as_array(data: bytes, view: TensorView) -> np.ndarray:
    numbers = np.frombuffer(data, view.storage.dtype)[view.offset :]
    strides = [stride * numbers.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(numbers, view.shape, strides).copy()


def _num_bytes(storage: Storage) -> int:
    return storage.size * np.dtype(storage.dtype).itemsize


def _check_size(storage: Storage, stored: int):
    if stored != _num_bytes(storage):
        raise WeightsError(
            f"a tensor needs {_num_bytes(storage)} bytes and the file has {stored} for "
            "it. Get it again"
        )


def _check_byte_order(is_little):
    if not is_little:
        raise WeightsError("its numbers are big-endian. Save it on another machine")
