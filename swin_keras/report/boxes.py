"""How a detector's report looks: classes, curves, and boxes on their pictures."""

import numpy as np
from matplotlib.figure import Figure

from swin_keras.data.geometry import area
from swin_keras.drawing import draw_boxes
from swin_keras.report.embedding import image_uri
from swin_keras.report.gallery import SHOWN, best_median_worst, table_of_classes
from swin_keras.report.masks import SIDE, picture_of
from swin_keras.report.plots import plot_images, save_figure

TEMPLATE = "pictures.html"
SURE = 0.3  # score from which on a box is drawn
OVERLAP = 0.5  # with a true box of its class, from which on a found one is right
FOUND, MISSED, FALSE = (44, 160, 44), (214, 39, 40), (255, 152, 0)
NEITHER = (127, 127, 127)  # in a crowd: not judged
MAX_CURVES = 10


def plot(evaluation, folder):
    """Draw precision over recall into a run's folder of plots."""
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    axes = figure.subplots()
    curves = evaluation.one.curves
    if len(curves) > MAX_CURVES:
        axes.set_title(f"the lowest {MAX_CURVES} of {len(curves)} classes")
        worst = sorted(curves, key=lambda name: np.mean(curves[name]))[:MAX_CURVES]
        curves = {name: curves[name] for name in worst}
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
    evaluation = report.evaluation
    by_class = evaluation.one.by_class.values()
    figures = [np.nan if figure is None else figure for figure in by_class]
    shares = np.array([_right_share(report, i) for i in range(evaluation.images)])
    return {
        "layout": "large",
        **table_of_classes(evaluation, figures),
        "galleries": [
            (
                title,
                "Green: found. Red, broken: missed. Orange: found where nothing is, or "
                "of another class. Grey: in a crowd, which is not judged.",
                [_shown(report, index) for index in indices],
            )
            for title, indices in best_median_worst(shares, SHOWN)
        ],
    }


def _right_share(report, index):
    """Return twice the right boxes over true and found ones; `nan` without any."""
    _, marks, missed = _marked(report, index)
    right, false = (list(marks.values()).count(mark) for mark in (FOUND, FALSE))
    total = 2 * right + false + len(missed)
    return 2 * right / total if total else np.nan


def _marked(report, index):
    """Return truth, the colour of each sure box by its place, and what was missed.

    As in COCO's figures, crowds are not missed, and what is found in one is not false.
    """
    evaluation, dataset = report.evaluation, report.dataset
    truth = dataset.split(report.split).targets.load(index)
    said = evaluation.found[index]
    true_names = np.array(dataset.class_names)[truth.classes]
    marks, left = {}, set(np.flatnonzero(~truth.crowd).tolist())
    for place in np.flatnonzero(said.scores >= SURE).tolist():
        is_same = true_names == evaluation.class_names[int(said.classes[place])]
        overlap = np.where(is_same, _overlaps(said.boxes[place], truth), 0)
        near = np.flatnonzero(overlap >= OVERLAP)
        best = max(left.intersection(near.tolist()), key=overlap.item, default=None)
        left.discard(best)
        is_in_crowd = truth.crowd[near].any()
        marks[place] = FOUND if best is not None else NEITHER if is_in_crowd else FALSE
    return truth, marks, sorted(left)


def _overlaps(box, truth):
    """Return how much of the union is common; with a crowd, how much of the box."""
    low = np.maximum(box[:2], truth.boxes[:, :2])
    high = np.minimum(box[2:], truth.boxes[:, 2:])
    common = (high - low).clip(0).prod(-1)
    size = (box[2:] - box[:2]).prod()
    together = np.where(truth.crowd, size, area(truth.boxes) + size - common)
    return common / np.maximum(together, 1e-9)


def _shown(report, index):
    split, evaluation = report.dataset.split(report.split), report.evaluation
    truth, marks, missed = _marked(report, index)
    said, sure = evaluation.found[index], list(marks)
    boxes = np.concatenate([said.boxes[sure], truth.boxes[missed]])
    names = evaluation.class_names
    labels = [f"{names[int(said.classes[i])]} {said.scores[i]:.0%}" for i in sure]
    labels += [report.dataset.class_names[truth.classes[i]] for i in missed]
    picture = draw_boxes(
        split.image(index, 3),
        boxes,
        labels,
        dashed=[False] * len(sure) + [True] * len(missed),
        colours=[*marks.values(), *[MISSED] * len(missed)],
        sides=(SIDE, SIDE),
    )
    right, objects = list(marks.values()).count(FOUND), int((~truth.crowd).sum())
    return {
        "uri": image_uri(picture, largest=SIDE),
        "name": split.name(index),
        "caption": f"{split.name(index)}: {right} of {objects} found",
    }
