"""How a detector's report looks: classes, curves, and boxes on their pictures."""

import numpy as np
from matplotlib.figure import Figure

from swin_keras.drawing import draw_boxes
from swin_keras.report.embedding import image_uri
from swin_keras.report.gallery import MAX_ROWS, SHOWN, best_median_worst
from swin_keras.report.masks import SIDE, picture_of
from swin_keras.report.plots import plot_images, save_figure

TEMPLATE = "pictures.html"
SURE = 0.3  # score from which on a box is drawn
OVERLAP = 0.5  # with a true box of its class, from which on a found one is right
FOUND, MISSED, FALSE = (44, 160, 44), (214, 39, 40), (255, 152, 0)
MAX_CURVES = 10


def plot(evaluation, folder):
    """Draw precision over recall into a run's folder of plots."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    curves = dict(list(evaluation.one.curves.items())[:MAX_CURVES])
    lines = []
    for precisions in curves.values():
        recall = np.linspace(0, 1, len(precisions))
        lines += axes.plot(recall, precisions)
    axes.set(xlabel="recall", ylabel="precision (overlap of at least .5)")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if curves:
        legend = axes.legend(lines, list(curves), fontsize="small")
        for text in legend.get_texts():  # "$" in a name is no formula
            text.set_parse_math(False)
    save_figure(figure, folder / "precision_recall.png")


def plot_training_images(images, targets, dataset, path):
    """Draw a sheet of training images with their boxes."""
    drawn = []
    for image, rows in zip(images, targets, strict=True):
        rows = rows[rows[:, 4] >= 0]
        classes = rows[:, 4].astype(int)
        labels = [dataset.class_names[index] for index in classes]
        picture = draw_boxes(picture_of(image), rows[:, :4], labels, classes=classes)
        drawn.append(np.asarray(picture))
    plot_images(np.stack(drawn), [""] * len(drawn), path)


def values(report) -> dict:
    """Return what the template shows of a `RunReport`."""
    columns, *rows = report.evaluation.table()
    shares = np.array(
        [_right_share(report, i) for i in range(report.evaluation.images)]
    )
    return {
        "layout": "large",
        "columns": columns,
        "rows": rows[:MAX_ROWS],
        "left_out": max(0, len(rows) - MAX_ROWS),
        "galleries": [
            (
                title,
                "Green: found. Red, broken: missed. Orange: found where nothing is, or "
                "of another class.",
                [_shown(report, index) for index in indices],
            )
            for title, indices in best_median_worst(shares, SHOWN)
        ],
    }


def _right_share(report, index):
    """Return twice the right boxes over true and found ones; `nan` without any."""
    truth, found, right, _ = _matched(report, index)
    total = len(truth.boxes) + len(found)
    return 2 * len(right) / total if total else np.nan


def _matched(report, index):
    """Return truth, places of sure boxes, right ones, and true ones that were found."""
    evaluation, dataset = report.evaluation, report.dataset
    truth = dataset.split(report.split).targets.load(index)
    said = evaluation.found[index]
    sure = np.flatnonzero(said.scores >= SURE)
    right, taken = [], set()
    for place in sure:
        name = evaluation.class_names[int(said.classes[place])]
        overlap = _overlaps(said.boxes[place], truth.boxes)
        for number in np.argsort(-overlap, kind="stable"):
            is_same = dataset.class_names[truth.classes[number]] == name
            if overlap[number] >= OVERLAP and is_same and int(number) not in taken:
                taken.add(int(number))
                right.append(int(place))
                break
    return truth, sure, right, taken


def _overlaps(box, others):
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    common = (high - low).clip(0).prod(-1)
    sizes = (others[:, 2:] - others[:, :2]).prod(-1) + (box[2:] - box[:2]).prod()
    return common / np.maximum(sizes - common, 1e-9)


def _shown(report, index):
    split, evaluation = report.dataset.split(report.split), report.evaluation
    truth, sure, right, taken = _matched(report, index)
    said = evaluation.found[index]
    missed = [i for i in range(len(truth.boxes)) if i not in taken]
    boxes = np.concatenate([said.boxes[sure], truth.boxes[missed]])
    names = evaluation.class_names
    labels = [f"{names[int(said.classes[i])]} {said.scores[i]:.0%}" for i in sure]
    labels += [report.dataset.class_names[truth.classes[i]] for i in missed]
    colours = [FOUND if i in right else FALSE for i in sure] + [MISSED] * len(missed)
    dashed = [False] * len(sure) + [True] * len(missed)
    picture = draw_boxes(
        split.image(index, 3),
        boxes,
        labels,
        dashed=dashed,
        colours=colours,
        sides=(SIDE, SIDE),
    )
    caption = f"{split.name(index)}: {len(right)} of {len(truth.boxes)} found"
    return {
        "uri": image_uri(picture, largest=SIDE),
        "name": split.name(index),
        "caption": caption,
    }
