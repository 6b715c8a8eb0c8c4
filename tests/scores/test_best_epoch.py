"""The best epoch, and the one that is kept."""

import pytest

from swin_keras.scores.best_epoch import best_row, better_row, kept_figures, rank_of

NAN = float("nan")


def rank(val_loss, val_accuracy, monitor):
    return rank_of({"val_loss": val_loss, "val_accuracy": val_accuracy}, monitor)


def rows_of(losses, accuracies=()):
    rows = [{"epoch": float(e), "val_loss": loss} for e, loss in enumerate(losses)]
    for row, accuracy in zip(rows, accuracies, strict=False):
        row["val_accuracy"] = accuracy
    return rows


def test_the_best_epoch_is_that_of_what_is_monitored():
    assert rank(0.5, 0.33, "val_loss") < rank(0.6, 0.58, "val_loss")
    assert rank(0.6, 0.58, "val_accuracy") < rank(0.5, 0.33, "val_accuracy")
    assert rank(0.4, 0.58, "val_accuracy") < rank(0.6, 0.58, "val_accuracy")
    for monitor in ("val_loss", "val_accuracy"):
        assert rank(0.5, 0.2, monitor) < rank(NAN, 0.2, monitor)


def test_a_figure_that_is_no_number_is_the_worst():
    """Also the first one: no later epoch would be better than NaN."""
    assert rank(0.6, 0.0, "val_accuracy") < rank(0.5, NAN, "val_accuracy")
    assert best_row(rows_of([NAN, 2.0, 1.0, NAN]), "val_loss")["epoch"] == 2
    rows = rows_of([1.0, 2.0, 3.0], [NAN, 0.3, 0.2])
    assert best_row(rows, "val_accuracy")["epoch"] == 1


def test_of_equal_epochs_the_first_is_the_best():
    assert best_row(rows_of([3.0, 1.0, 2.0, 1.0]), "val_loss")["epoch"] == 1
    rows = rows_of([2.0, 1.0, 1.0], [0.5, 0.5, 0.5])
    assert best_row(rows, "val_accuracy")["epoch"] == 1


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
def test_without_figures_no_epoch_is_the_best(monitor):
    assert best_row([], monitor) is None
    assert best_row(rows_of([NAN, NAN]), monitor) is None
    assert best_row([{"epoch": 0.0, "loss": 1.0}], monitor) is None


def test_the_card_knows_which_epoch_is_kept():
    rows = rows_of([1.0, 2.0])
    card = {"epoch": 2.0, "val_loss": 2.0, "test_accuracy": 0.5}
    assert kept_figures(card, rows, "val_loss") == card
    assert kept_figures({"epoch": 1.0}, [], "val_loss") == {"epoch": 1.0}
    assert kept_figures({}, rows, "val_loss") == {"epoch": 1.0, "val_loss": 1.0}
    assert kept_figures({}, rows_of([NAN]), "val_loss") is None


def test_a_better_epoch_than_the_kept_one_is_found():
    rows = rows_of([1.0, 2.0, 2.5], [0.4, 0.5, 0.5])
    for row in rows:
        kept = {**row, "epoch": row["epoch"] + 1}
        better = better_row(kept, rows, "val_loss")
        assert (better is None) == (kept["epoch"] == 1)
        better = better_row(kept, rows, "val_accuracy")
        assert (better is None) == (kept["epoch"] > 1)  # the last two have the same
    assert better_row({"epoch": 4.0, "val_loss": 0.5}, rows, "val_loss") is None
    assert better_row({"epoch": 1.0, "val_loss": NAN}, rows, "val_loss") == rows[0]
