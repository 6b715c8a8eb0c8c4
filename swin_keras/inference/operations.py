"""A SavedModel is a program: which operations it may hold without being trusted.

TensorFlow registers 1,900 operations, and every release and plug-in adds some.
Many reach files, the network or Python, not all by their name: `PrintV2` and
`ImmutableConst` do. So the harmless ones are listed, those that networks are
made of, and whatever is not on the list must be trusted.
"""

from pathlib import Path

from swin_keras.errors import ModelFileError

NAMED = 8  # operations in a message

HARMLESS_BY_KIND = {
    "arithmetic": """
        Abs Acos Acosh Add AddN AddV2 Asin Asinh Atan Atan2 Atanh BiasAdd Bitcast
        BitwiseAnd BitwiseOr BitwiseXor Cast Ceil ClipByValue Cos Cosh Digamma Div
        DivNoNan Erf Erfc Erfinv Exp Expm1 Floor FloorDiv FloorMod Inv Invert IsFinite
        IsInf IsNan LeftShift Lgamma Log Log1p Maximum Minimum Mod Mul MulNoNan Ndtri
        Neg NextAfter Pow RealDiv Reciprocal RightShift Rint Round Rsqrt Sign Sin Sinh
        Sqrt Square SquaredDifference Sub Tan Tanh TruncateDiv TruncateMod Xdivy
        Xlog1py Xlogy
    """,
    "comparisons": """
        ApproximateEqual Equal Greater GreaterEqual Less LessEqual LogicalAnd
        LogicalNot LogicalOr NotEqual Select SelectV2
    """,
    "networks": """
        AvgPool AvgPool3D Conv Conv2D Conv2DBackpropInput Conv3D Conv3DBackpropInputV2
        DepthwiseConv2dNative Dilation2D Elu FusedBatchNorm FusedBatchNormV2
        FusedBatchNormV3 L2Loss LRN LeakyRelu LogSoftmax MaxPool MaxPool3D MaxPoolV2
        MaxPoolWithArgmax Relu Relu6 Selu Sigmoid Softmax Softplus Softsign
    """,
    "sums": """
        All Any ArgMax ArgMin BatchMatMul BatchMatMulV2 BatchMatMulV3 Bincount Cross
        Cumprod Cumsum CumulativeLogsumexp DenseBincount Einsum EuclideanNorm InTopK
        InTopKV2 MatMul MatrixBandPart MatrixDiag MatrixDiagPartV3 MatrixDiagV3
        MatrixSetDiagV3 Max Mean Min NthElement Prod SegmentSumV2 Sum TopK TopKV2
        UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum
    """,
    "shapes": """
        BatchToSpace BatchToSpaceND BroadcastArgs BroadcastTo CheckNumerics Concat
        ConcatOffset ConcatV2 DepthToSpace Diag DiagPart DynamicPartition
        DynamicStitch EnsureShape ExpandDims ExtractImagePatches Fill Gather GatherNd
        GatherV2 Identity IdentityN InvertPermutation LinSpace ListDiff MirrorPad
        OneHot OnesLike Pack Pad PadV2 ParallelConcat ParallelDynamicStitch
        PreventGradient Range Rank Reshape Reverse ReverseSequence ReverseV2 Roll
        ScatterNd Shape ShapeN Size Slice Snapshot SpaceToBatch SpaceToBatchND
        SpaceToDepth Split SplitV Squeeze StopGradient StridedSlice TensorScatterAdd
        TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate Tile
        Transpose Unique UniqueV2 Unpack UnravelIndex Where ZerosLike
    """,
    # which are decoded already
    "images": """
        AdjustContrastv2 AdjustHue AdjustSaturation CombinedNonMaxSuppression
        CropAndResize HSVToRGB ImageProjectiveTransformV2 ImageProjectiveTransformV3
        NonMaxSuppressionV3 NonMaxSuppressionV4 NonMaxSuppressionV5 RGBToHSV
        ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
        ScaleAndTranslate
    """,
    "quantization": """
        Dequantize FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
        FakeQuantWithMinMaxVarsPerChannel QuantizeAndDequantizeV2
        QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2
    """,
    # whose functions are looked at, too
    "control flow": """
        Assert Case Const EmptyTensorList Enter Exit FakeParam If LoopCond Merge
        NextIteration NoOp PartitionedCall Placeholder PlaceholderWithDefault
        StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile Switch
        TensorListConcatV2 TensorListElementShape TensorListFromTensor
        TensorListGather TensorListGetItem TensorListLength TensorListPopBack
        TensorListPushBack TensorListReserve TensorListResize TensorListSetItem
        TensorListStack While
    """,
    "variables": """
        AssignAddVariableOp AssignSubVariableOp AssignVariableOp DestroyResourceOp
        DisableCopyOnRead ReadVariableOp ResourceGather ResourceGatherNd
        ResourceScatterAdd ResourceScatterUpdate VarHandleOp VarIsInitializedOp
        VariableShape
    """,
    "random numbers": """
        RandomShuffle RandomStandardNormal RandomUniform RandomUniformInt
        StatelessRandomGetAlg StatelessRandomGetKeyCounter StatelessRandomNormal
        StatelessRandomNormalV2 StatelessRandomUniform StatelessRandomUniformFullIntV2
        StatelessRandomUniformInt StatelessRandomUniformIntV2 StatelessRandomUniformV2
        StatelessShuffle StatelessTruncatedNormal StatelessTruncatedNormalV2
        TruncatedNormal
    """,
}
HARMLESS = frozenset(" ".join(HARMLESS_BY_KIND.values()).split())
# What saves and restores a SavedModel's own variables is never asked for images.
SAVERS = frozenset(
    (
        "MergeV2Checkpoints",
        "RestoreV2",
        "SaveV2",
        "ShardedFilename",
        "StaticRegexFullMatch",
        "StringJoin",
    )
)


