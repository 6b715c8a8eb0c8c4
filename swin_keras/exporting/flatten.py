"""Make dense layers of a LiteRT file take the shape that they calculate with.

The converter lets a dense layer flatten `(1, H, W, C)` on its own. The GPU code
of LiteRT then mistakes pixels for a batch once the weights are int8, and refuses
the file; with the reshape written out it takes it.
"""

import numpy as np


def write_out_reshapes(model, schema):
    """Put a RESHAPE before each dense layer that flattens its input.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
    """
    graph = model.subgraphs[0]
    operators = []
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex]
        if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            source, out = (
                graph.tensors[i] for i in (operator.inputs[0], operator.outputs[0])
            )
            if len(source.shape) != len(out.shape):
                reshape = _reshape(
                    model, graph, schema, operator.inputs[0], len(out.shape)
                )
                operator.inputs = [reshape.outputs[0], *operator.inputs[1:]]
                operators.append(reshape)
        operators.append(operator)
    graph.operators = operators


def _reshape(model, graph, schema, source, rank):
    """Return an operator that joins the first axes of a tensor."""
    shape = np.asarray(graph.tensors[source].shape)
    joined = np.array([*[1] * (rank - 2), shape[:-1].prod(), shape[-1]], "int32")
    axes = _tensor(model, graph, schema, b"axes", [rank], schema.TensorType.INT32)
    buffer = schema.BufferT()
    buffer.data = joined.view("uint8")
    model.buffers.append(buffer)
    axes_tensor = graph.tensors[axes]
    axes_tensor.buffer = len(model.buffers) - 1
    kind = graph.tensors[source].type
    flat = _tensor(model, graph, schema, b"flat", joined, kind)
    operator = schema.OperatorT()
    operator.opcodeIndex = _code(model, schema)
    operator.inputs, operator.outputs = [source, axes], [flat]
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = joined
    return operator


def _tensor(model, graph, schema, name, shape, kind) -> int:
    tensor = schema.TensorT()
    tensor.name = name + str(len(graph.tensors)).encode()
    tensor.shape, tensor.type, tensor.buffer = np.asarray(shape, "int32"), kind, 0
    tensor.hasRank = True
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _code(model, schema) -> int:
    for index, code in enumerate(model.operatorCodes):
        if code.builtinCode == schema.BuiltinOperator.RESHAPE:
            return index
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
