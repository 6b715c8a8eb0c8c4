"""Write a SavedModel: images in, probabilities, logits or features out."""

from pathlib import Path

import keras

from swin_keras.exporting.inference_model import features, logits, named_outputs


def export_saved_model(model, directory: Path) -> list[str]:
    """Write a SavedModel for any batch size.

    Each endpoint takes float32 images `(B, H, W, C)`, 0..255:

    - `serve`: `(B, classes)` probabilities (or the model's own outputs); also
      the serving signature,
    - `logits`: `(B, classes)` before the softmax,
    - `features`: a dictionary of the stages' feature maps.

    Args:
        model: A `keras.Model` from images.
        directory: The folder to write.

    Returns:
        The names of the endpoints; the last two only where the model has them.
    """
    outputs = {"serve": model.output, "logits": logits(model)}
    outputs["features"] = features(model) or None
    archive = keras.export.ExportArchive()
    archive.track(model)
    endpoints = [name for name, output in outputs.items() if output is not None]
    for name in endpoints:
        part = keras.Model(model.input, outputs[name])
        archive.add_endpoint(name, _inference(part), [image_spec(model, None)])
    archive.write_out(str(directory), verbose=False)
    return endpoints


def write_for_conversion(model, directory: Path, batch_size: int | None):
    """Write a SavedModel of one signature, with a name for each output."""
    part = keras.Model(model.input, named_outputs(model))
    archive = keras.export.ExportArchive()
    archive.track(part)
    archive.add_endpoint(
        "serving_default", _inference(part), [image_spec(model, batch_size)]
    )
    archive.write_out(str(directory), verbose=False)


def image_spec(model, batch_size: int | None):
    """Describe a model's input, for a batch size or any (`None`)."""
    shape = (batch_size, *model.input_shape[1:])
    return keras.InputSpec(shape=shape, dtype="float32", name="images")


def _inference(model):
    return lambda images: model(images, training=False)
