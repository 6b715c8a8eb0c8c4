"""MediaPipe's metadata: what lets `ImageSegmenter` take a LiteRT file as it is."""

import flatbuffers

from swin_keras.litert.metadata_tables import (
    AXIS_LABELS,
    labels_file,
    metadata_of,
    offsets,
    table,
)
from swin_keras.model_files.card import ModelCard

NAME = "SEGMENTER_METADATA"  # by which MediaPipe finds its own part
NO_ACTIVATION = 0  # the outputs are probabilities already


def segmenter_metadata(card: ModelCard) -> bytes:
    """Return the metadata of a segmenter, as a flatbuffer.

    Args:
        card: Of the model, whose output is probabilities `(1, h, w, classes)`;
            MediaPipe resizes them to the picture.
    """
    builder = flatbuffers.Builder(1024)
    labels = labels_file(builder, AXIS_LABELS)
    output = table(
        builder,
        7,
        {
            0: builder.CreateString("probabilities"),
            1: builder.CreateString("The probability of each class at each place."),
            6: offsets(builder, [labels]),
        },
    )
    return metadata_of(builder, card, [output], custom={NAME: _options()})


def _options() -> bytes:
    """Return what MediaPipe's segmenter wants to know, as a flatbuffer of its own."""
    builder = flatbuffers.Builder(64)
    version = builder.CreateString("1.0.0")
    # The number of no activation is 0, which a table leaves out.
    builder.Finish(table(builder, 2, {1: version}), b"V001")
    return bytes(builder.Output())
