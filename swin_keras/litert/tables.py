"""A LiteRT file as tables: read, changed and written again."""

from pathlib import Path

import flatbuffers
import numpy as np


def read_tables(path: Path):
    """Return a LiteRT file as a `ModelT`, with all weights inside its tables.

    A quantizer may leave them behind the tables, where whoever writes the tables
    again would lose them.
    """
    from ai_edge_litert import schema_py_generated as schema

    data = Path(path).read_bytes()
    model = schema.ModelT.InitFromPackedBuf(data)
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(data, "uint8", buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def pack(model) -> bytes:
    """Return the content of the file for a `ModelT`, as small as it can be."""
    _drop_unused(model)
    weights = sum(len(buffer.data) for buffer in model.buffers if has_data(buffer))
    builder = _SharingBuilder(weights + 2**18)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors once: shapes, and zero points, which are all zeros.

    The zero points of int8 weights are eight bytes for each output channel.
    """

    def __init__(self, size):
        super().__init__(size)
        self._places = {}

    def CreateNumpyVector(self, x):  # noqa: N802  the name is flatbuffers'
        content = x.dtype.str, x.tobytes()
        if content not in self._places:
            self._places[content] = super().CreateNumpyVector(x)
        return self._places[content]


def _drop_unused(model):
    """Drop buffers without data, of which a converter leaves one for each tensor.

    Number 0 stays: it is what a tensor without constants has.
    """
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    for tensor in tensors:
        if not has_data(model.buffers[tensor.buffer]):
            tensor.buffer = 0
        if tensor.quantization and tensor.quantization.scale is None:
            tensor.quantization = None
    users = [*tensors, *(model.metadata or ())]
    used = sorted({0, *(user.buffer for user in users)})
    place = {number: index for index, number in enumerate(used)}
    for user in users:
        user.buffer = place[user.buffer]
    model.buffers = [model.buffers[number] for number in used]


def has_data(buffer) -> bool:
    """Return whether a buffer holds constants."""
    return buffer.data is not None and len(buffer.data) > 0


def add_constant(model, values: np.ndarray) -> int:
    """Add a buffer with constants; return its number."""
    from ai_edge_litert import schema_py_generated as schema

    buffer = schema.BufferT()
    buffer.data = np.ascontiguousarray(values).view("uint8").reshape(-1)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_tensor(model, shape, kind: int, buffer: int = 0) -> int:
    """Add a tensor to the graph; return its number.

    Args:
        model: The file as a `ModelT`.
        shape: Its axes.
        kind: Its `TensorType`.
        buffer: Number of the buffer with its constants; 0 for a computed one.
    """
    from ai_edge_litert import schema_py_generated as schema

    tensors = model.subgraphs[0].tensors
    tensor = schema.TensorT()
    tensor.name = b"%d" % len(tensors)
    tensor.shape, tensor.type = np.asarray(shape, "int32"), kind
    tensor.buffer, tensor.hasRank = buffer, True
    tensors.append(tensor)
    return len(tensors) - 1


def make_operator(model, kind: int, version: int, source, target):
    """Return an operator, which the caller puts into the graph's order.

    Args:
        model: The file as a `ModelT`.
        kind: Its `BuiltinOperator`.
        version: Of that operation.
        source: Numbers of the tensors it reads.
        target: Number of the tensor it writes.
    """
    from ai_edge_litert import schema_py_generated as schema

    codes = model.operatorCodes
    known = [index for index, code in enumerate(codes) if code.builtinCode == kind]
    if not known:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = version
        codes.append(code)
        known = [len(codes) - 1]
    operator = schema.OperatorT()
    operator.opcodeIndex = known[0]
    operator.inputs, operator.outputs = list(source), [target]
    return operator
