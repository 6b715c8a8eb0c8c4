"""How the report of a model with several classes an image looks."""

import numpy as np

from swin_keras.report.embedding import LARGEST, image_uri
from swin_keras.report.gallery import SHOWN, table_of_classes
from swin_keras.report.plots import plot_images
from swin_keras.scores.multi_label import THRESHOLD

TEMPLATE = "pictures.html"


def plot(evaluation, folder):
    """Draw nothing: the table of classes says it all."""


def plot_training_images(images, targets, dataset, path):
    """Draw a sheet of training images with the names of their classes."""
    titles = [
        " +\n".join(np.array(dataset.class_names)[row > 0]) or "none" for row in targets
    ]
    plot_images(images, titles, path)


def values(report) -> dict:
    """Return what the template shows of a `RunReport`."""
    return {
        "layout": "large",
        **table_of_classes(report.evaluation, report.evaluation.average_precisions),
        "galleries": [
            (
                "Worst mistakes",
                "Images whose classes the model was most surely wrong about.",
                [_shown(report, index) for index in _worst(report.evaluation)],
            )
        ],
    }


def _worst(evaluation):
    """Return the images whose classes are wrong, the furthest off first."""
    said = evaluation.probabilities >= THRESHOLD
    distance = np.abs(evaluation.probabilities - evaluation.truth).max(1)
    order = np.argsort(-distance, kind="stable")
    is_wrong = (said != evaluation.truth).any(1)
    return [int(i) for i in order if is_wrong[i]][: 2 * SHOWN]


def _shown(report, index):
    evaluation = report.evaluation
    split, names = report.dataset.split(report.split), np.array(evaluation.class_names)
    true = ", ".join(names[evaluation.truth[index]]) or "none"
    said = ", ".join(names[evaluation.probabilities[index] >= THRESHOLD]) or "none"
    channels = report.dataset.image_shape[-1]
    return {
        "uri": image_uri(split.image(index, channels, at_least=LARGEST)),
        "name": split.name(index),
        "caption": f"true: {true}; said: {said}",
    }
