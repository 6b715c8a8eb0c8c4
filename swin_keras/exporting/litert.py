"""Write the LiteRT files: the forms that run on phones."""

import contextlib
import functools
import logging
import tempfile
from pathlib import Path

import numpy as np

from swin_keras.exporting.config import FORMATS
from swin_keras.exporting.saved_model import write_for_conversion
from swin_keras.litert.conversion import converting
from swin_keras.litert.flatten import write_out_reshapes
from swin_keras.litert.float16 import store_float16, store_tables_float16
from swin_keras.litert.metadata import add_labels
from swin_keras.litert.metadata_tables import attach, output_names
from swin_keras.litert.quantize import STATIC_WARNING, quantize_dynamic, quantize_static
from swin_keras.litert.tables import pack, read_tables
from swin_keras.model_files import embed_card
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks import task_named

log = logging.getLogger(__name__)


@contextlib.contextmanager
def exporting_litert(
    model,
    folder: Path,
    formats,
    card: ModelCard,
    *,
    batch_size: int | None = 1,
    calibration: np.ndarray | None = None,
    beside: dict | None = None,
):
    """Write the LiteRT forms of a model; they are there at the end.

    Each takes `images`, `(batch_size, H, W, C)` float32, 0..255, and gives
    `probabilities`, `(batch_size, classes)`, or its own outputs by name. All have
    the model's card inside; those that MediaPipe can take also its metadata.

    The converter is a subprocess: what is done within the context is done
    at the same time.

    Args:
        model: A `keras.Model` for inference.
        folder: Where to write.
        formats: Names of the forms; those that are not LiteRT are left out.
        card: What to put inside.
        batch_size: Images at a time; `None` for any number.
        calibration: Images for `litert-int8-static`, `(B, H, W, C)`.
        beside: Further outputs by name, symbolic; MediaPipe, whose classifiers have
            one output, is then told nothing.

    Raises:
        ExportError: If the model cannot be converted.
        UsageError: If the calibration images are not of the model's size.
    """
    files = {
        form: folder / FORMATS[form] for form in formats if form.startswith("litert")
    }
    if not files:
        yield
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".litert-") as scratch:
        float32 = files.get("litert", Path(scratch) / "model.tflite")
        write = functools.partial(
            write_for_conversion, model, batch_size, beside=beside
        )
        with converting(write, Path(scratch) / "saved_model", float32):
            yield
        _finish(float32, card)
        if "litert-fp16" in files:
            _rewrite(float32, files["litert-fp16"], store_float16)
        if "litert-int8" in files:
            quantize_dynamic(float32, files["litert-int8"])
            _rewrite(files["litert-int8"], files["litert-int8"], store_tables_float16)
        if "litert-int8-static" in files:
            log.warning("%s", STATIC_WARNING)
            quantize_static(float32, files["litert-int8-static"], calibration)
    for path in files.values():
        if card.class_names:
            add_labels(path, card)
        embed_card(path, card)


def _finish(path: Path, card: ModelCard):
    """Write a converted file again, as phones take it best."""
    from ai_edge_litert import schema_py_generated as schema

    model = read_tables(path)
    write_out_reshapes(model, schema)
    _shorten_names(model.subgraphs[0])
    task = task_named(card.task)
    if task.suits_mediapipe(card):
        attach(model, schema, task.litert_metadata(card, output_names(model)))
    path.write_bytes(pack(model))


def _shorten_names(graph):
    """Call all but the inputs and outputs by number, as their users do.

    The converter's names are a quarter of the tables, and no runtime reads them.
    """
    named = {*graph.inputs, *graph.outputs}
    for index, tensor in enumerate(graph.tensors):
        if index not in named:
            tensor.name = b"%d" % index


def _rewrite(source: Path, path: Path, change):
    from ai_edge_litert import schema_py_generated as schema

    model = read_tables(source)
    change(model, schema)
    path.write_bytes(pack(model))
