"""Constants of a LiteRT file as float16, widened when the file is loaded."""

import numpy as np

from swin_keras.litert.tables import add_constant, add_tensor, has_data, make_operator

SMALLEST = 64  # bytes: an epsilon may underflow to 0 in float16
TABLE = 1024  # bytes: position biases have more


def store_float16(model, schema):
    """Turn float32 constants into float16 ones, each with a DEQUANTIZE behind it.

    XNNPACK and the GPU delegates run that operation once, while they load.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
    """
    graph = model.subgraphs[0]
    _store(model, schema, range(len(graph.tensors)), SMALLEST)


def store_tables_float16(model, schema):
    """Do so with large constants that are added: position biases with their masks.

    The biases of int8 dense layers are among those that stay float32: XNNPACK
    must have them as they are.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
    """
    add = schema.BuiltinOperator.ADD
    added = {
        tensor
        for operator in model.subgraphs[0].operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == add
        for tensor in operator.inputs
    }
    _store(model, schema, sorted(added), TABLE)


def _store(model, schema, tensors, at_least):
    graph = model.subgraphs[0]
    sharing = {}  # equal constants have one buffer
    for index in tensors:
        tensor = graph.tensors[index]
        is_constant = has_data(model.buffers[tensor.buffer])
        if is_constant and tensor.type == schema.TensorType.FLOAT32:
            sharing.setdefault(tensor.buffer, []).append(index)
    operators = []
    for number, users in sharing.items():
        values = np.asarray(model.buffers[number].data, "uint8").view("float32")
        if values.nbytes < at_least:
            continue
        buffer = add_constant(model, values.astype("float16"))
        for index in users:
            tensor = graph.tensors[index]
            tensor.buffer = 0
            half = add_tensor(model, tensor.shape, schema.TensorType.FLOAT16, buffer)
            kind = schema.BuiltinOperator.DEQUANTIZE
            operators.append(make_operator(model, kind, 3, [half], index))
        if all(tensor.buffer != number for tensor in graph.tensors):
            model.buffers[number].data = None
    graph.operators = [*operators, *graph.operators]
