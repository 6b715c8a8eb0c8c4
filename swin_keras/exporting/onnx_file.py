"""Write an ONNX file, for runtimes that are not TensorFlow's."""

import logging
from pathlib import Path

from swin_keras.errors import ExportError
from swin_keras.exporting.inference_model import with_outputs
from swin_keras.exporting.saved_model import image_spec
from swin_keras.model_files import CARD_IN_ONNX, ModelCard
from swin_keras.processes import quiet


def require_onnx():
    """Refuse the form before any other is written, where its packages are missing.

    Raises:
        ExportError: If they are.
    """
    try:
        import onnx  # noqa: F401
        import tf2onnx  # noqa: F401  Keras needs it
    except ImportError as error:
        raise ExportError(
            "The onnx form needs further packages. Install them with "
            f"`pip install 'swin-keras[onnx]'` ({error})."
        ) from error


def export_onnx(
    model, path: Path, beside: dict | None = None, card: ModelCard | None = None
):
    """Write an ONNX file for any batch size: `images` to the model's outputs.

    Its outputs have the names of the export's other files, and its metadata the card.

    Args:
        model: A `keras.Model` for inference.
        path: The `.onnx` file to write.
        beside: Further outputs by name, symbolic.
        card: What `predict` must know of the model.

    Raises:
        ExportError: If packages are missing, or the file would not be valid.
    """
    require_onnx()
    import onnx

    model = with_outputs(model, beside or {})
    logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)  # Erfc: see below
    try:
        with quiet():
            model.export(
                str(path),
                format="onnx",
                verbose=False,
                input_signature=[image_spec(model, None)],
            )
        written = onnx.load(path)
        _require_one_input(written.graph)
        _replace_erfc(written, onnx.helper, onnx.numpy_helper)
        if card:
            onnx.helper.set_model_props(written, {CARD_IN_ONNX: card.to_json()})
        onnx.checker.check_model(written, full_check=True)
        onnx.save(written, path)
    except Exception as error:  # the converter and the checker have their own
        raise ExportError(f"The model cannot become an ONNX file: {error}") from error


def _require_one_input(graph):
    """Refuse a file that wants constants as inputs, as the converter may write."""
    names = [value.name for value in graph.input]
    if names != ["images"]:
        raise ValueError(f"it would take {', '.join(names)} instead of images alone")


def _replace_erfc(model, helper, numpy_helper):
    """Write `1 - erf(x)` for `erfc(x)`, which TensorFlow has and ONNX has not."""
    import numpy as np

    graph = model.graph
    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        erf = f"{node.output[0]}/erf"
        nodes.append(helper.make_node("Erf", node.input, [erf]))
        nodes.append(helper.make_node("Sub", ["erfc/one", erf], node.output))
    if len(nodes) > len(graph.node):
        one = numpy_helper.from_array(np.float32(1), "erfc/one")
        graph.initializer.append(one)
    del graph.node[:]
    graph.node.extend(nodes)
