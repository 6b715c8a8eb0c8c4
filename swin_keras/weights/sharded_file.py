"""Reads a model in several files, as Hugging Face splits one that is large."""

import json
from pathlib import Path

from swin_keras.errors import WeightsError
from swin_keras.names import check_name
from swin_keras.weights.tensor_file import StoredTensor, file_kind, open_tensor_file

_LARGEST_INDEX = 4 * 2**20  # bytes
_MAX_FILES = 100


def list_shards(path: Path) -> dict[str, StoredTensor]:
    """List the tensors of all files that an index names.

    The files lie beside the index: it names them, but not where they are.

    Args:
        path: The index: `model.safetensors.index.json` or
            `pytorch_model.bin.index.json`.

    Raises:
        WeightsError: If a file or a tensor of the index is not there, or one is there
            that is not in the index.
    """
    index, tensors = read_index(path), {}
    for name in sorted(set(index.values())):
        part = path.with_name(name)
        _check_part(part)
        found = open_tensor_file(part)
        if found.keys() != {tensor for tensor in index if index[tensor] == name}:
            raise WeightsError(
                f"{name} has other tensors than it says. Get all files of it again"
            )
        tensors |= found
    return tensors


def read_index(path: Path) -> dict[str, str]:
    """Return tensor -> name of the file that holds it, which lies beside the index.

    Raises:
        WeightsError: If it names no files, or too many.
    """
    if path.stat().st_size > _LARGEST_INDEX:
        raise WeightsError("it is too large for the index of a model")
    index = json.loads(path.read_text("utf-8"))["weight_map"]
    names = set(index.values())
    if len(names) > _MAX_FILES:
        raise WeightsError(f"it names {len(names)} files, which no model has")
    for name in names:
        check_name(name, "A file in an index", WeightsError)
    return index


def _check_part(part):
    from swin_keras.weights.source import check_sha256  # which imports `tensor_file`

    if file_kind(part) not in ("safetensors", "torch", "torch_legacy"):
        raise WeightsError(f"{part.name} beside it is not a file of tensors")
    check_sha256(part)
