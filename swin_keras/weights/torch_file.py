"""Reads `.pth` and `.bin` files, as `torch.save` writes them, without torch.

Since 2020 they are zip archives: a pickle that names the tensors, and one
uncompressed member for each storage. Before, and in files published by detection
libraries to this day, pickles and storages simply follow one another.
"""

import io
import struct
import zipfile
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import ml_dtypes  # noqa: F401 - gives NumPy its bfloat16
import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.weights.byte_runs import BoundedReader, ByteRun, check_runs
from swin_keras.weights.pickle_machine import read_pickle
from swin_keras.weights.pickle_names import Storage, Storages, TensorView
from swin_keras.weights.state_dicts import state_dict
from swin_keras.weights.tensor_file import StoredTensor

# Bytes of all that describes tensors. Swin-L with an average and the optimizer's state
# has 0.24 MB of pickle and 0.08 MB of directory; curves of the training may add some.
_MAX_WORDS = 16 * 2**20
_LARGEST_DIRECTORY = 2 * 2**20
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True)
class SavedObject:
    """What `torch.save` wrote, without its numbers.

    Args:
        path: The file.
        content: Dictionaries of names, and of views of storages.
        storages: The storages, by key.
        runs: Where in the file the bytes of each are.
    """

    path: Path
    content: object
    storages: Storages
    runs: dict[str, ByteRun]

    def __post_init__(self):
        for name, storage in self.storages.items():
            _check_size(storage, self.runs[name].size)


def open_torch_zip(path: Path) -> SavedObject:
    """Open a zip archive; only its directory and its pickle are read."""
    members = _zip_members(path)
    pickle = next(name for name in members if name.endswith("data.pkl"))
    root = pickle.removesuffix("data.pkl")
    if any(name.startswith(f"{root}code/") for name in members):
        raise WeightsError("it is a TorchScript program. Save the state dict instead")
    if order := members.get(f"{root}byteorder"):
        _check_byte_order(order.read(path, size=min(order.size, 9)) == b"little")
    if members[pickle].size > _MAX_WORDS:
        raise WeightsError("its pickle is too large for one that only names tensors")
    members[pickle].check(path)

    storages = Storages()
    content = read_pickle(io.BytesIO(members[pickle].read(path)), storages.load)
    runs = {name: members[f"{root}data/{name}"] for name in storages}
    return SavedObject(path, content, storages, runs)


def open_torch_legacy(path: Path) -> SavedObject:
    """Open a file from before zip archives: its pickles are read, no storage."""
    storages, runs = Storages(), {}
    end = path.stat().st_size
    with path.open("rb") as file:
        words = BoundedReader(file, _MAX_WORDS)
        if read_pickle(words) != _LEGACY_MAGIC:
            raise WeightsError("it is a pickle, but not one that torch wrote")
        _version, system = read_pickle(words), read_pickle(words)
        _check_byte_order(system["little_endian"])
        content = read_pickle(words, storages.load)
        names = read_pickle(words)
        if not all(isinstance(name, str) for name in names) or (
            sorted(names) != sorted(storages)
        ):
            raise WeightsError(
                "its storages do not match its tensors. Download it again"
            )
        for name in names:
            itemsize = np.dtype(storages[name].dtype).itemsize
            size = int.from_bytes(file.read(8), "little") * itemsize
            runs[name] = ByteRun(file.tell(), min(size, end - file.tell()))
            file.seek(runs[name].size, 1)
    return SavedObject(path, content, storages, runs)


def list_tensors(saved: SavedObject, key: str | None = None) -> dict[str, StoredTensor]:
    """List the tensors of a state dict in what was saved.

    Args:
        saved: What was saved.
        key: Where the state dict is; `None` is the first of `state_dict_keys`.
    """

    @cache
    def checked_run(name):
        saved.runs[name].check(saved.path)
        return saved.runs[name]

    def read(view):
        itemsize = np.dtype(view.storage.dtype).itemsize
        part = view.offset * itemsize, view.extent * itemsize
        return _as_array(checked_run(view.storage.key).read(saved.path, *part), view)

    return {
        name: StoredTensor(view.shape, view.storage.dtype, partial(read, view))
        for name, view in state_dict(saved.content, key).items()
    }


def _zip_members(path: Path) -> dict[str, ByteRun]:
    """Find the members of an archive whose directory tells the truth."""
    runs = {}
    with path.open("rb") as file:
        members = zipfile.ZipFile(BoundedReader(file, _LARGEST_DIRECTORY)).infolist()
        for member in members:
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise WeightsError(
                    "it is compressed, which torch never does. Download it again"
                )
            file.seek(member.header_offset)
            header = struct.unpack("<4s22xHH", file.read(30))
            if header[0] != b"PK\x03\x04" or member.compress_size != member.file_size:
                raise WeightsError("its archive contradicts itself. Download it again")
            start = member.header_offset + 30 + sum(header[1:])
            runs[member.filename] = ByteRun(start, member.file_size, member.CRC)
    if len(runs) < len(members):
        raise WeightsError("its archive has two members of one name. Download it again")
    check_runs(runs.values(), path.stat().st_size)
    return runs


def _as_array(data: bytes, view: TensorView) -> np.ndarray:
    """Make an array of a view from the bytes of its extent, and no others."""
    numbers = np.frombuffer(data, view.storage.dtype)
    strides = [stride * numbers.itemsize for stride in view.strides]
    return np.lib.stride_tricks.as_strided(numbers, view.shape, strides).copy()


def _check_size(storage: Storage, stored: int):
    needed = storage.size * np.dtype(storage.dtype).itemsize
    if stored != needed:
        raise WeightsError(
            f"a tensor needs {needed} bytes and the file has {stored} for it. Get it "
            "again"
        )


def _check_byte_order(is_little):
    if is_little is not True:
        raise WeightsError("its numbers are big-endian. Save it on another machine")