def require_harmless(path: Path):
    """Refuse a SavedModel that could do more than compute.

    Args:
        path: Its folder; nothing of it is run.

    Raises:
        ModelFileError: That names the operations which need trust, or what in
            the folder is not a regular file.
    """
    odd = [p for p in path.rglob("*") if not (p.is_file() or p.is_dir())]
    if odd:
        raise ModelFileError(f"A SavedModel must hold files only. Received: {odd[0]}.")
    found = sorted(_operations(path) - HARMLESS)
    if found:
        more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
        raise ModelFileError(
            "A SavedModel is a program, and this one may do more than compute: "
            f"{path} holds the operations {', '.join(found[:NAMED])}{more}. If you "
            "trust who made it, say so: --trust, or `trust=True` in Python."
        )


def _operations(path) -> set[str]:
    """Return the names of all operations, less those of the saver's functions."""
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        content = SavedModel.FromString((path / "saved_model.pb").read_bytes())
    except (OSError, DecodeError) as error:
        raise ModelFileError(
            f"A SavedModel must be complete. Received: {path} ({error})."
        ) from error
    found = set()
    for graph in content.meta_graphs:
        savers = _saver_functions(graph)
        found |= {node.op for node in graph.graph_def.node}
        for function in graph.graph_def.library.function:
            operations = {node.op for node in function.node_def}
            is_saver = function.signature.name in savers
            found |= operations - SAVERS if is_saver else operations
    return found


def _saver_functions(graph) -> set[str]:
    """Return the functions that only the saver calls."""
    saver = graph.saver_def
    names = {saver.save_tensor_name.partition(":")[0], saver.restore_op_name}
    own, others = set(), set(graph.object_graph_def.concrete_functions)
    for node in graph.graph_def.node:
        (own if node.name in names else others).update(_called(node))
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            others.update(_called(node))
    return own - others


def _called(node):
    """Yield the functions that a node names."""
    yield node.op  # a function can be called as if it were an operation
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)
