"""Write a SavedModel: images in, probabilities out, any batch."""

from pathlib import Path

import keras


def export_saved_model(model, directory: Path):
    """Write a SavedModel with the endpoint `serve`.

    `serve` takes `(B, H, W, C)` float32 images, 0..255, for any `B`, and gives
    `(B, classes)`. It is also the serving signature.

    Args:
        model: A `keras.Model` from images to classes.
        directory: The folder to write.
    """
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",
        lambda images: model(images, training=False),
        input_signature=[
            keras.InputSpec(
                shape=(None, *model.input_shape[1:]), dtype="float32", name="images"
            )
        ],
    )
    archive.write_out(str(directory), verbose=False)
