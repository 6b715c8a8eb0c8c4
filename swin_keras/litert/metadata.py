"""MediaPipe's metadata: what lets `ImageClassifier` take a LiteRT file as it is.

The tables are those of TensorFlow Lite's metadata schema (`M001`), of which a
classifier needs a few; they are written by hand, since no package writes them.
"""

import zipfile
from pathlib import Path

import flatbuffers

from swin_keras.model_files.card import ModelCard

LABELS = "labels.txt"
NAME_IN_MODEL = "TFLITE_METADATA"
IMAGE_PROPERTIES, NORMALIZATION = 2, 1  # numbers of the unions' members
RGB, GRAYSCALE = 1, 2
AXIS_LABELS = 2  # a file with a label for each value of an axis


def add_metadata(model, schema, metadata: bytes):
    """Write metadata into a LiteRT file.

    Images are 0..255 and the graph normalizes them itself, so MediaPipe is told
    mean 0 and standard deviation 1. Mean and deviation must be given for float
    images, and MediaPipe takes only one number for all channels.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
        metadata: Such as `classifier_metadata`.
    """
    buffer = schema.BufferT()
    buffer.data = metadata
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME_IN_MODEL, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def add_labels(path: Path, card: ModelCard):
    """Append the class names to a LiteRT file, where its metadata says they are."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(LABELS, "\n".join(card.class_names) + "\n")


def classifier_metadata(card: ModelCard) -> bytes:
    """Return the metadata of an image classifier, as a flatbuffer."""
    builder = flatbuffers.Builder(1024)
    height, width, channels = card.model["input_shape"]
    images = _images(builder, height, width, channels)
    probabilities = _probabilities(builder)
    graph = _table(
        builder,
        9,
        {
            2: _offsets(builder, [images]),
            3: _offsets(builder, [probabilities]),
        },
    )
    model = _table(
        builder,
        8,
        {
            0: builder.CreateString(card.name),
            1: builder.CreateString(f"{card.variant} by swin-keras"),
            3: _offsets(builder, [graph]),
            7: builder.CreateString("1.0.0"),  # of the parser
        },
    )
    builder.Finish(model, b"M001")
    return bytes(builder.Output())


def _images(builder, height, width, channels):
    size = _table(builder, 2, {}, {0: ("Uint32", width), 1: ("Uint32", height)})
    color = GRAYSCALE if channels == 1 else RGB
    image = _table(builder, 2, {1: size}, {0: ("Int8", color)})
    content = _table(builder, 3, {1: image}, {0: ("Uint8", IMAGE_PROPERTIES)})
    options = {0: _floats(builder, [0.0]), 1: _floats(builder, [1.0])}
    normalization = _table(builder, 2, options)
    unit = _table(builder, 2, {1: normalization}, {0: ("Uint8", NORMALIZATION)})
    stats = {0: _floats(builder, [255.0]), 1: _floats(builder, [0.0])}
    fields = {
        0: builder.CreateString("images"),
        1: builder.CreateString("The image, red green blue, 0 to 255."),
        3: content,
        4: _offsets(builder, [unit]),
        5: _table(builder, 2, stats),
    }
    return _table(builder, 7, fields)


def _probabilities(builder):
    labels = {
        0: builder.CreateString(LABELS),
        1: builder.CreateString("The names of the classes."),
    }
    labels = _table(builder, 5, labels, {2: ("Int8", AXIS_LABELS)})
    fields = {
        0: builder.CreateString("probabilities"),
        1: builder.CreateString("The probability of each class."),
        6: _offsets(builder, [labels]),
    }
    return _table(builder, 7, fields)


def _table(builder, slots, offsets, numbers=None):
    builder.StartObject(slots)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, (kind, value) in (numbers or {}).items():
        getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return builder.EndObject()


def _offsets(builder, items):
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def _floats(builder, values):
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()
