"""The README of an exported model."""

from swin_keras.card import ModelCard
from swin_keras.exporting.table import as_markdown


def describe(card: ModelCard) -> str:
    """Return the README of an exported model, in Markdown."""
    height, width, channels = card.model["input_shape"]
    measured = "\n".join(
        f"| {name.replace('_', ' ')} | {value:.4g} |"
        for name, value in card.metrics.items()
    )
    checks = as_markdown(card.checks) if card.checks else "Not checked."
    return f"""# {card.name}

`{card.variant}`, {height} x {width} x {channels}, {_classes(card)}.

Trained on {card.data.get("name", "unknown data")}. Made by:

    {card.command}

| measured | |
|---|---|
{measured}

Each form against `model.keras`; the latency is that of one image on two threads of
the machine that made the export:

{checks}

Each file takes images as they are, 0..255, `(batch, {height}, {width}, {channels})`,
and gives {_outputs(card)}. Mean and standard deviation are
inside. {
        _batches(card)
    }Images of another size are cut to the same aspect ratio around the centre
(share kept: {card.crop_fraction}) and resized, bicubic with antialiasing.

    swin-keras {"predict" if card.class_names else "benchmark"} {card.name}{
        " image.jpg" if card.class_names else ""
    }
"""


def _classes(card):
    if not card.class_names:
        return "feature maps"
    names = ", ".join(card.class_names[:20])
    more = len(card.class_names) - 20
    rest = f" and {more} more" if more > 0 else ""
    return f"{len(card.class_names)} classes:\n{names}{rest}"


def _batches(card):
    """Say how many images the LiteRT files take, which no resizing changes."""
    if not any(name.endswith(".tflite") for name in card.files):
        return ""
    size = card.litert_batch_size
    if size == 0:
        return "\nThe `.tflite` files take any number of images at a time.\n"
    images = "one image" if size == 1 else f"{size} images"
    return (
        f"\nThe `.tflite` files take {images} at a time and cannot be resized to "
        "another\nnumber: for that, export with `--batch-size`, 0 for any.\n"
    )


def _outputs(card):
    if not card.class_names:
        return "the feature map of each stage, by name: `C2` has a quarter of the sides"
    return "probabilities in the order of `labels.txt`"
