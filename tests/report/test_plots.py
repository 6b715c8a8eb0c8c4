"""Pictures: drawn, complete, and readable for any number of classes."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from swin_keras.report import (
    boxes,
    plot_confusion_matrix,
    plot_curves,
    plot_images,
    plot_lr_range,
)
from swin_keras.report.plots import mixed_title, smoothed

HEADER = "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n"


def svg_of(plot, *arguments, **options):
    buffer = io.BytesIO()
    plot(*arguments, buffer, **options)
    return buffer.getvalue().decode()


@pytest.fixture
def metrics(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = ["0,.1,1e-3,2.3,.2,2.2", "1,.5,2e-3,1.5,.6,1.4", "2,.6,1e-3,1.2,.6,1.3"]
    path.write_text(HEADER + "\n".join(rows))
    return path


def test_curves_show_the_learning_rate_and_the_kept_epoch(metrics):
    svg = svg_of(plot_curves, metrics, kept=2)
    for text in ("loss", "learning rate", "kept: epoch 2"):
        assert text in svg
    assert "kept" not in svg_of(plot_curves, metrics)


def test_curves_leave_out_what_was_not_measured(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,accuracy,loss\n0,0.5,nan\n1,,1.0\n")
    svg = svg_of(plot_curves, path)
    assert "learning rate" not in svg
    assert "validation" not in svg
    path.write_text(HEADER)  # stopped in its first epoch
    assert "epoch" not in svg_of(plot_curves, path)


def test_mixed_images_have_the_titles_of_their_parts(tmp_path):
    names = ("a very long name", "flower", "owl")
    assert mixed_title([0.25, 0.75, 0.0], names) == "flower 0.8 +\na very lo… 0.2"
    assert mixed_title([0.0, 0.99, 0.01], names) == "flower"
    titles = ["flower 0.8 +\nowl 0.2", "owl"]
    images = np.zeros((2, 8, 8, 3), "uint8")
    svg = svg_of(plot_images, images, titles)
    for text in ("flower 0.8 +", "owl 0.2"):
        assert text in svg


@pytest.mark.parametrize(
    "classes",
    [
        2,
        30,
        31,
        101,
        *(pytest.param(n, marks=pytest.mark.slow) for n in (10, 100, 1000)),
    ],
)
def test_a_confusion_matrix_of_any_size_is_a_picture(classes, tmp_path):
    confusion = np.eye(classes, dtype=int) * 7
    confusion[0, 1] = 12345
    names = [f"name {index}" for index in range(classes)]
    path = tmp_path / "confusion.png"
    plot_confusion_matrix(confusion, names, path)
    with Image.open(path) as picture:
        assert max(picture.size) < 2200
    svg = svg_of(plot_confusion_matrix, confusion, names)
    assert (">12345<" in svg) == (classes <= 30)
    assert (">name 1<" in svg) == (classes <= 100)


def test_numbers_too_long_for_a_cell_are_shares():
    pixels = np.array([[90_000_000, 9_000_000, 1_000_000], [0, 7, 0], [1, 0, 499]])
    svg = svg_of(plot_confusion_matrix, pixels, ("sky", "road", "tree"))
    for share in ("90%", "9%", "1%", "100%"):
        assert f">{share}<" in svg
    assert ">0%<" not in svg
    assert "90000000" not in svg


def test_names_are_drawn_as_they_are_written(tmp_path):
    names = ("<script>", "$x^2$", "猫", "a very long name of a class, longer still")
    svg = svg_of(plot_confusion_matrix, np.eye(4, dtype=int), names)
    for text in ("&lt;script&gt;", "$x^2$", "猫", "a very long name of a c…"):
        assert text in svg
    plot_confusion_matrix(np.eye(4, dtype=int), names, tmp_path / "a.png")


def test_a_learning_rate_range_marks_the_choice_and_survives_an_explosion():
    rates = np.geomspace(1e-6, 1, 50)
    losses = np.where(rates < 0.01, 2.3 - 100 * rates, 1e6)
    losses[-5:] = np.nan
    assert "chosen: 0.003" in svg_of(plot_lr_range, rates, losses, 3e-3)
    svg_of(plot_lr_range, rates, np.full(50, np.nan), 3e-3)


def test_smoothing_starts_at_the_first_value_and_follows_slowly():
    values = smoothed([4.0, *[0.0] * 20])
    assert values[0] == 4
    assert (np.diff(values) < 0).all()
    np.testing.assert_allclose(smoothed([1, 2], keep=0.5), [1, (0.5 + 2) / 1.5])


@pytest.mark.parametrize("names", [["$5_$", "a$\\foo$", "_hidden"], ["_alone"]])
def test_names_of_curves_are_shown_as_they_are(tmp_path, names):
    curves = {name: np.linspace(1, 0, 11) for name in names}
    evaluation = SimpleNamespace(one=SimpleNamespace(curves=curves))
    boxes.plot(evaluation, tmp_path)
    assert (tmp_path / "precision_recall.png").stat().st_size > 1000
