"""Write and look into a LiteRT file: the form that runs on phones."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import keras

from swin_keras.errors import ExportError


@dataclass(frozen=True)
class GraphReport:
    """What a LiteRT file consists of.

    Args:
        operations: Name of each operation, with how often it occurs.
        max_rank: Most axes of any tensor. Phones' GPUs take 4.
        delegated: Whether one XNNPACK partition runs everything on a CPU.
    """

    operations: dict[str, int]
    max_rank: int
    delegated: bool


def export_litert(model, path: Path):
    """Write a float32 LiteRT file that takes one image at a time.

    `(1, H, W, C)` float32, 0..255, to `(1, classes)`, with LiteRT's built-in
    operations only: Keras' own default admits TensorFlow operations, which the
    runtime on a phone does not have.

    Args:
        model: A `keras.Model` from images to classes.
        path: The `.tflite` file to write.

    Raises:
        ExportError: If the model needs an operation that LiteRT does not have.
    """
    import tensorflow as tf

    shape = (1, *model.input_shape[1:])
    try:
        model.export(
            str(path),
            format="litert",
            verbose=False,
            input_signature=[
                keras.InputSpec(shape=shape, dtype="float32", name="images")
            ],
            target_spec={"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
        )
    except Exception as error:  # the converter has several kinds of its own
        raise ExportError(
            "A LiteRT file can only hold a model of built-in operations. The converter "
            f"says: {str(error).strip().splitlines()[0]}"
        ) from error


def inspect_litert(path: Path) -> GraphReport:
    """Read what a LiteRT file consists of, and try whether it is delegated."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = Interpreter(
        str(path),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    plain.allocate_tensors()
    operations = Counter(op["op_name"] for op in plain._get_ops_details())
    max_rank = max(len(tensor["shape"]) for tensor in plain.get_tensor_details())

    return GraphReport(dict(operations), max_rank, _runs_whole_in_xnnpack(path))


def _runs_whole_in_xnnpack(path) -> bool:
    """Tell whether one XNNPACK node leads from the input to the output."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    # Python's interpreter always tries XNNPACK; its nodes follow the file's own.
    nodes = [
        node for node in interpreter._get_ops_details() if node["op_name"] == "DELEGATE"
    ]
    (image,) = (detail["index"] for detail in interpreter.get_input_details())
    (scores,) = (detail["index"] for detail in interpreter.get_output_details())
    return (
        len(nodes) == 1
        and image in nodes[0]["inputs"]
        and scores in nodes[0]["outputs"]
    )
