"""Curves, confusion matrix and sheets of images, as PNG files."""

import csv
import math

import numpy as np
from matplotlib.figure import Figure

TRAINING, VALIDATION = "#1f77b4", "#d95f02"  # told apart by the colour-blind, too


def plot_curves(metrics_csv, path):
    """Draw loss and accuracy of training and validation over the epochs.

    Args:
        metrics_csv: What `keras.callbacks.CSVLogger` wrote.
        path: The PNG file to write.
    """
    with open(metrics_csv, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, metric in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for column, label, colour in (
            (metric, "training", TRAINING),
            (f"val_{metric}", "validation", VALIDATION),
        ):
            values = [float(row[column]) for row in rows]
            axes.plot(epochs, values, ".-", label=label, color=colour)
        axes.set(xlabel="epoch", ylabel=metric)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=120)


def plot_confusion_matrix(confusion, class_names, path):
    """Draw how often each true class was taken for each class.

    Colours are shares of the true class; numbers are images.

    Args:
        confusion: Numbers of images `(classes, classes)`, true by predicted.
        class_names: Names in that order.
        path: The PNG file to write.
    """
    classes = len(class_names)
    shares = confusion / np.maximum(confusion.sum(1, keepdims=True), 1)
    side = min(max(4, 0.5 * classes + 2), 40)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="true")
    if classes <= 100:
        rotation = 90 if max(map(len, class_names)) > 3 else 0
        axes.set_xticks(range(classes), class_names, rotation=rotation)
        axes.set_yticks(range(classes), class_names)
    if classes <= 30:
        for row, column in np.argwhere(confusion):
            colour = "white" if shares[row, column] > 0.5 else "black"
            text = str(confusion[row, column])
            axes.text(column, row, text, ha="center", va="center", color=colour)
    figure.savefig(path, dpi=120)


def plot_images(images, titles, path, most: int = 32):
    """Draw a sheet of images, as the model sees them, with their classes.

    Args:
        images: `(B, H, W, C)`, 0..255, one or three channels.
        titles: A title each.
        path: The PNG file to write.
        most: Images shown at the most.
    """
    images, titles = images[:most], titles[:most]
    columns = min(8, len(images))
    rows = math.ceil(len(images) / columns)
    figure = Figure(figsize=(1.4 * columns, 1.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, title in zip(grid, images, titles, strict=False):
        image = image.astype("uint8")
        grey = image.shape[-1] == 1
        axes.imshow(image[..., 0] if grey else image, cmap="gray", vmin=0, vmax=255)
        axes.set_title(str(title), fontsize=8)
    figure.savefig(path, dpi=120)
