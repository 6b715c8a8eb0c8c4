"""Reads `.safetensors`: what timm and Hugging Face publish."""

from functools import partial
from pathlib import Path

import ml_dtypes  # noqa: F401 - gives NumPy its bfloat16
from safetensors import safe_open

from swin_keras.errors import WeightsError
from swin_keras.weights.tensor_file import StoredTensor

_LONGEST_HEADER = 4 * 2**20  # bytes; that of Swin-L has 0.05 MB
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "BOOL": "bool",
}


def list_safetensors(path: Path) -> dict[str, StoredTensor]:
    """List the tensors of a file; its header is checked before anything is read.

    The library refuses tensors that overlap, leave gaps, or need more bytes than the
    file has, and numbers that are not as many as their shape says.
    """
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > _LONGEST_HEADER:
            raise WeightsError("its header is too large for one of a model")
    file = safe_open(path, framework="numpy")
    tensors = {}
    for name in file.keys():  # noqa: SIM118 - not a dictionary
        header = file.get_slice(name)
        dtype = header.get_dtype()
        tensors[name] = StoredTensor(
            shape=tuple(header.get_shape()),
            dtype=_DTYPES.get(dtype, dtype),
            read=partial(file.get_tensor, name),
        )
    return tensors
