"""Write the LiteRT files: the forms that run on phones."""

import logging
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np

from swin_keras.card import ModelCard
from swin_keras.exporting.config import FORMATS
from swin_keras.exporting.conversion import convert
from swin_keras.exporting.flatten import write_out_reshapes
from swin_keras.exporting.metadata import add_labels, add_metadata
from swin_keras.exporting.quantize import (
    STATIC_WARNING,
    quantize_dynamic,
    quantize_static,
)
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.model_files import embed_card

log = logging.getLogger(__name__)


def export_litert(
    model,
    folder: Path,
    formats,
    card: ModelCard,
    *,
    batch_size: int | None = 1,
    calibration: np.ndarray | None = None,
) -> list[Path]:
    """Write the LiteRT forms of a model.

    Each takes `images`, `(batch_size, H, W, C)` float32, 0..255, and gives
    `probabilities`, `(batch_size, classes)`, or its own outputs by name. All have
    the model's card inside; those of a classifier also MediaPipe's metadata.

    Args:
        model: A `keras.Model` for inference.
        folder: Where to write.
        formats: Names of the forms; those that are not LiteRT are left out.
        card: What to put inside.
        batch_size: Images at a time; `None` for any number.
        calibration: Images for `litert-int8-static`, `(B, H, W, C)`.

    Returns:
        The files.

    Raises:
        ExportError: If the model cannot be converted.
        UsageError: If the calibration images are not of the model's size.
    """
    files = {
        form: folder / FORMATS[form] for form in formats if form.startswith("litert")
    }
    if not files:
        return []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".litert-") as scratch:
        float32 = files.get("litert", Path(scratch) / "model.tflite")
        float16 = files.get("litert-fp16")
        write_for_conversion(model, Path(scratch) / "saved_model", batch_size)
        convert(Path(scratch) / "saved_model", float32, float16)
        is_classifier = len(model.outputs) == 1 and len(model.outputs[0].shape) == 2
        for path in filter(None, (float32, float16)):
            _finish(path, card if is_classifier else None)
        if "litert-int8" in files:  # takes the metadata over
            quantize_dynamic(float32, files["litert-int8"])
        if "litert-int8-static" in files:
            log.warning("%s", STATIC_WARNING)
            quantize_static(float32, files["litert-int8-static"], calibration)
    for path in files.values():
        if is_classifier:
            add_labels(path, card)
        embed_card(path, card)
    return list(files.values())


def _finish(path: Path, card: ModelCard | None):
    """Write a converted file again, as phones take it best."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(path.read_bytes())
    write_out_reshapes(model, schema)
    if card:
        add_metadata(model, schema, card)
    builder = flatbuffers.Builder(path.stat().st_size + 2**16)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(builder.Output())
