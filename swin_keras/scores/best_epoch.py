"""Which epoch of a run is the best, and which is kept: not always the same.

The model of the best epoch may be lost before the run ends; then a later one is kept.
"""

import math


def rank_of(figures, monitor: str) -> tuple[float, ...]:
    """Return what is smaller the better an epoch is; a NaN is worst.

    Args:
        figures: What was measured of the epoch, by name.
        monitor: "val_loss" for the smallest, another figure for the highest, of equal
            ones that of the smallest loss.
    """
    rank = [figures.get("val_loss", math.nan)]
    if monitor != "val_loss":
        rank.insert(0, -figures.get(monitor, math.nan))
    return tuple(math.inf if math.isnan(value) else float(value) for value in rank)


def best_row(rows, monitor: str) -> dict | None:
    """Return the best epoch's row, the first of equal ones; `None` without figures.

    Args:
        rows: Figures of each epoch, as in `metrics.csv`.
        monitor: See `rank_of`.
    """
    best = min(rows, key=lambda row: rank_of(row, monitor), default={})
    return best if rank_of(best, monitor)[0] < math.inf else None


def kept_figures(measured, rows, monitor: str) -> dict | None:
    """Return the figures of the epoch that is kept, with its number from 1.

    Args:
        measured: Metrics of the kept model's card. Where they do not name its epoch,
            it is taken for the best.
        rows: Figures of each epoch, as in `metrics.csv`, where they count from 0.
        monitor: See `rank_of`.

    Returns:
        The figures; `None` if no epoch is known.
    """
    if "epoch" in measured:
        its = (row for row in rows if row["epoch"] == measured["epoch"] - 1)
        return {**next(its, {}), **measured}
    best = best_row(rows, monitor)
    return best and {**best, "epoch": best["epoch"] + 1}


def is_best(kept, rows, monitor: str) -> bool:
    """Return whether no epoch has a better figure than the kept one, which has one.

    Args:
        kept: What `kept_figures` returned.
        rows: Figures of each epoch, as in `metrics.csv`.
        monitor: See `rank_of`.
    """
    is_measured = rank_of(kept, monitor)[0] < math.inf
    return is_measured and better_row(kept, rows, monitor) is None


def better_row(kept, rows, monitor: str) -> dict | None:
    """Return the best epoch's row if its figure is better than that of the kept one.

    Args:
        kept: What `kept_figures` returned.
        rows: Figures of each epoch, as in `metrics.csv`.
        monitor: See `rank_of`.
    """
    best = best_row(rows, monitor)
    if best is None or rank_of(best, monitor)[0] >= rank_of(kept, monitor)[0]:
        return None
    return best
