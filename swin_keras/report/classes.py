"""How a classifier's report looks: confusion, classes, mistakes."""

import numpy as np

from swin_keras.data.mixing import shares_of
from swin_keras.report.embedding import LARGEST, image_uri, plot_uri
from swin_keras.report.gallery import lowest
from swin_keras.report.plots import mixed_title, plot_confusion_matrix, plot_images

TEMPLATE = "classes.html"
MAX_PAIRS, IMAGES_OF_A_PAIR = 8, 4
MAX_MISTAKES = 24
ONE_SIDED = 0.8  # share of one class that makes accuracy look better than it is


def plot(evaluation, folder):
    """Draw the confusion matrix into a run's folder of plots."""
    path = folder / "confusion_matrix.png"
    plot_confusion_matrix(evaluation.confusion, evaluation.class_names, path)


def plot_training_images(images, targets, dataset, path):
    """Draw a sheet of training images with their classes, or shares of them."""
    shares = shares_of(targets, dataset.classes)
    titles = [mixed_title(one, dataset.class_names) for one in shares]
    plot_images(images, titles, path)


def values(report) -> dict:
    """Return what the template shows of a `RunReport`."""
    return {**_counts(report), **_results(report), **_pictures(report)}


def _counts(report):
    dataset = report.dataset
    counts = [
        np.bincount(split.labels, minlength=dataset.classes)
        for split in dataset.splits.values()
    ]
    return {
        "class_counts": [
            (dataset.class_names[index], [int(count[index]) for count in counts])
            for index in lowest(sum(counts))
        ]
    }


def _results(report):
    """Figures of the classes, and how sure the model was."""
    evaluation, answers = report.evaluation, report.evaluation.answers
    figures = list(evaluation.class_figures())
    largest = max(figures, key=lambda row: row.images)
    return {
        "figures": [figures[index] for index in lowest([row.f1 for row in figures])],
        "balanced_accuracy": float(np.nanmean([row.recall for row in figures])),
        "largest": largest,
        "one_sided": largest.images >= ONE_SIDED * evaluation.images,
        "calibration_error": answers.calibration_error(),
        "sureness": float(answers.predicted_probability.mean()),
    }


def _pictures(report):
    """Curves, confusion matrix, and the images behind the numbers."""
    evaluation = report.evaluation
    mistakes = evaluation.answers.mistakes()
    worst = mistakes[:MAX_MISTAKES]
    evidence = report.explain(worst) if report.explain else {}
    names = evaluation.class_names
    return {
        "confusion": plot_uri(plot_confusion_matrix, evaluation.confusion, names),
        "mistakes": len(mistakes),
        "explained": bool(evidence),
        "worst": [_picture(report, mistake, evidence) for mistake in worst],
        "pairs": [
            {
                "true": names[pair[0]],
                "predicted": names[pair[1]],
                "images": images,
                "pictures": [
                    _picture(report, mistake)
                    for mistake in _of_pair(mistakes, pair)[:IMAGES_OF_A_PAIR]
                ],
            }
            for *pair, images in evaluation.confused_pairs()[:MAX_PAIRS]
        ],
    }


def _picture(report, mistake, evidence=None):
    split, names = report.dataset.splits[report.split], report.evaluation.class_names
    channels = report.dataset.image_shape[-1]
    return {
        "uri": image_uri(split.image(mistake.index, channels, at_least=LARGEST)),
        "name": split.name(mistake.index),
        "true": names[mistake.true],
        "predicted": names[mistake.predicted],
        "mistake": mistake,
        "evidence": [image_uri(i) for i in (evidence or {}).get(mistake.index, ())],
    }


def _of_pair(mistakes, pair):
    return [one for one in mistakes if [one.true, one.predicted] == pair]
