"""The README of an exported model."""

import math
import shlex

from swin_keras.exporting.markdown import as_block, as_code, as_text
from swin_keras.exporting.table import LEGEND, as_markdown
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks import task_named

MIN_FOR_TOP5 = 6


def readme_text(card: ModelCard) -> str:
    """Return the README of an exported model, in Markdown.

    Args:
        card: Of the export, complete.
    """
    height, width, channels = card.model["input_shape"]
    chapters = [
        f"# {as_text(card.name)}",
        f"{as_code(card.variant)}, {height} x {width} x {channels}, {_classes(card)}.",
        f"Trained on {as_text(card.data.get('name', 'unknown data'))}. Made by:",
        as_block(card.command),
        _metrics(card),
        _checks(card),
        f"Each file takes images `(batch, {height}, {width}, {channels})` and gives "
        f"{task_named(card.task).about_outputs(card)}. {_values(card)}",
        _batches(card),
        _endpoints(card),
        task_named(card.task).about_pictures(card),
        "From the folder that holds this one:",
        as_block(_try_it(card)),
    ]
    return "\n\n".join(chapter for chapter in chapters if chapter) + "\n"


def _classes(card):
    if not card.class_names:
        return "feature maps"
    names = ", ".join(map(as_text, card.class_names[:20]))
    more = len(card.class_names) - 20
    rest = f" and {more} more" if more > 0 else ""
    return f"{len(card.class_names)} classes: {names}{rest}"


def _metrics(card):
    rows = [
        f"| {as_text(name.replace('_', ' '))} | {value:.4g} |"
        for name, value in card.metrics.items()
        if _is_number(value) and not _says_nothing(name, card)
    ]
    return "\n".join(["| measured | |", "|---|---|", *rows]) if rows else ""


def _is_number(value) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _says_nothing(metric, card) -> bool:
    """Return whether a figure is 1 by its definition: top-5 of five classes."""
    return "top5" in metric and len(card.class_names) < MIN_FOR_TOP5


def _checks(card):
    if not card.checks:
        return "Not checked."
    legend = "\n".join(f"- {column}: {text}" for column, text in LEGEND.items())
    return f"""Each form against `model.keras`:

{as_markdown(card.checks, task_named(card.task).title)}

{legend}"""


def _values(card):
    if card.normalizes:
        return (
            "Their values are 0..255, as they are read: normalization is inside the "
            f"model.{_greys(card)}"
        )
    return (
        "**Their values must be normalized as in training**: the model has no layer "
        "that does it."
    )


def _greys(card):
    """Say what becomes of grey pictures of more than 8 bits, where there may be any."""
    if not card.grey_range and card.model["input_shape"][-1] != 1:
        return ""
    if not card.grey_range:
        return " Of grey pictures of 16 bits, the upper eight are taken."
    low, high = card.grey_range
    return (
        f" Of grey pictures of more than 8 bits, {low:g} becomes 0 and {high:g} "
        "becomes 255, what is between in proportion, rounded."
    )


def _batches(card):
    """Say how many images the LiteRT files take, which no resizing changes."""
    if not any(name.endswith(".tflite") for name in card.files):
        return ""
    size = card.litert_batch_size
    if size == 0:
        return "The `.tflite` files take any number of images at a time."
    count = "one image" if size == 1 else f"{size} images"
    return (
        f"The `.tflite` files take {count} at a time and cannot be resized to another "
        "number: for that, export with `--batch-size`, 0 for any."
    )


def _endpoints(card):
    """Say which endpoint of a SavedModel is for what."""
    if not any(name.startswith("saved_model/") for name in card.files):
        return ""
    return (
        "The SavedModel's endpoint `serve`, which is also its default signature, runs "
        "anywhere. `serve_xla` gives the same, compiled by XLA for each number of "
        "images when it is first asked for one: it is for GPUs, where it is several "
        "times as fast."
    )


def _try_it(card):
    if card.class_names:
        return f"swin-keras predict {shlex.quote(card.name)} image.jpg"
    return f"swin-keras benchmark {shlex.quote(card.name)}"
