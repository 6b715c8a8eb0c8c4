"""MediaPipe's metadata: what lets `ObjectDetector` take a LiteRT file as it is."""

import flatbuffers

from swin_keras.litert.metadata_tables import (
    VALUE_LABELS,
    labels_file,
    metadata_of,
    offsets,
    table,
)
from swin_keras.model_files.card import ModelCard

# Our outputs by the names that MediaPipe knows them by.
NAMES = {
    "boxes": "location",
    "classes": "category",
    "scores": "score",
    "count": "number of detections",
}
WORDS = {
    "boxes": "Top, left, bottom, right of each object, from 0 to 1.",
    "classes": "The number of each object's class.",
    "scores": "How certain each object is, the most certain first.",
    "count": "How many objects are certain enough.",
}
BOX_PROPERTIES = 3  # number of the union's member
BOUNDARIES, RATIO = 1, 0
LEFT_TOP_RIGHT_BOTTOM = (1, 0, 3, 2)  # where they are in a box


def detector_metadata(card: ModelCard, outputs) -> bytes:
    """Return the metadata of an object detector, as a flatbuffer.

    Args:
        card: Of the model.
        outputs: Names of the outputs, in the file's order; those of
            `TopDetections`.
    """
    builder = flatbuffers.Builder(1024)
    return metadata_of(builder, card, [_output(builder, name) for name in outputs])


def _output(builder, name):
    fields = {
        0: builder.CreateString(NAMES[name]),
        1: builder.CreateString(WORDS[name]),
    }
    if name == "boxes":
        fields[3] = _box_content(builder)
    if name == "classes":
        fields[6] = offsets(builder, [labels_file(builder, VALUE_LABELS)])
    return table(builder, 7, fields)


def _box_content(builder):
    builder.StartVector(4, 4, 4)
    for place in reversed(LEFT_TOP_RIGHT_BOTTOM):
        builder.PrependUint32(place)
    order = builder.EndVector()
    kinds = {1: ("Int8", BOUNDARIES), 2: ("Int8", RATIO)}
    box = table(builder, 3, {0: order}, kinds)
    return table(builder, 3, {1: box}, {0: ("Uint8", BOX_PROPERTIES)})
