"""The report: complete, self-contained, whatever the classes and the images."""

import base64
import dataclasses
import io
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from swin_keras.data.dataset import ImageDataset
from swin_keras.data.splits import ArraySplit
from swin_keras.model_files.card import ModelCard
from swin_keras.report import RunReport, write_report
from swin_keras.report.embedding import image_uri
from swin_keras.scores.classification import Answers, Evaluation

DEFAULTS = {"epochs": 70, "sizes": {}, "image_size": (32, 32), "flip": None}


class Page(HTMLParser):
    """Collect what a page consists of."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.words = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [v for k, v in attributes if k in ("src", "href")]

    def handle_data(self, data):
        self.words += data


def make_report(folder, names, images=60, side=12, channels=3, wrong=20, **changes):
    """Write the report of a run whose last `wrong` images are mistakes."""
    rng = np.random.default_rng(0)
    classes = len(names)
    labels = np.arange(images) % classes
    pixels = rng.integers(0, 256, (images, side, side, channels), dtype="uint8")
    predicted = np.where(np.arange(images) < images - wrong, labels, 1 - labels % 2)
    sure = rng.uniform(0.6, 0.9, images).astype("float32")
    right = np.where(labels == predicted, sure, 1 - sure)
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (labels, predicted), 1)
    splits = {t: ArraySplit(pixels, labels, t) for t in ("train", "val", "test")}
    metrics = folder / "metrics.csv"
    metrics.write_text(
        "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n"
        "0,.1,1e-3,2.3,.2,2.2\n1,.5,2e-3,1.5,.6,1.4\n"
    )
    report = RunReport(
        card=ModelCard(
            name="toy",
            variant="swin_nano",
            model={"input_shape": [side, side, channels]},
            class_names=names,
            train=DEFAULTS | {"image_size": [32, 32], "epochs": 2},
            metrics={"seconds": 150.0},
            command="swin-keras train --epochs 2",
        ),
        evaluation=Evaluation(
            float(np.trace(confusion) / images),
            1.0,
            confusion,
            names,
            answers=Answers(labels, predicted, right, sure),
        ),
        dataset=ImageDataset("pets", names, splits, (side, side, channels)),
        metrics=metrics,
        parameters=393222,
        defaults=DEFAULTS,
    )
    path = folder / "report.html"
    write_report(path, dataclasses.replace(report, **changes))
    return path.read_text("utf-8")


def test_the_page_tells_everything_about_the_run(tmp_path):
    page = Page(make_report(tmp_path, ("cat", "dog", "emu")))
    words = " ".join(page.words.split())
    for text in (
        "66.7 %",
        "swin-keras train --epochs 2",
        "393,222",
        "12 x 12 x 3",
        "60 train, 60 val, 60 test",
        "model of epoch 2",
        "Expected calibration error, 15 bins",
        "balanced accuracy",
        "tensorflow",
    ):
        assert text in words, text
    changed = page.words.split("Options other than the defaults")[1]
    changed = changed.split("All options")[0].split()
    assert changed == ["epochs2"]


def test_the_page_needs_no_script_no_network_and_no_other_file(tmp_path):
    text = make_report(tmp_path, ("cat", "dog"))
    page = Page(text)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not re.search(r"url\(|@import|https?://", text)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (12, 3), (200, 3)])
def test_pictures_are_the_test_images(tmp_path, side, channels):
    text = make_report(tmp_path, ("cat", "dog"), side=side, channels=channels)
    sources = re.findall(r"data:image/(?:png|jpeg);base64,([^\"]+)", text)
    assert len(sources) == 4 + 4 + 20  # two pairs, and all mistakes
    sizes = set()
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source))) as image:
            image.load()
            sizes.add((image.size, image.mode))
    shown = min(side, 160)
    assert sizes == {((shown, shown), "L" if channels == 1 else "RGB")}


def test_the_worst_mistake_comes_first_with_its_name_and_probabilities(tmp_path):
    text = make_report(tmp_path, ("cat", "dog"))
    pattern = r"Worst mistakes.*?<figure title=\"(.*?)\".*?</figure>"
    first = re.search(pattern, text, re.S)
    rng = np.random.default_rng(0)
    rng.integers(0, 256, (60, 12, 12, 3), dtype="uint8")
    sure = rng.uniform(0.6, 0.9, 60)
    worst = 40 + int(sure[40:].argmax())
    assert first[1] == f"test/{worst}"
    assert f"{100 * sure[worst]:.1f}\N{NO-BREAK SPACE}%" in first[0]


def test_a_perfect_model_is_said_to_be_one(tmp_path):
    page = Page(make_report(tmp_path, ("cat", "dog"), wrong=0))
    assert "No mistakes: every test image was classified right." in page.words


def test_names_cannot_change_the_page(tmp_path):
    names = ("<script>alert(1)</script>", '" onload="x', "größe 猫")
    text = make_report(tmp_path, names)
    page = Page(text)
    assert "script" not in page.tags
    for name in names:
        assert name in page.words


def test_bytes_that_are_not_text_are_written_out(tmp_path):
    card = ModelCard(
        name="toy",
        variant="swin_nano",
        model={"input_shape": [12, 12, 3]},
        class_names=("a", "b"),
        train=DEFAULTS,
        metrics={"seconds": 150.0},
        command="swin-keras train --teacher " + os.fsdecode(b"caf\xe9"),
    )
    assert "--teacher caf\\udce9" in make_report(tmp_path, ("a", "b"), card=card)


def test_a_thousand_classes_are_cut_to_the_worst_thirty(tmp_path):
    names = tuple(f"class {index}" for index in range(1000))
    text = make_report(tmp_path, names, images=2000, side=160)
    page = Page(text)
    assert "The 30 classes with the lowest F1, of 1000." in page.words
    assert "The 30 classes with the fewest images, of 1000." in page.words
    assert "The 20" not in page.words
    assert page.tags.count("tr") < 120
    assert len(text) < 1.5e6


def test_one_class_that_is_nearly_all_of_the_images_is_pointed_out(tmp_path):
    assert "naming it every time" not in make_report(tmp_path, ("cat", "dog"))
    evaluation = Evaluation(
        0.9,
        1.0,
        np.array([[90, 0], [10, 0]]),
        ("cat", "dog"),
        answers=Answers(
            np.repeat([0, 1], [90, 10]), np.zeros(100, int), *[np.full(100, 0.9)] * 2
        ),
    )
    text = make_report(tmp_path, ("cat", "dog"), images=100, evaluation=evaluation)
    assert "90.0\N{NO-BREAK SPACE}% of the test images are of one class, cat" in text


def test_a_run_without_a_finished_epoch_still_has_a_report(tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    text = make_report(tmp_path, ("cat", "dog"), metrics=empty)
    assert "No epoch was finished." in text


def kept_by(folder, metrics, rows):
    """Return what the page says of the kept epoch, and what its curves mark."""
    (folder / "figures.csv").write_text("epoch,loss,val_loss\n" + rows)
    card = ModelCard(
        name="toy",
        variant="swin_nano",
        model={"input_shape": [12, 12, 3]},
        class_names=("cat", "dog"),
        train=DEFAULTS,
        metrics=metrics,
    )
    changes = {"card": card, "metrics": folder / "figures.csv"}
    text = make_report(folder, ("cat", "dog"), **changes)
    said = re.search(r"Kept is the model.*?</p>", text, re.S)
    curves = re.findall(r'class="plot" src="data:image/svg\+xml;base64,([^"]+)', text)
    svg = "".join(base64.b64decode(curve).decode() for curve in curves)
    marked = re.findall(r"kept: epoch \d+", svg)
    return " ".join(said[0].removesuffix("</p>").split()) if said else None, {*marked}


def test_the_kept_epoch_is_the_one_that_the_card_names(tmp_path):
    rows = "0,2,1.5\n1,1,2.5\n2,1,nan\n"
    best = (
        "Kept is the model of epoch 1, of the smallest loss on the validation images."
    )
    for card in ({"epoch": 1.0, "val_loss": 1.5}, {"epoch": 1.0}, {}):
        assert kept_by(tmp_path, card, rows) == (best, {"kept: epoch 1"})
    lost = "Epoch 1 had the smallest loss on the validation images; its model was lost."
    said, marked = kept_by(tmp_path, {"epoch": 2.0, "val_loss": 2.5}, rows)
    assert said == f"Kept is the model of epoch 2. {lost}"
    assert marked == {"kept: epoch 2"}
    said, _ = kept_by(tmp_path, {"epoch": 3.0, "val_loss": float("nan")}, rows)
    assert said == f"Kept is the model of epoch 3. {lost}"


def test_an_epoch_without_a_figure_is_not_called_the_best(tmp_path):
    rows = "0,2,nan\n1,1,nan\n"
    said, marked = kept_by(tmp_path, {"epoch": 1.0, "val_loss": float("nan")}, rows)
    assert said == "Kept is the model of epoch 1."
    assert marked == {"kept: epoch 1"}
    assert kept_by(tmp_path, {}, rows) == (None, set())


def test_large_images_are_made_smaller_and_stay_as_they_were():
    image = Image.new("RGB", (3000, 1000), "red")
    assert len(image_uri(image)) < 5000
    assert image.size == (3000, 1000)


def test_worst_mistakes_are_shown_with_what_spoke_for_either_class(tmp_path):
    two = (Image.new("RGB", (224, 224), "red"), Image.new("RGB", (224, 224), "blue"))
    text = make_report(tmp_path, ("cat", "dog"), explain=lambda mistakes: {41: two})
    page = Page(text)
    assert page.tags.count("figure") > 20
    assert text.count('alt="What spoke for') == 2
    assert text.count("where it saw the class") == 1
    assert "where it saw the class" not in make_report(tmp_path, ("cat", "dog"))
