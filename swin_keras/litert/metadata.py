"""MediaPipe's metadata: what lets `ImageClassifier` take a LiteRT file as it is."""

import zipfile
from pathlib import Path

import flatbuffers

from swin_keras.litert.metadata_tables import (
    AXIS_LABELS,
    LABELS,
    labels_file,
    metadata_of,
    offsets,
    table,
)
from swin_keras.model_files.card import ModelCard


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
