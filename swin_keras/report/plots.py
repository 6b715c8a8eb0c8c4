"""Curves, confusion matrix and sheets of images, as PNG or SVG files.

Each function writes to a path, whose ending says which of the two, or to an open
binary file, which gets SVG on a transparent ground.
"""

import csv
import math
import warnings

import matplotlib
import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager, get_font
from matplotlib.text import Text

from swin_keras.drawing.font import font_file

TRAINING, VALIDATION = "#1f77b4", "#d95f02"  # told apart by the colour-blind, too
BEST = "#777777"
UNITS = {
    "loss": "loss",
    "accuracy": "accuracy (share of images)",
    "mean_iou": "mean IoU",
    "map": "mAP",
    "pr_auc": "mAP",
    "learning_rate": "learning rate (per step)",
}
MAX_NUMBERED, MAX_NAMED = 30, 100  # classes of a confusion matrix
LARGEST_NUMBER = 99_999  # that fits into one of its cells
SHEET_CELL, SHEET_PICTURE, SHEET_LINE = 1.4, 1.3, 0.16  # inches of a sheet of images


def plot_curves(
    metrics_csv,
    path,
    metrics=("loss", "accuracy", "learning_rate"),
    kept: int | None = None,
):
    """Draw loss, accuracy and learning rate over the epochs; mark the kept one.

    Args:
        metrics_csv: What `keras.callbacks.CSVLogger` wrote.
        path: The file to write.
        metrics: What to draw, side by side; what the file lacks is left out.
        kept: The epoch, from 1, whose model is kept.
    """
    rows = read_metrics(metrics_csv)
    known = rows[0] if rows else {}
    found = [name for name in metrics if known.keys() & {name, f"val_{name}"}]
    figure = Figure(figsize=(4.2 * max(len(found), 1), 3.5), layout="constrained")
    grid = figure.subplots(1, max(len(found), 1), squeeze=False)[0]
    for axes, metric in zip(grid, found, strict=False):
        _draw_metric(axes, rows, metric, kept)
    save_figure(figure, path)


def read_metrics(path) -> list[dict[str, float]]:
    """Return the rows of a `metrics.csv`; what a row lacks is NaN."""
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {name: float(value or "nan") for name, value in row.items()}
            for row in csv.DictReader(file)
        ]


def _draw_metric(axes, rows, metric, kept):
    epochs = [int(row["epoch"]) + 1 for row in rows]
    style = "-" if len(rows) > 40 else ".-"
    for column, label, colour in (
        (metric, None if metric == "learning_rate" else "training", TRAINING),
        (f"val_{metric}", "validation", VALIDATION),
    ):
        if column in rows[0]:
            values = [row[column] for row in rows]
            axes.plot(epochs, values, style, label=label, color=colour)
    if kept is not None:
        label = f"kept: epoch {kept}"
        axes.axvline(kept, color=BEST, linestyle=":", label=label, zorder=0)
    axes.set(xlabel="epoch", ylabel=UNITS.get(metric, metric))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[1]:
        axes.legend()


def plot_lr_range(rates, losses, chosen, path):
    """Draw the loss over the learning rate of a range test.

    Args:
        rates: Learning rates that rise from step to step.
        losses: Training loss at each; what is not finite is left out.
        chosen: The learning rate to mark.
        path: The file to write.
    """
    rates, losses = np.asarray(rates, float), np.asarray(losses, float)
    finite = np.isfinite(losses)
    rates, losses = rates[finite], losses[finite]
    smooth = smoothed(losses)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, color=TRAINING, alpha=0.3, label="loss of a step")
    axes.plot(rates, smooth, color=TRAINING, label="smoothed")
    label = f"chosen: {chosen:.2g}"
    axes.axvline(chosen, color=VALIDATION, linestyle="--", label=label)
    axes.set(xscale="log", xlabel="learning rate (per step)", ylabel=UNITS["loss"])
    if len(smooth):  # the end explodes: keep the fall before it in view
        low, high = smooth.min(), smooth[: max(1, smooth.argmin() + 1)].max()
        margin = max(high - low, 1e-3 * abs(high), 1e-9)
        axes.set_ylim(low - 0.3 * margin, high + 0.5 * margin)
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    save_figure(figure, path)


def smoothed(values, keep: float = 0.9) -> np.ndarray:
    """Return the moving average whose weights fall by `keep` a step.

    It starts at the first value, not at zero.

    >>> smoothed([1.0, 1.0, 1.0]).tolist()
    [1.0, 1.0, 1.0]
    """
    averages, total, weight = [], 0.0, 0.0
    for value in values:
        total, weight = keep * total + value, keep * weight + 1
        averages.append(total / weight)
    return np.array(averages)


