"""Constants of a LiteRT file in half precision, widened when the file is loaded."""

import numpy as np

from swin_keras.litert_file import add_tensor, has_data, make_operator

SMALLEST = 64  # bytes: an epsilon may be no number in half precision
TABLE = 1024  # bytes: more than the biases of a layer, as position biases are


def store_half(model, schema, at_least: int = SMALLEST):
    """Turn float32 constants into float16 ones, each with a DEQUANTIZE behind it.

    XNNPACK and the GPU delegates run that operation once, while they load.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
        at_least: Bytes of a constant, below which it stays as it is.
    """
    graph = model.subgraphs[0]
    sharing = {}  # equal constants have one buffer
    for index, tensor in enumerate(graph.tensors):
        is_constant = has_data(model.buffers[tensor.buffer])
        if is_constant and tensor.type == schema.TensorType.FLOAT32:
            sharing.setdefault(tensor.buffer, []).append(index)
    operators = []
    for number, tensors in sharing.items():
        buffer = model.buffers[number]
        if len(buffer.data) < at_least:
            continue
        values = np.asarray(buffer.data, "uint8").view("float32")
        buffer.data = values.astype("float16").view("uint8")
        for index in tensors:
            tensor = graph.tensors[index]
            tensor.buffer = 0
            half = add_tensor(model, tensor.shape, schema.TensorType.FLOAT16, number)
            kind = schema.BuiltinOperator.DEQUANTIZE
            operators.append(make_operator(model, kind, 3, [half], index))
    graph.operators = [*operators, *graph.operators]
