"""Reads the pickles in `.pth` files without running anything in them.

A pickle is a program for a small machine, and unpickling runs it: it may call
any function. The machine here knows the instructions that build dictionaries, and
names for which functions of this package stand (see `pickle_names.py`). Nothing is
imported, and whatever else a pickle asks for is refused.

Python's own unpickler with `find_class` and `persistent_load` overridden would be
shorter, but runs these instructions itself, with no bounds. Measured on Python 3.11:

- 9 bytes that put something into place 100,000,000 of the memo: 1.5 GB, 11 s;
- 61 bytes whose key is a tuple of tuples of tuples, 26 deep: 3 s, and twice as
  long for each two bytes more;
- 280,000 bytes whose keys are 20,000 integers of one hash: 15 s.

Neither method is asked before any of these.
"""

import pickletools

from swin_keras.errors import WeightsError
from swin_keras.names import printable
from swin_keras.weights.pickle_names import INERT, StandIn, find_name

MAX_INSTRUCTIONS = 1_000_000  # Swin-L, an average and the optimizer: 66,000
_MAX_ARGUMENTS = 16
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_VALUES = {
    "BININT",
    "BININT1",
    "BININT2",
    "LONG1",
    "BINFLOAT",
    "BINUNICODE",
    "SHORT_BINUNICODE",
    "BINUNICODE8",
    "BINBYTES",
    "SHORT_BINBYTES",
    "BINBYTES8",
    "BINSTRING",
    "SHORT_BINSTRING",
}
_MARK = object()


def read_pickle(stream, persistent_load=None):
    """Build what a pickle describes, from data alone.

    Args:
        stream: A binary file at the start of a pickle; left at the pickle's end.
        persistent_load: Called with what stands for an object outside the pickle,
            such as a storage; returns the object.

    Returns:
        Dictionaries, lists, tuples, numbers, strings, what `persistent_load` returned
        and views of it; `INERT` for whatever else is harmless.

    Raises:
        WeightsError: If the pickle asks for anything else, or for too much.
    """
    machine = _Machine(persistent_load)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if opcode.name == "STOP":
            return machine.stack.pop()
        if count == MAX_INSTRUCTIONS:
            raise WeightsError(
                f"its pickle has more than {count:,} instructions, far more than a "
                "model needs. Save only the state dict"
            )
        machine.step(opcode.name, argument)
    raise ValueError("its pickle has no end")


class _Machine:
    """A stack, and a memo of what may be used again.

    No step takes longer, or more memory, than the bytes that it was read from: what
    the memo returns is never copied, compared, hashed or printed.
    """

    def __init__(self, persistent_load):
        self.stack = []
        self.memo = {}
        self.persistent_load = persistent_load

    def step(self, instruction, argument):
        stack = self.stack
        match instruction:
            case "PROTO" | "FRAME":
                pass
            case _ if instruction in _VALUES:
                stack.append(argument)
            case _ if instruction in _CONSTANTS:
                stack.append(_CONSTANTS[instruction])
            case _ if instruction in _EMPTY:
                stack.append(_EMPTY[instruction]())
            case "EMPTY_SET":
                stack.append(INERT)
            case "MARK":
                stack.append(_MARK)
            case "TUPLE":
                stack.append(tuple(self._pop_to_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(instruction[-1]))]
                stack.append(tuple(reversed(items)))
            case "FROZENSET":
                self._pop_to_mark()
                stack.append(INERT)
            case "APPEND":
                self._extend([stack.pop()])
            case "APPENDS" | "ADDITEMS":
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
                stack.append(find_name(argument))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(find_name(f"{_word(module)} {_word(name)}"))
            case "REDUCE" | "NEWOBJ":
                arguments, known = stack.pop(), stack.pop()
                stack.append(_call(known, arguments))
            case "NEWOBJ_EX":
                _options, arguments, known = stack.pop(), stack.pop(), stack.pop()
                stack.append(_call(known, arguments))
            case "BUILD":
                stack.pop()  # an object's attributes, such as a dictionary's versions
            case "BINPERSID" if self.persistent_load:
                stack.append(self.persistent_load(stack.pop()))
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
        if self.stack[-1] is INERT:
            return
        if not isinstance(self.stack[-1], list):
            raise TypeError("items for what is not a list")
        self.stack[-1].extend(items)

    def _update(self, items):
        if self.stack[-1] is INERT:
            return
        if not isinstance(self.stack[-1], dict):
            raise TypeError("items for what is not a dictionary")
        for key, value in zip(items[::2], items[1::2], strict=True):
            # Tensors have names. Other keys are of settings, and may be made so that
            # all have the same hash.
            if isinstance(key, str) or (isinstance(key, int) and abs(key) < 2**60):
                self.stack[-1][key] = value


def _word(value) -> str:
    if not isinstance(value, str) or len(value) > 200:
        raise TypeError("a name that is not a name")
    return value


def _call(known, arguments):
    if known is INERT:
        return INERT
    if not isinstance(known, StandIn):
        raise TypeError("a call of what is not a function")
    if not isinstance(arguments, tuple) or len(arguments) > _MAX_ARGUMENTS:
        raise TypeError(f"{printable(known.name)} with arguments that it does not take")
    return known.call(*arguments)
