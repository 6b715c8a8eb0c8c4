"""The report of a run: one HTML file that needs no other."""

import csv
import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np

from swin_keras.card import ModelCard
from swin_keras.data import ImageDataset
from swin_keras.evaluation import Evaluation
from swin_keras.report.embedding import LARGEST, image_uri, plot_uri
from swin_keras.report.plots import best_epoch, plot_confusion_matrix, plot_curves

MOST_ROWS = 30  # of a table of classes
MOST_PAIRS, IMAGES_OF_A_PAIR = 8, 4
MOST_MISTAKES = 24
CURVES = {"loss": "Loss", "accuracy": "Accuracy", "learning_rate": "Learning rate"}
MONITORS = {
    "val_loss": "the smallest loss",
    "val_accuracy": "the highest accuracy",
}
ONE_SIDED = 0.8  # share of one class that makes accuracy look better than it is


@dataclass(frozen=True, eq=False)
class RunReport:
    """What the report of a run is made from.

    Args:
        card: The card of the run, with what was measured.
        evaluation: The best model's, as `evaluate_dataset` returns it.
        dataset: The data of the run; its pictures are shown.
        metrics: The run's `metrics.csv`.
        parameters: Number of the model's weights.
        defaults: The training options as they are by default.
        split: The split that `evaluation` judged.
        evidence: For the images of the worst mistakes, by their place in the split,
            two Pillow images: what spoke for the class that was said, and for the
            true one.
    """

    card: ModelCard
    evaluation: Evaluation
    dataset: ImageDataset
    metrics: Path
    parameters: int
    defaults: Mapping
    split: str = "test"
    evidence: Mapping = field(default_factory=dict)


def write_report(path, report: RunReport):
    """Write one HTML file: results, pictures of mistakes, how the run was made.

    It loads nothing from elsewhere and holds no script. Tables of classes are cut
    to the 30 that most deserve a look.

    Args:
        path: The file to write.
        report: What to show.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("page")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "percent": _percent,
        "setting": _setting,
        "duration": _duration,
    }
    page = environment.get_template("report.html")
    text = page.render(
        card=report.card,
        evaluation=report.evaluation,
        dataset=report.dataset,
        parameters=report.parameters,
        split=report.split,
        versions=report.card.versions | {"platform": platform.platform()},
        **_run(report),
        **_results(report),
        **_pictures(report),
    )
    Path(path).write_text(text, "utf-8")


def _run(report):
    """Settings, epochs and class counts."""
    rows = _rows(report.metrics)
    counts = [
        np.bincount(split.labels, minlength=report.dataset.classes)
        for split in report.dataset.splits.values()
    ]
    names = report.dataset.class_names
    return {
        "epochs": len(rows),
        "best_epoch": best_epoch(rows, _monitor(report)),
        "monitor": MONITORS[_monitor(report)],
        "changed": {
            name: value
            for name, value in report.card.train.items()
            if name not in report.defaults
            or _setting(value) != _setting(report.defaults[name])
        },
        "class_counts": [
            (names[index], [int(count[index]) for count in counts])
            for index in _lowest(sum(counts))
        ],
    }


def _results(report):
    """Figures of the classes, and how sure the model was."""
    evaluation, answers = report.evaluation, report.evaluation.answers
    figures = list(evaluation.class_figures())
    largest = max(figures, key=lambda row: row.images)
    return {
        "figures": [figures[index] for index in _lowest([row.f1 for row in figures])],
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
    names = evaluation.class_names
    measured = next(iter(_rows(report.metrics)), {})
    return {
        "curves": [
            (title, _curve(report, metric))
            for metric, title in CURVES.items()
            if metric in measured
        ],
        "confusion": plot_uri(plot_confusion_matrix, evaluation.confusion, names),
        "mistakes": len(mistakes),
        "explained": bool(report.evidence),
        "worst": [_picture(report, mistake) for mistake in mistakes[:MOST_MISTAKES]],
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
            for *pair, images in evaluation.confused_pairs()[:MOST_PAIRS]
        ],
    }


def _curve(report, metric):
    return plot_uri(
        plot_curves, report.metrics, metrics=[metric], monitor=_monitor(report)
    )


def _monitor(report):
    return report.card.train.get("monitor", "val_loss")


def _picture(report, mistake):
    split, names = report.dataset.splits[report.split], report.evaluation.class_names
    channels = report.dataset.image_shape[-1]
    return {
        "uri": image_uri(split.image(mistake.index, channels, at_least=LARGEST)),
        "name": split.name(mistake.index),
        "true": names[mistake.true],
        "predicted": names[mistake.predicted],
        "mistake": mistake,
        "evidence": [image_uri(i) for i in report.evidence.get(mistake.index, ())],
    }


def _of_pair(mistakes, pair):
    return [one for one in mistakes if [one.true, one.predicted] == pair]


def _rows(metrics):
    with open(metrics, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _lowest(values):
    """Return all places in order, or of too many those of the lowest values."""
    if len(values) <= MOST_ROWS:
        return range(len(values))
    return np.argsort(values, kind="stable")[:MOST_ROWS]  # nan comes last


def _percent(share):
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%" if share == share else "-"


def _setting(value):
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)


def _duration(seconds):
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"
