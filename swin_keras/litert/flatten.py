"""Make dense layers of a LiteRT file take the shape that they calculate with.

The converter lets a dense layer flatten `(1, H, W, C)` on its own. The GPU code
of LiteRT then mistakes pixels for a batch once the weights are int8, and refuses
the file; with the reshape written out it takes it.
"""

import numpy as np

from swin_keras.litert.tables import add_constant, add_tensor, make_operator


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
                reshape = _reshape(model, schema, operator.inputs[0], len(out.shape))
                operator.inputs = [reshape.outputs[0], *operator.inputs[1:]]
                operators.append(reshape)
        operators.append(operator)
    graph.operators = operators


def _reshape(model, schema, source, rank):
    """Return an operator that joins the first axes of a tensor."""
    tensor = model.subgraphs[0].tensors[source]
    shape = np.asarray(tensor.shape)
    joined = np.array([*[1] * (rank - 2), shape[:-1].prod(), shape[-1]], "int32")
    axes = add_tensor(
        model, [rank], schema.TensorType.INT32, add_constant(model, joined)
    )
    flat = add_tensor(model, joined, tensor.type)
    kind = schema.BuiltinOperator.RESHAPE
    operator = make_operator(model, kind, 1, [source, axes], flat)
    operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
    operator.builtinOptions = schema.ReshapeOptionsT()
    operator.builtinOptions.newShape = joined
    return operator
