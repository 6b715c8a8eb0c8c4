"""The names that a pickle of tensors may use, and what stands for each here."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from swin_keras.errors import WeightsError
from swin_keras.names import printable

_LARGEST = 2**62
_MAX_AXES = 64


class _Inert:
    """What no tensors need, and does nothing: settings, sets, NumPy's arrays."""

    def __repr__(self):
        return "INERT"


INERT = _Inert()


@dataclass(frozen=True)
class StandIn:
    """A function of this file, called in place of the one that a pickle names."""

    name: str
    call: Callable


@dataclass(frozen=True)
class Storage:
    """A run of numbers in the file: its key, dtype and how many there are."""

    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class TensorView:
    """A tensor as a view of a storage, inside which it lies.

    Raises:
        ValueError: If it reaches beyond the storage.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def __post_init__(self):
        for sizes in (self.shape, self.strides, (self.offset,)):
            if not isinstance(sizes, tuple) or len(sizes) > _MAX_AXES:
                raise ValueError("a tensor has sizes that are not sizes")
            if any(type(size) is not int or not 0 <= size < _LARGEST for size in sizes):
                raise ValueError("a tensor has sizes that are not sizes")
        if len(self.shape) != len(self.strides):
            raise ValueError("a tensor has strides of other axes")
        size = self.storage.size
        # Repeating one number a million times over is not a weight either.
        if self.offset + self.extent > size or math.prod(self.shape) > size:
            raise ValueError("a tensor reaches beyond its storage")

    @property
    def extent(self) -> int:
        """How many numbers lie from its first to its last one."""
        if 0 in self.shape:
            return 0
        steps = zip(self.shape, self.strides, strict=True)
        return 1 + sum((side - 1) * stride for side, stride in steps)


class Storages(dict):
    """The storages that a pickle refers to, by key: each of one dtype and size."""

    def load(self, reference) -> Storage:
        """Return the storage for which a persistent identifier stands.

        Raises:
            ValueError: If it is none, or differs from what was said of it before.
        """
        if not isinstance(reference, tuple) or not 5 <= len(reference) <= 6:
            raise ValueError("a tensor refers to what is not a storage")
        kind, dtype, key, _device, size, *view = reference
        if (
            kind != "storage"
            or dtype not in _DTYPES.values()
            or view not in ([], [None])
        ):
            raise ValueError("a tensor refers to what is not a storage")
        if not isinstance(key, str) or len(key) > 100:
            raise ValueError("a storage has a key that is not a short text")
        if type(size) is not int or not 0 <= size < _LARGEST:
            raise ValueError("a storage has a size that is not a size")
        storage = Storage(key, dtype, size)
        if self.setdefault(key, storage) != storage:
            raise ValueError(f"two storages have one key, {printable(key)}")
        return storage


def find_name(name: str):
    """Return what stands for a name, written as `module name`.

    Raises:
        WeightsError: If no tensors need it.
    """
    if name in _KNOWN:
        return _KNOWN[name]
    if len(name) <= 200 and _HARMLESS.fullmatch(name):
        return INERT
    shown = printable(name[:80].replace(" ", "."))
    raise WeightsError(
        f"its pickle asks for `{shown}`, which no tensors need; nothing was run. Get "
        "the weights as .safetensors, or save only the state dict"
    )


def _tensor(storage, offset, shape, strides, *_) -> TensorView:
    if not isinstance(storage, Storage):
        raise TypeError("a tensor without a storage")
    return TensorView(storage, offset, shape, strides)


def _parameter(tensor, *_):
    return tensor


def _tensor_of_type(function, _type, arguments, _state):
    if function is not _KNOWN["torch._utils _rebuild_tensor_v2"]:
        raise TypeError("a tensor of an unknown kind")
    return _tensor(*arguments[:_MAX_AXES])


_DTYPES = {
    "torch DoubleStorage": "float64",
    "torch FloatStorage": "float32",
    "torch HalfStorage": "float16",
    "torch BFloat16Storage": "bfloat16",
    "torch LongStorage": "int64",
    "torch IntStorage": "int32",
    "torch ShortStorage": "int16",
    "torch CharStorage": "int8",
    "torch ByteStorage": "uint8",
    "torch BoolStorage": "bool",
    "torch ComplexFloatStorage": "complex64",
    "torch ComplexDoubleStorage": "complex128",
}
_FUNCTIONS = {
    "torch._utils _rebuild_tensor": _tensor,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch._utils _rebuild_parameter_with_state": _parameter,
    "torch._tensor _rebuild_from_type_v2": _tensor_of_type,
    "torch Size": lambda sizes=(): sizes,
    "collections OrderedDict": lambda: {},
}
_KNOWN = _DTYPES | {name: StandIn(name, call) for name, call in _FUNCTIONS.items()}

# What training code leaves beside the weights: settings, states of random numbers,
# times, curves. None of it is built, so that even `getattr` (with which mmengine
# pickles its curves) gets at nothing.
_HARMLESS = re.compile(
    r"(?:__builtin__|builtins) (?:set|frozenset|list|dict|tuple|slice|range|object"
    r"|int|long|float|complex|bool|str|unicode|bytes|bytearray|getattr)"
    r"|_codecs encode|(?:copy_reg|copyreg) _reconstructor"
    r"|collections (?:Counter|defaultdict|deque)"
    r"|pathlib(?:\._local)? (?:Pure)?(?:Posix|Windows)?Path"
    r"|datetime (?:datetime|date|timedelta|timezone)|typing Any|uuid UUID"
    r"|argparse Namespace|types SimpleNamespace|yacs\.config CfgNode"
    r"|easydict EasyDict|addict(?:\.addict)? Dict|omegaconf\.\w+ \w+"
    r"|(?:mmcv\.utils|mmengine\.config)\.config ConfigDict"
    r"|mmengine\.logging\.history_buffer HistoryBuffer"
    r"|(?:pytorch_lightning|lightning|lightning_fabric|lightning\.fabric)\.utilities"
    r"\.(?:parsing|data) AttributeDict"
    r"|(?:pytorch_lightning|lightning\.pytorch)\.callbacks\.\w+ \w+"
    r"|torch (?:device|strided|\w+_format|b?float\d+\w*|q?u?int\d+"
    r"|complex\d+|bool|half|Tensor)"
    r"|torch\.nn\.parameter Parameter|torch\.serialization _get_layout"
    r"|torch\.torch_version TorchVersion"
    r"|numpy\._?core\.(?:multiarray (?:scalar|_reconstruct)|numeric _frombuffer)"
    r"|numpy (?:ndarray|dtype|bool_?|u?int\d+|float\d+|complex\d+|str_|bytes_)"
    r"|numpy\.dtypes \w+DType|numpy\.random\.\w+ \w+"
)
