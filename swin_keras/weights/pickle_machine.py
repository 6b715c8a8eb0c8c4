"""Reads the pickles in `.pth` files without running anything in them.

A pickle is a program for a small machine, and unpickling runs it: it may call
any function. The machine here knows the instructions that build a dictionary of
tensors, and a handful of names. None of them is imported: each stands for a
function of this file. Whatever else a pickle asks for is refused.
"""

import math
import pickletools
from dataclasses import dataclass

from swin_keras.errors import WeightsError

_MARK = object()


@dataclass(frozen=True)
class Storage:
    """A run of numbers in the file: its key, dtype and how many there are."""

    key: str
    dtype: str
    size: int


@dataclass(frozen=True)
class TensorView:
    """A tensor as a view of a storage, known to lie inside it."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_pickle(stream, storages: dict | None = None):
    """Build what a pickle describes, from data alone.

    Args:
        stream: A binary file at the start of a pickle; left at the pickle's end.
        storages: A dictionary to which every storage is added by its key.

    Returns:
        Dictionaries, lists, tuples, numbers, strings and `TensorView`s.

    Raises:
        WeightsError: If the pickle asks for anything else.
    """
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "STOP":
            if storages is not None:
                storages.update(machine.storages)
            return machine.stack.pop()
        machine.step(opcode.name, argument)
    raise ValueError("its pickle has no end")


class _Machine:
    """A stack, and a memo of what may be used again."""

    def __init__(self):
        self.stack = []
        self.memo = {}
        self.storages = {}

    def step(self, instruction, argument):
        stack = self.stack
        match instruction:
            case "PROTO" | "FRAME":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NEWTRUE": True, "NEWFALSE": False}.get(instruction))
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "LONG4" | "BINFLOAT":
                stack.append(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                stack.append(argument)
            case "BINBYTES" | "SHORT_BINBYTES" | "BINSTRING" | "SHORT_BINSTRING":
                stack.append(argument)
            case "EMPTY_DICT":
                stack.append({})
            case "EMPTY_LIST":
                stack.append([])
            case "EMPTY_TUPLE":
                stack.append(())
            case "MARK":
                stack.append(_MARK)
            case "TUPLE":
                stack.append(tuple(self._pop_to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(instruction[-1]))]
                stack.append(tuple(reversed(items)))
            case "APPEND":
                self._extend([stack.pop()])
            case "APPENDS":
                self._extend(self._pop_to_mark())
            case "SETITEM":
                self._update([stack.pop(), stack.pop()][::-1])
            case "SETITEMS":
                self._update(self._pop_to_mark())
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(_known(argument))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(_known(f"{module} {name}"))
            case "REDUCE" | "NEWOBJ":
                arguments, known = stack.pop(), stack.pop()
                stack.append(known.stand_in(*arguments))
            case "BUILD":
                stack.pop()  # what PyTorch hangs on a dictionary, such as versions
            case "BINPERSID":
                storage = _storage(*stack.pop())
                self.storages[storage.key] = storage
                stack.append(storage)
            case _:
                raise WeightsError(
                    f"its pickle uses {instruction}, which no tensors need; nothing "
                    "was run. Get the weights as .safetensors"
                )

    def _pop_to_mark(self):
        items = []
        while (item := self.stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]

    def _extend(self, items):
        if not isinstance(self.stack[-1], list):
            raise TypeError("items for what is no list")
        self.stack[-1].extend(items)

    def _update(self, items):
        if not isinstance(self.stack[-1], dict):
            raise TypeError("items for what is no dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int | float):
                raise TypeError("a key that is neither a string nor a number")
            self.stack[-1][key] = value


@dataclass(frozen=True)
class _Known:
    """A name that a pickle may use, and what stands in for it here."""

    stand_in: object


def _known(name) -> _Known:
    if name not in _KNOWN:
        raise WeightsError(
            f"its pickle asks for `{name[:80].replace(' ', '.')}`, which no tensors "
            "need; nothing was run. Get the weights as .safetensors, or save only "
            "the state dict"
        )
    return _KNOWN[name]


def _storage(kind, known, key, _location, size, view=None) -> Storage:
    if kind != "storage" or view is not None or type(size) is not int or size < 0:
        raise ValueError("a tensor refers to what is no storage")
    return Storage(str(key), known.stand_in(), size)


def _tensor(storage, offset, shape, strides, *_) -> TensorView:
    numbers = (offset, *shape, *strides)
    if any(type(number) is not int or number < 0 for number in numbers):
        raise ValueError("a tensor has sizes that are no sizes")
    steps = zip(shape, strides, strict=True)
    last = offset + sum((side - 1) * stride for side, stride in steps)
    # Repeating one number a million times over is no weight either.
    if math.prod(shape) and (last >= storage.size or math.prod(shape) > storage.size):
        raise ValueError("a tensor reaches beyond its storage")
    return TensorView(storage, offset, tuple(shape), tuple(strides))


def _parameter(tensor, *_) -> TensorView:
    return tensor


def _dictionary() -> dict:
    return {}


_DTYPES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
_KNOWN = {
    "torch._utils _rebuild_tensor_v2": _Known(_tensor),
    "torch._utils _rebuild_parameter": _Known(_parameter),
    "collections OrderedDict": _Known(_dictionary),
    # Settings that training code leaves beside the weights: plain dictionaries.
    "yacs.config CfgNode": _Known(_dictionary),
    "argparse Namespace": _Known(_dictionary),
    "torch Size": _Known(lambda sizes: tuple(sizes)),
}
for _name, _dtype in _DTYPES.items():
    _KNOWN[f"torch {_name}"] = _Known(lambda dtype=_dtype: dtype)
