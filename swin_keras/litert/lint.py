"""Read a LiteRT file's graph and name what a phone may refuse."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

FLOAT32, INT8 = 0, 9  # types of tensors in the file's schema
INT8_BY_CHANNEL_SINCE = "2.17.0"  # int8 weights under float32 activations
MAX_AXES = 4  # of any tensor, on the GPUs of phones

# What XNNPACK runs, and the GPU delegates with it, among the operations that a
# converted Swin Transformer consists of.
_PORTABLE = """
    ADD AVERAGE_POOL_2D BATCH_MATMUL CONCATENATION CONV_2D DEPTHWISE_CONV_2D
    DEQUANTIZE DEPTH_TO_SPACE DIV EXP FULLY_CONNECTED GELU HARD_SWISH LOGISTIC
    MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL NEG PAD PRELU QUANTIZE RELU RELU6 RESHAPE
    RESIZE_BILINEAR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQRT SQUARE
    SQUARED_DIFFERENCE STRIDED_SLICE SUB SUM TANH TRANSPOSE
"""
PORTABLE = frozenset(_PORTABLE.split())


@dataclass(frozen=True)
class Lint:
    """What a LiteRT file consists of, and what is wrong with it for a phone.

    Args:
        operations: Name of each operation, with how often it occurs.
        max_rank: Most axes of any tensor.
        min_runtime: Oldest version of TensorFlow Lite that runs it, by the
            converter's word. Every LiteRT 2.x, as it is called since, has it.
        findings: What a phone may refuse, in words; empty is good.
        in_tail: Operations of its `tail`, and on the whole numbers in it.
    """

    operations: dict[str, int]
    max_rank: int
    min_runtime: str
    findings: tuple[str, ...]
    in_tail: int = 0


def lint(path: Path, tail=frozenset()) -> Lint:
    """Look a LiteRT file over; nothing is run.

    Args:
        path: A `.tflite` file.
        tail: Operations that may be there besides, since its last ones run on a CPU.
    """
    from ai_edge_litert import schema_py_generated as schema

    data = Path(path).read_bytes()
    model = schema.Model.GetRootAsModel(data)
    graph = model.Subgraphs(0)
    names = [_operation_name(model.OperatorCodes(i), schema) for i in _codes(model)]
    operators = [graph.Operators(i) for i in range(graph.OperatorsLength())]
    operations = Counter(names[operator.OpcodeIndex()] for operator in operators)
    ranks = [graph.Tensors(i).ShapeLength() for i in range(graph.TensorsLength())]
    findings = []
    if model.SubgraphsLength() != 1:
        findings.append(f"{model.SubgraphsLength()} subgraphs instead of one")
    if max(ranks) > MAX_AXES:
        findings.append(f"a tensor of {max(ranks)} axes; {MAX_AXES} are portable")
    if strange := sorted(set(operations) - PORTABLE - tail):
        findings.append(f"operations that are not portable: {', '.join(strange)}")
    flagged = sum(_has_flag(operator, names, schema) for operator in operators)
    if flagged:
        findings.append(f"{flagged} matrix products or slices with a flag")
    return Lint(
        operations=dict(operations.most_common()),
        max_rank=max(ranks),
        min_runtime=_min_runtime(model, graph, operators, names),
        findings=tuple(findings),
        in_tail=_in_tail(graph, operators, names, tail, schema) if tail else 0,
    )


def _in_tail(graph, operators, names, tail, schema) -> int:
    """Count operations of the tail, and those that make whole numbers."""
    whole = (schema.TensorType.INT32, schema.TensorType.INT64)
    return sum(
        names[operator.OpcodeIndex()] in tail
        or graph.Tensors(operator.Outputs(0)).Type() in whole
        for operator in operators
    )


def _codes(model):
    return range(model.OperatorCodesLength())


def _operation_name(code, schema):
    if code.CustomCode():
        return code.CustomCode().decode()
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if not name.startswith("_")
    }
    return names.get(number, f"operation {number}")


def _has_flag(operator, names, schema) -> bool:
    """Return whether an operator has an option that delegates ignore or refuse.

    A transposed operand of a matrix product is ignored by one of the phones' GPU
    delegates, which then gives wrong numbers; slices that drop or add axes are
    not run by XNNPACK.
    """
    name = names[operator.OpcodeIndex()]
    kinds = {
        "BATCH_MATMUL": schema.BatchMatMulOptions,
        "STRIDED_SLICE": schema.StridedSliceOptions,
    }
    if name not in kinds or operator.BuiltinOptions() is None:
        return False
    options = kinds[name]()
    table = operator.BuiltinOptions()
    options.Init(table.Bytes, table.Pos)
    if name == "BATCH_MATMUL":
        return bool(options.AdjX() or options.AdjY())
    return bool(
        options.ShrinkAxisMask() or options.NewAxisMask() or options.EllipsisMask()
    )


def _min_runtime(model, graph, operators, names) -> str:
    """Return what the converter wrote, or what a later int8 step has made of it."""
    for operator in operators:
        if names[operator.OpcodeIndex()] == "FULLY_CONNECTED":
            types = [graph.Tensors(operator.Inputs(i)).Type() for i in (0, 1)]
            if types == [FLOAT32, INT8]:
                return INT8_BY_CHANNEL_SINCE
    for index in range(model.MetadataLength()):
        entry = model.Metadata(index)
        if entry.Name() == b"min_runtime_version":
            buffer = model.Buffers(entry.Buffer())
            return bytes(buffer.DataAsNumpy()).rstrip(b"\0").decode()
    return ""
