"""The report of a run: one HTML file that needs no other."""

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import jinja2

from swin_keras.data import ImageDataset
from swin_keras.model_files.card import ModelCard
from swin_keras.report import boxes, classes, labels, masks
from swin_keras.report.embedding import plot_uri
from swin_keras.report.plots import plot_curves, read_metrics
from swin_keras.scores.best_epoch import better_row, is_best, kept_figures
from swin_keras.scores.classification import Evaluation
from swin_keras.screen import duration
from swin_keras.tasks import task_named

CURVES = {"loss": "Loss", "learning_rate": "Learning rate"}
# How each task's part of the page is made: a module with TEMPLATE, `values`, `plot` and
# `plot_training_images`.
PARTS = {
    "classify": classes,
    "multi-label": labels,
    "segment": masks,
    "detect": boxes,
}


def part_of(task: str):
    """Return the module that shows a task's results."""
    return PARTS[task]


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
        explain: From mistakes to evidence: by an image's place in the split, two
            Pillow images, what spoke for the class that was said and for the true one.
    """

    card: ModelCard
    evaluation: Evaluation
    dataset: ImageDataset
    metrics: Path
    parameters: int
    defaults: Mapping
    split: str = "test"
    explain: Callable | None = None


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
        "duration": duration,
    }
    part = part_of(report.card.task)
    page = environment.get_template("report.html")
    text = page.render(
        card=report.card,
        evaluation=report.evaluation,
        dataset=report.dataset,
        parameters=report.parameters,
        split=report.split,
        versions=report.card.versions | {"platform": platform.platform()},
        **_run(report),
        task=task_named(report.card.task),
        part=part.TEMPLATE,
        **part.values(report),
    )
    # A folder may have a name that is no text.
    Path(path).write_text(text, "utf-8", errors="backslashreplace")


def _run(report):
    """Settings and epochs."""
    rows, task = read_metrics(report.metrics), task_named(report.card.task)
    monitor = report.card.train.get("monitor", "val_loss")
    kept = kept_figures(report.card.metrics, rows, monitor)
    epoch = kept and int(kept["epoch"])
    return {
        "epochs": len(rows),
        "kept_epoch": epoch,
        "better": kept and better_row(kept, rows, monitor),
        "is_best": kept and is_best(kept, rows, monitor),
        "monitor": task.monitors[monitor],
        "changed": {
            name: value
            for name, value in report.card.train.items()
            if name not in report.defaults
            or _setting(value) != _setting(report.defaults[name])
        },
        "curves": [
            (title, plot_uri(plot_curves, report.metrics, metrics=[metric], kept=epoch))
            for metric, title in {**CURVES, task.figure: _headed(task.title)}.items()
            if rows and rows[0].keys() & {metric, f"val_{metric}"}
        ],
    }


def _headed(title):
    return title[:1].upper() + title[1:]


def _percent(share):
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%" if share == share else "-"


def _setting(value):
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
