"""Write a SavedModel: images in, probabilities, logits or features out."""

from pathlib import Path

import keras
import tensorflow as tf

from swin_keras.exporting.inference_model import logits, named_outputs, with_outputs
from swin_keras.exporting.letter_box import LetterBox
from swin_keras.models.feature_maps import features
from swin_keras.processes import same_logging


def export_saved_model(
    model, directory: Path, beside: dict | None = None, letter_box: bool = False
):
    """Write a SavedModel for any batch size.

    Each endpoint takes float32 images `(B, H, W, C)`, 0..255:

    - `serve`: `(B, classes)` probabilities (or the model's own outputs); also
      the serving signature,
    - `serve_xla`: the same, compiled by XLA for each batch size when it is first
      asked for one: for GPUs, where it is several times as fast,
    - `logits`: `(B, classes)` before the softmax,
    - `features`: a dictionary of the stages' feature maps.

    `logits` and `features` are there only where the model has them.

    Of a detector that was trained on letter-boxed pictures, `serve` and `serve_xla`
    take pictures of any one size `(B, h, w, C)`, and their boxes are shares of these;
    one more endpoint, `letter_box`, gives what the model sees of them.

    Args:
        model: A `keras.Model` from images.
        directory: The folder to write.
        beside: Further outputs of `serve` by name, symbolic; its own then have
            names, too.
        letter_box: Whether the model is such a detector.
    """
    outputs = {
        "serve": named_outputs(model) | beside if beside else model.output,
        "logits": logits(model),
        "features": features(model) or None,
    }
    outputs = {name: part for name, part in outputs.items() if part is not None}
    # Each endpoint is a part of one function, which is stored once; TensorFlow
    # leaves out what an endpoint does not need when it runs it.
    everything = tf.function(
        _inference(keras.Model(model.input, outputs)), autograph=False
    )
    endpoints = {
        name: lambda images, name=name: everything(images)[name] for name in outputs
    }
    endpoints["serve_xla"] = tf.function(endpoints["serve"], jit_compile=True)
    specs = dict.fromkeys(endpoints, image_spec(model, None))
    if letter_box:
        around, any_size = LetterBox(model.input_shape[1:]), _any_size(model)
        for name in ("serve", "serve_xla"):
            endpoints[name] = _within(around, endpoints[name])
        endpoints["letter_box"] = around.inputs
        specs |= dict.fromkeys(("serve", "serve_xla", "letter_box"), any_size)
    _write(endpoints, specs, directory)


def write_for_conversion(
    model, batch_size: int | None, directory: Path, beside: dict | None = None
):
    """Write a SavedModel of one signature, with a name for each output."""
    endpoints = {"serving_default": _inference(with_outputs(model, beside or {}))}
    specs = dict.fromkeys(endpoints, image_spec(model, batch_size))
    _write(endpoints, specs, directory)


def image_spec(model, batch_size: int | None):
    """Describe a model's input, for a batch size or any (`None`)."""
    shape = (batch_size, *model.input_shape[1:])
    return keras.InputSpec(shape=shape, dtype="float32", name="images")


def _inference(model):
    return lambda images: model(images, training=False)


def _any_size(model):
    shape = (None, None, None, model.input_shape[-1])
    return keras.InputSpec(shape=shape, dtype="float32", name="images")


def _within(letter_box, endpoint):
    """Return a function of pictures of any size around one of a model's images."""

    def answer(pictures):
        found = endpoint(letter_box.inputs(pictures))
        return letter_box.answers(found, pictures)

    return answer


def _write(endpoints: dict, specs: dict, directory: Path):
    """Write functions of images; their variables come along, each once.

    `ExportArchive.track` would store them a second time, under the model.
    """
    archive = keras.export.ExportArchive()
    for name, function in endpoints.items():
        archive.add_endpoint(name, function, [specs[name]])
    log = tf.get_logger()
    level = log.level
    log.setLevel("WARNING")  # in a notebook it would tell of our temporary folders
    try:
        with same_logging():
            archive.write_out(str(directory), verbose=False)
    finally:
        log.setLevel(level)
