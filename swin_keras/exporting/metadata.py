"""MediaPipe's metadata: what lets `ImageClassifier` take a LiteRT file as it is."""

import zipfile
from pathlib import Path

import flatbuffers

from swin_keras.card import ModelCard
from swin_keras.exporting.metadata_tables import (
    AXIS_LABELS,
    LABELS,
    attach,
    labels_file,
    metadata_of,
    offsets,
    table,
)


def add_metadata(model, schema, card: ModelCard):
    """Write the metadata of an image classifier into a LiteRT file.

    Images are 0..255 and the graph normalizes them itself, so MediaPipe is told
    mean 0 and standard deviation 1. Mean and deviation must be given for float
    images, and MediaPipe takes only one number for all channels.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
        card: Whose class names and description go in.
    """
    attach(model, schema, classifier_metadata(card))


def add_labels(path: Path, card: ModelCard):
    """Append the class names to a LiteRT file, where its metadata says they are."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LABELS, "\n".join(card.class_names) + "\n")


def classifier_metadata(card: ModelCard) -> bytes:
    """Return the metadata of an image classifier, as a flatbuffer."""
    builder = flatbuffers.Builder(1024)
    fields = {
        0: builder.CreateString("probabilities"),
        1: builder.CreateString("The probability of each class."),
        6: offsets(builder, [labels_file(builder, AXIS_LABELS)]),
    }
    return metadata_of(builder, card, [table(builder, 7, fields)])
