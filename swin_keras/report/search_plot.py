"""A study in one picture: its scores over time, and which values gave them."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from swin_keras.report.plots import BEST, TRAINING, VALIDATION, save_figure

COLOURS = "viridis"
MARKS = {"over the limit": "x", "failed": "v"}


def plot_search(rows, parameters, winner: str, path, title: str = "accuracy"):
    """Draw the scores of a study over time, and its trials over their values.

    Args:
        rows: Of each trial `id`, `status`, `minutes` at its end, `score` (0..1;
            `None` without one) and `values` by parameter.
        parameters: Names of the parameters, an axis each.
        winner: Id of the best trial.
        path: The file to write.
        title: What the score is, in words.
    """
    width = 5 + 1.3 * (len(parameters) + 1)
    figure = Figure(figsize=(width, 4), layout="constrained")
    ratios = [4, max(2, 1.1 * (len(parameters) + 1))]
    over_time, parallel = figure.subplots(1, 2, width_ratios=ratios)
    scores = [row["score"] for row in rows if row["score"] is not None]
    _draw_time(over_time, rows, scores, title)
    norm = Normalize(min(scores), max(scores) if max(scores) > min(scores) else None)
    _draw_values(parallel, rows, parameters, winner, norm)
    colours = ScalarMappable(norm, COLOURS)
    percent = PercentFormatter(1)
    label = f"validation {title}"
    figure.colorbar(colours, ax=parallel, label=label, pad=0.02, format=percent)
    save_figure(figure, path)


def _draw_time(axes, rows, scores, title):
    finished = sorted(
        (row["minutes"], row["score"]) for row in rows if row["score"] is not None
    )
    minutes, values = np.array(finished).T
    axes.plot(minutes, values, "o", color=TRAINING, label="a trial")
    best = np.maximum.accumulate(values)
    axes.step(minutes, best, where="post", color=VALIDATION, label="best so far")
    for status, mark in MARKS.items():
        times = [row["minutes"] for row in rows if row["status"] == status]
        if times:
            bottom = [min(scores)] * len(times)
            axes.plot(times, bottom, mark, color=BEST, label=status)
    axes.set(xlabel="time (minutes)", ylabel=f"validation {title}")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)


def _draw_values(axes, rows, parameters, winner, norm):
    """Draw a line for each trial through its values; the winner's stands out."""
    heights, ticks = zip(
        *(_heights([row["values"].get(name) for row in rows]) for name in parameters),
        strict=True,
    )
    colours = ScalarMappable(norm, COLOURS)
    for index, row in enumerate(rows):
        is_winner = row["id"] == winner
        finished = row["score"] is not None
        axes.plot(
            range(len(parameters)),
            [column[index] for column in heights],
            marker=".",
            color=colours.to_rgba(row["score"]) if finished else BEST,
            linewidth=3 if is_winner else 1.2,
            linestyle="-" if finished else ":",
            alpha=1 if finished else 0.5,
            zorder=3 if is_winner else 2 if finished else 1,
        )
    for place, marks in enumerate(ticks):
        for height, text in marks:
            axes.annotate(
                text,
                (place, height),
                xytext=(4, 0),
                textcoords="offset points",
                fontsize=7,
                va="center",
                parse_math=False,
                zorder=4,
            )
        axes.axvline(place, color=BEST, linewidth=0.6, zorder=0)
    names = [name.replace(".", "\n").replace("_", "\n") for name in parameters]
    axes.set_xticks(range(len(parameters)), names, fontsize=8, parse_math=False)
    axes.set_yticks([])
    axes.set_xlim(-0.3, len(parameters) - 0.3)
    axes.set_title("each line a trial, from value to value", fontsize=9)


def _heights(values):
    """Return the height of each value, 0..1, and some heights with their text."""
    given = [value for value in values if value is not None]
    is_number = all(isinstance(v, int | float) for v in given)
    if not is_number or len(set(given)) < 2:
        kinds = sorted(set(map(str, given)))
        steps = dict(zip(kinds, np.linspace(0, 1, len(kinds)), strict=True))
        heights = [np.nan if v is None else steps[str(v)] for v in values]
        return heights, [(height, text) for text, height in steps.items()]
    low, high = min(given), max(given)
    logarithmic = low > 0 and high / low > 20
    scale = np.log if logarithmic else float
    span = scale(high) - scale(low)
    heights = [
        np.nan if v is None else float((scale(v) - scale(low)) / span) for v in values
    ]
    kinds = sorted(set(given)) if len(set(given)) <= 5 else [low, high]
    marks = [(float((scale(v) - scale(low)) / span), _text(v)) for v in kinds]
    return heights, marks


def _text(value):
    return str(value) if isinstance(value, int) else f"{value:.3g}"
