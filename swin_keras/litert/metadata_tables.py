"""The tables of TensorFlow Lite's metadata schema (`M001`), as far as we need them.

They are written by hand, since no package writes them.
"""

import flatbuffers

from swin_keras.model_files.card import ModelCard

LABELS = "labels.txt"
NAME_IN_MODEL = "TFLITE_METADATA"
IMAGE_PROPERTIES, NORMALIZATION = 2, 1  # numbers of the unions' members
RGB, GRAYSCALE = 1, 2
AXIS_LABELS = 2  # a file with a label for each value of an axis
VALUE_LABELS = 3  # a file with a label for each value of a tensor


def attach(model, schema, data: bytes):
    """Put metadata into a LiteRT file.

    Args:
        model: The file as a `ModelT`; it is changed.
        schema: The module of the file's tables.
        data: What `metadata_of` returned.
    """
    buffer = schema.BufferT()
    buffer.data = data
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name, entry.buffer = NAME_IN_MODEL, len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def metadata_of(
    builder: flatbuffers.Builder, card: ModelCard, outputs, custom=None
) -> bytes:
    """Return the metadata of a model from images, as a flatbuffer.

    Args:
        builder: With which the outputs were made.
        card: Of the model.
        outputs: The table of each output, in the file's order.
        custom: What a task of MediaPipe wants to know besides: bytes by name.
    """
    images = image_tensor(builder, *card.model["input_shape"])
    parts = {2: offsets(builder, [images]), 3: offsets(builder, outputs)}
    if custom:
        parts[9] = offsets(
            builder, [_custom(builder, *item) for item in custom.items()]
        )
    graph = table(builder, 10, parts)
    model = table(
        builder,
        8,
        {
            0: builder.CreateString(card.name),
            1: builder.CreateString(_about(card)),
            3: offsets(builder, [graph]),
            7: builder.CreateString("1.0.0"),  # of the parser
        },
    )
    builder.Finish(model, b"M001")
    return bytes(builder.Output())


def _about(card):
    shape = "; takes pictures with black at two sides (letter box)"
    return f"{card.variant} by swin-keras{shape if card.letter_box else ''}"


def _custom(builder, name, data):
    # Who reads the bytes wants them to begin at a multiple of 16.
    builder.StartVector(1, len(data), 16)
    for value in reversed(data):
        builder.PrependByte(value)
    content = builder.EndVector()
    return table(builder, 2, {0: builder.CreateString(name), 1: content})


def labels_file(builder, kind: int):
    """Return the table of the file with the names of the classes."""
    fields = {
        0: builder.CreateString(LABELS),
        1: builder.CreateString("The names of the classes."),
    }
    return table(builder, 5, fields, {2: ("Int8", kind)})


def image_tensor(builder, height, width, channels):
    """Return the table of the images that a model takes."""
    size = table(builder, 2, {}, {0: ("Uint32", width), 1: ("Uint32", height)})
    color = GRAYSCALE if channels == 1 else RGB
    image = table(builder, 2, {1: size}, {0: ("Int8", color)})
    content = table(builder, 3, {1: image}, {0: ("Uint8", IMAGE_PROPERTIES)})
    options = {0: floats(builder, [0.0]), 1: floats(builder, [1.0])}
    normalization = table(builder, 2, options)
    unit = table(builder, 2, {1: normalization}, {0: ("Uint8", NORMALIZATION)})
    stats = {0: floats(builder, [255.0]), 1: floats(builder, [0.0])}
    fields = {
        0: builder.CreateString("images"),
        1: builder.CreateString("The image, red green blue, 0 to 255."),
        3: content,
        4: offsets(builder, [unit]),
        5: table(builder, 2, stats),
    }
    return table(builder, 7, fields)


def table(builder, slots: int, references, numbers=None):
    """Write a table.

    Args:
        builder: Of the flatbuffer.
        slots: Fields that its kind has.
        references: What is elsewhere, by the number of the field.
        numbers: What is inside, by the number of the field: its type and value.
    """
    builder.StartObject(slots)
    for slot, offset in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, (kind, value) in (numbers or {}).items():
        getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
    return builder.EndObject()


def offsets(builder, items):
    """Write a vector of tables."""
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        builder.PrependUOffsetTRelative(item)
    return builder.EndVector()


def floats(builder, values):
    """Write a vector of float32 numbers."""
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return builder.EndVector()


def output_names(model) -> list[str]:
    """Return the names of a LiteRT file's outputs, in the file's order.

    Args:
        model: The file as a `ModelT`, with one signature.
    """
    (signature,) = model.signatureDefs
    names = {output.tensorIndex: output.name for output in signature.outputs}
    return [names[tensor].decode() for tensor in model.subgraphs[0].outputs]
