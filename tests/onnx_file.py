"""A small ONNX classifier of images 4 x 4 x 1, written by hand."""

import numpy as np
import pytest


def write_onnx(path, shape=("batch", 4, 4, 1), inputs=("images",)):
    """Write mean over columns -> softmax, `(B, 4, 4, 1) -> (B, 4)`."""
    onnx = pytest.importorskip("onnx", reason="needs the extra `onnx`")
    pytest.importorskip("onnxruntime", reason="needs the extra `onnx`")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [
            helper.make_node("Reshape", [inputs[0], "rows"], ["flat"]),
            helper.make_node("ReduceMean", ["flat"], ["means"], axes=[2], keepdims=0),
            helper.make_node("Softmax", ["means"], ["probabilities"], axis=-1),
        ],
        "small",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info("probabilities", kind, ["batch", 4])],
        [onnx.numpy_helper.from_array(np.array([-1, 4, 4]), "rows")],
    )
    opset = [helper.make_opsetid("", 13)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)
    return path
