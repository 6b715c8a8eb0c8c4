"""Make the small forms of a LiteRT file: int8 weights, with or without calibration.

Both leave layer normalization, softmax and residual sums in float32, which costs
a Swin Transformer a few tenths of a point; all-integer graphs cost it many.
"""

from pathlib import Path

import numpy as np

from swin_keras.errors import ExportError, UsageError
from swin_keras.processes import quiet

MAX_CALIBRATION_IMAGES = 32
STATIC_WARNING = (
    "litert-int8-static fixes the ranges of activations from a few images: images "
    "unlike them lose accuracy. It is for accelerators that need fixed ranges; on a "
    "CPU, litert-int8 is as fast and more exact."
)


def quantize_dynamic(float32: Path, path: Path):
    """Write int8 weights; activations are quantized as they come, row by row.

    Args:
        float32: The LiteRT file to start from.
        path: The file to write.
    """
    quantizer, operation = _quantizer(float32)
    for name in ("FULLY_CONNECTED", "CONV_2D"):
        quantizer.add_dynamic_config(".*", operation[name], num_bits=8)
    _write(quantizer, path)


def quantize_static(float32: Path, path: Path, images: np.ndarray):
    """Write int8 weights and int8 activations of the dense layers.

    Args:
        float32: The LiteRT file to start from.
        path: The file to write.
        images: Images like those to come, `(B, H, W, C)`, 0..255: their
            activations decide the ranges.

    Raises:
        UsageError: If there is no image, or they are not of the model's size.
    """
    quantizer, operation = _quantizer(float32)
    batch, *shape = _input_shape(float32)
    shape = tuple(shape)
    if not len(images) or images.shape[1:] != shape:
        raise UsageError(
            f"Calibration needs images of the model's size, {shape}. "
            f"Received: {len(images)} of size {images.shape[1:]}."
        )
    quantizer.add_static_config(
        ".*", operation["FULLY_CONNECTED"], activation_num_bits=8, weight_num_bits=8
    )
    # The last group is filled up with images of the first.
    places = np.resize(np.arange(len(images)), -(-len(images) // batch) * batch)
    groups = images[places].reshape(-1, batch, *shape).astype("float32")
    samples = [{"images": group} for group in groups]
    try:
        with quiet():
            calibration = quantizer.calibrate({"serving_default": samples})
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"The model cannot be calibrated: {error}") from error
    _write(quantizer, path, calibration)


def _quantizer(float32):
    try:
        from litert_quantizer import qtyping, quantizer
    except ImportError as error:
        raise ExportError(
            "The int8 forms need litert-quantizer. Install it with "
            f"`pip install litert-quantizer` ({error})."
        ) from error
    return quantizer.Quantizer(str(float32)), qtyping.TFLOperationName


def _write(quantizer, path, calibration=None):
    try:
        with quiet():
            result = quantizer.quantize(calibration_result=calibration)
    except (ValueError, RuntimeError) as error:
        raise ExportError(f"The model cannot be quantized: {error}") from error
    # Its own way to write maps the file to memory: a full disk kills the process.
    path.write_bytes(result.quantized_model)


def _input_shape(path):
    from ai_edge_litert.interpreter import Interpreter

    (detail,) = Interpreter(str(path)).get_input_details()
    return tuple(int(side) for side in detail["shape"])