def plot_confusion_matrix(confusion, class_names, path):
    """Draw how often each true class was taken for each class.

    Colours are shares of the true class; numbers are images, or the same shares where
    there are more than fit into a cell, as of pixels. More than 30 classes
    go without numbers and in colours that show small shares, too; more than 100
    go without names, and neighbours share a cell.

    Args:
        confusion: Numbers of images `(classes, classes)`, true by predicted.
        class_names: Names in that order.
        path: The file to write.
    """
    classes = len(class_names)
    numbered, named = classes <= MAX_NUMBERED, classes <= MAX_NAMED
    cells = _pooled(confusion, math.ceil(classes / MAX_NAMED))
    shares = cells / np.maximum(cells.sum(1, keepdims=True), 1)
    names = [_shortened(name) for name in class_names] if named else [""]
    beside = 0.07 * max(map(len, names))  # inches that the names take
    side = max(3.5, 1 + len(cells) * (0.5 if numbered else 0.13 if named else 0.07))
    figure = Figure(figsize=(side + 1.5 + beside, side + beside), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(
        shares,
        cmap="Blues",
        norm=PowerNorm(1 if numbered else 0.5, vmin=0, vmax=1),
        interpolation="none",
        extent=(-0.5, classes - 0.5, classes - 0.5, -0.5),
    )
    figure.colorbar(picture, shrink=0.6, pad=0.02, label="share of the true class")
    axes.set(xlabel="predicted class", ylabel="true class")
    if named:
        rotation = 90 if max(map(len, names)) > 3 or not numbered else 0
        text = {"parse_math": False, "fontsize": 10 if numbered else 7}
        axes.set_xticks(range(classes), names, rotation=rotation, **text)
        axes.set_yticks(range(classes), names, **text)
    if numbered:
        for row, column in np.argwhere(confusion):
            text = str(confusion[row, column])
            if confusion.max() > LARGEST_NUMBER:  # pixels, say
                text = f"{shares[row, column]:.0%}"
            if text == "0%":
                continue
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.5 else "black",
                fontsize=7 if len(text) > 3 and classes > 5 else 10,
            )
    save_figure(figure, path)


def mixed_title(shares, class_names) -> str:
    """Return a title for an image of several classes, one a line, the largest first.

    >>> mixed_title([0.7, 0.3], ["cat", "flower"])
    'cat 0.7 +\\nflower 0.3'
    >>> mixed_title([0.0, 1.0], ["cat", "flower"])
    'flower'
    >>> mixed_title([0.0, 0.6], ["cat", "flower"])  # the rest has no label
    'flower 0.6'
    """
    order = np.argsort(-np.asarray(shares), kind="stable")
    parts = [index for index in order if round(float(shares[index]), 1) > 0]
    if not parts:
        return "no label"
    if len(parts) == 1 and round(float(sum(shares)), 1) == 1:
        return class_names[parts[0]]
    return " +\n".join(
        f"{_shortened(class_names[index], 10)} {shares[index]:.1f}" for index in parts
    )


def _pooled(confusion, count):
    """Add up `count` neighbouring classes, by row and by column."""
    starts = range(0, len(confusion), count)
    return np.add.reduceat(np.add.reduceat(confusion, starts, 0), starts, 1)


def plot_images(images, titles, path, most: int = 32):
    """Draw a sheet of images, as the model sees them, with their classes.

    Args:
        images: `(B, H, W, C)`, 0..255, one or three channels.
        titles: A title each, of one line or a few.
        path: The file to write.
        most: Images shown at the most.
    """
    images, titles = images[:most], [str(title) for title in titles[:most]]
    columns = min(8, len(images))
    rows = math.ceil(len(images) / columns)
    high, wide = SHEET_PICTURE * np.array(images.shape[1:3]) / max(images.shape[1:3])
    above = SHEET_LINE * max(len(title.splitlines()) for title in titles)
    width, height = SHEET_CELL, above + high + SHEET_CELL - SHEET_PICTURE
    figure = Figure(figsize=(columns * width, rows * height))
    # One pair of axes, in inches: a pair for each image takes four times as long.
    axes = figure.add_axes((0, 0, 1, 1))
    for index, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(index, columns)
        middle, top = (column + 0.5) * width, row * height + above
        grey = image.shape[-1] == 1
        axes.imshow(
            (image[..., 0] if grey else image).astype("uint8"),
            extent=(middle - wide / 2, middle + wide / 2, top + high, top),
            cmap="gray",
            vmin=0,
            vmax=255,
        )
        text = "\n".join(_shortened(line, 16) for line in title.split("\n"))
        place = {"ha": "center", "va": "bottom", "fontsize": 8, "parse_math": False}
        axes.text(middle, top - 0.04, text, **place)
    axes.set(xlim=(0, columns * width), ylim=(rows * height, 0))
    axes.axis("off")
    save_figure(figure, path)


def _shortened(name, most=24):
    return name if len(name) <= most else f"{name[: most - 1]}…"


def save_figure(figure, path):
    """Write a figure to a path, or as SVG to an open binary file."""
    with warnings.catch_warnings(), matplotlib.rc_context({"svg.fonttype": "none"}):
        # A name in a script that no font has: boxes in a PNG, right in an SVG.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        if hasattr(path, "write"):
            figure.savefig(path, format="svg", transparent=True, bbox_inches="tight")
        else:
            _find_letters(figure)
            figure.savefig(path, dpi=120, bbox_inches="tight")


def _find_letters(figure):
    """Give the texts of a figure a second font, for letters that the first lacks."""
    texts = figure.findobj(Text)
    file = font_file(text.get_text() for text in texts)
    if file == font_file():
        return
    fontManager.addfont(file)
    for text in texts:
        text.set_fontfamily([*text.get_fontfamily(), get_font(file).family_name])
