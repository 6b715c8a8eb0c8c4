"""Times each kind of operation of a LiteRT file, in a subprocess.

    python -m swin_keras.benchmarking.profile 2 model.tflite

Every operation is cut out, with its weights, into a file of one operation, which
XNNPACK runs as it would run it in the whole. Operations alike are timed once.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from swin_keras.litert.tables import add_constant, has_data, pack, read_tables

RUNS = 10


def profile(path: Path, threads: int) -> dict[str, list]:
    """Time a file's operations, one by one.

    Args:
        path: A `.tflite` file of static shapes.
        threads: Threads of the runtime.

    Returns:
        For each kind of operation, slowest first, `[count, seconds]`.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_tables(path)
    names = {number: name for name, number in vars(schema.BuiltinOperator).items()}
    _widen_constants(model, schema)
    groups = {}
    for operator in model.subgraphs[0].operators:
        groups.setdefault(_kind(model, operator), []).append(operator)
    totals = {}
    for operators in groups.values():
        code = model.operatorCodes[operators[0].opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        total = totals.setdefault(name, [0, 0.0])
        total[0] += len(operators)
        total[1] += len(operators) * _time(
            _cut_out(model, operators[0], schema), threads
        )
    return dict(sorted(totals.items(), key=lambda item: -item[1][1]))


def _widen_constants(model, schema):
    """Turn half-precision weights into float32, as XNNPACK does when it loads."""
    graph = model.subgraphs[0]
    others = []
    for operator in graph.operators:
        tensor = graph.tensors[operator.inputs[0]]
        is_half = tensor.type == schema.TensorType.FLOAT16
        if not (is_half and has_data(model.buffers[tensor.buffer])):
            others.append(operator)
            continue
        half = np.asarray(model.buffers[tensor.buffer].data, "uint8").view("float16")
        wide = add_constant(model, half.astype("float32"))
        graph.tensors[operator.outputs[0]].buffer = wide
    graph.operators = others


def _kind(model, operator):
    """Return what operations that take equally long have in common."""
    tensors = model.subgraphs[0].tensors
    used = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
    shapes = tuple((tuple(tensors[i].shape), tensors[i].type) for i in used)
    return operator.opcodeIndex, shapes


def _cut_out(model, operator, schema) -> bytes:
    """Return a file with one operation and its weights."""
    source = model.subgraphs[0].tensors
    used = sorted({i for i in (*operator.inputs, *operator.outputs) if i >= 0})
    place = {number: index for index, number in enumerate(used)}
    weights = [model.buffers[source[number].buffer] for number in used]
    tensors = []
    for index, number in enumerate(used, start=1):
        tensor = schema.TensorT()
        tensor.__dict__.update(source[number].__dict__, buffer=index)
        tensors.append(tensor)
    single = schema.OperatorT()
    single.__dict__.update(operator.__dict__, opcodeIndex=0)
    single.inputs = [place.get(i, -1) for i in operator.inputs]
    single.outputs = [place[i] for i in operator.outputs]
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = tensors, [single]
    given = [i for i, weight in zip(used, weights, strict=True) if not has_data(weight)]
    graph.inputs = [place[i] for i in operator.inputs if i in given]
    graph.outputs = single.outputs
    cut = schema.ModelT()
    cut.version, cut.subgraphs = 3, [graph]
    cut.operatorCodes = [model.operatorCodes[operator.opcodeIndex]]
    cut.buffers = [schema.BufferT(), *weights]
    return pack(cut)


def _time(content: bytes, threads: int) -> float:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=threads)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        values = _values(detail["shape"], np.dtype(detail["dtype"]))
        interpreter.set_tensor(detail["index"], values)
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        interpreter.invoke()
        times.append(time.perf_counter() - start)
    return min(times)


def _values(shape, dtype):
    """Return an input: random, but for indices, which must be in what they index."""
    if dtype.kind == "b" or dtype in (np.int32, np.int64):
        return np.zeros(shape, dtype)
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the runtime prints is no answer
    json.dump(profile(Path(sys.argv[2]), int(sys.argv[1])), answer)
    answer.close()
