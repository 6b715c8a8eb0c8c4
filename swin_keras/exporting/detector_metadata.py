"""MediaPipe's metadata: what lets `ObjectDetector` take a LiteRT file as it is."""

import flatbuffers

from swin_keras.card import ModelCard
from swin_keras.exporting.metadata_tables import (
    VALUE_LABELS,
    attach,
    labels_file,
    metadata_of,
    offsets,
    table,
)

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


def add_detector_metadata(model, schema, card: ModelCard):
    """Write the metadata of an object detector into a LiteRT file.

    The file is that of `end_in_detections`, for one picture at a time. The names of
    the classes are appended by `add_labels`.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
        card: Whose class names and description go in.
    """
    attach(model, schema, detector_metadata(card, output_names(model)))


def detector_metadata(card: ModelCard, outputs) -> bytes:
    """Return the metadata of an object detector, as a flatbuffer.

    Args:
        card: Of the model.
        outputs: Names of the outputs, in the file's order; those of
            `TopDetections`.
    """
    builder = flatbuffers.Builder(1024)
    return metadata_of(builder, card, [_output(builder, name) for name in outputs])


def output_names(model) -> list[str]:
    """Return the names of a LiteRT file's outputs, in the file's order.

    Args:
        model: The file as a `ModelT`, with one signature.
    """
    (signature,) = model.signatureDefs
    names = {output.tensorIndex: output.name for output in signature.outputs}
    return [names[tensor].decode() for tensor in model.subgraphs[0].outputs]


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
