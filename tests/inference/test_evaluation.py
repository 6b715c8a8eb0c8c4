"""What an evaluation says of each class and each image."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from swin_keras.applications import SwinDetector
from swin_keras.errors import DataError, UsageError
from swin_keras.exporting.images import evaluator
from swin_keras.inference.evaluation import evaluate
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import KerasModel
from swin_keras.model_files import load_keras, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier, variant_config
from swin_keras.scores.classification import Answers, Evaluation

CONFUSION = np.array([[5, 3, 0], [1, 9, 0], [0, 2, 0]])


def evaluation(confusion=CONFUSION, names=("cat", "dog", "emu")):
    return Evaluation(0.7, 1.0, confusion, names)


def test_precision_recall_and_f1_of_each_class():
    cat, dog, emu = evaluation().class_figures()
    assert cat[:2] == ("cat", 8)
    assert cat[2:] == pytest.approx((5 / 6, 5 / 8, 2 * 5 / (6 + 8)))
    assert dog.f1 == pytest.approx(
        2 * dog.precision * dog.recall / (dog.precision + dog.recall)
    )
    assert np.isnan(emu.precision)
    assert (emu.recall, emu.f1) == (0, 0)
    assert next(evaluation().class_rows()) == cat[:4]


def test_the_most_confused_pairs_come_first():
    assert evaluation().confused_pairs() == [(0, 1, 3), (2, 1, 2), (1, 0, 1)]
    assert evaluation(np.diag([4, 5, 6])).confused_pairs() == []


def test_answers_of_batches_are_those_of_all_images():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(4), 20)
    true = rng.integers(0, 4, 20)
    whole = Answers.from_probabilities(true, probabilities)
    parts = [
        Answers.from_probabilities(true[part], probabilities[part])
        for part in (slice(0, 8), slice(8, 16), slice(16, 20))
    ]
    for name, column in vars(Answers.joined(parts)).items():
        np.testing.assert_array_equal(column, getattr(whole, name))
    np.testing.assert_allclose(
        whole.losses, -np.log(probabilities[np.arange(20), true]), rtol=1e-5
    )


def test_mistakes_are_listed_the_worst_first_and_without_right_answers():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.99, 0.01], [1.0, 0.0]])
    answers = Answers.from_probabilities(np.array([0, 0, 1, 1]), probabilities)
    mistakes = answers.mistakes()
    assert [mistake.index for mistake in mistakes] == [3, 2, 1]
    assert mistakes[1][:3] == (2, 1, 0)
    assert mistakes[1][3:] == pytest.approx((0.01, 0.99, -np.log(0.01)))
    assert np.isfinite(mistakes[0].loss)


def test_calibration_error_is_how_far_certainty_is_from_accuracy():
    sure = np.full(10, 0.9, np.float32)
    true = np.zeros(10, np.int32)
    six_right = np.where(np.arange(10) < 6, 0, 1)
    assert Answers(true, six_right, sure, sure).calibration_error() == pytest.approx(
        0.3
    )
    # Two bins, wrong in opposite directions, do not make up for each other.
    sure = np.repeat(np.float32([0.5, 1.0]), 5)
    right = np.where(np.arange(10) < 5, 0, 1)
    answers = Answers(true, right, sure, sure)
    assert answers.calibration_error() == pytest.approx(0.75)


def test_an_evaluation_without_answers_is_still_one():
    assert evaluation().to_dict()["calibration_error"] is None


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Return twelve photos of each of two classes, and one that is none."""
    root = tmp_path_factory.mktemp("photos")
    fill(root, 12)
    (root / "red" / "broken.png").write_bytes(b"no picture")
    return root


def fill(folder, count):
    for colour in ("blue", "red"):
        (folder / colour).mkdir(parents=True)
        for number in range(count):
            image = Image.new("RGB", (16, 16), colour)
            image.save(folder / colour / f"{number}.png")


@pytest.fixture(scope="module")
def model(photos, tmp_path_factory):
    """Return a model file that says it was trained on the photos."""
    config = variant_config("swin_nano").replace(
        input_shape=(16, 16, 3), embed_dim=8, depths=(1,), num_heads=(1,)
    )
    path = tmp_path_factory.mktemp("model") / "best.keras"
    card = ModelCard(
        name="toy",
        variant="swin_nano",
        model=dataclasses.asdict(config),
        class_names=("blue", "red"),
        train={"data": str(photos), "data_dir": None, "seed": 3, "on_bad": "skip"},
    )
    save_keras(SwinClassifier(config, classes=2), path, card)
    return path


def test_all_labelled_images_that_are_given_are_judged(model, tmp_path, caplog):
    fill(tmp_path / "new", 15)
    with caplog.at_level("INFO"):
        result = evaluate(model, tmp_path / "new")
    assert result.images == 30
    assert result.split == "all"
    assert caplog.messages[0] == "judging all images of new: 30"
    assert evaluate(model, tmp_path / "new", split="test").images == 4
    assert evaluate(model, tmp_path / "new", split="train").images == 22


def test_a_folder_with_test_images_alone_is_judged(model, tmp_path):
    fill(tmp_path / "test", 2)
    assert evaluate(model, str(tmp_path)).images == 4


def test_a_folder_with_splits_is_judged_on_its_test_images(model, tmp_path, caplog):
    fill(tmp_path / "train", 5)
    fill(tmp_path / "test", 2)
    with caplog.at_level("INFO"):
        assert evaluate(model, tmp_path).images == 4
    assert "4 (of train 10, test 4)" in caplog.messages[0]
    assert evaluate(model, tmp_path, split="all").images == 14
    assert evaluate(model, tmp_path, split="train").images == 10
    with pytest.raises(UsageError, match=r"one of train, test, all. Received: 'val'"):
        evaluate(model, tmp_path, split="val")


def test_a_run_s_own_data_is_split_and_cleaned_as_in_training(model, photos, caplog):
    result = evaluate(model)
    assert (result.images, result.split) == (2, "test")
    assert any("left out: 1" in note for note in result.notes)
    assert evaluate(model, split="all").images == 24
    with caplog.at_level("INFO"):
        evaluate(model, photos)
    assert "these images were used for training" in caplog.text
    with pytest.raises(DataError, match=r"broken\.png"):
        evaluate(model, on_bad="stop")


def test_five_classes_or_fewer_have_no_best_five_and_nothing_is_nan(model, photos):
    result = evaluate(model, photos)
    assert result.top5_accuracy is None
    json.dumps(result.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": 3}, "`data` must be a folder or the name"),
        ({"data": ["a", "b"]}, "`data` must be a folder or the name"),
        ({"split": "tset"}, r"Received: 'tset'\. Did you mean 'test'\?"),
        ({"split": 1}, "all, train, val or test. Received: 1"),
        ({"batch_size": 0}, "whole number of at least 1. Received: 0"),
        ({"batch_size": "32"}, "whole number of at least 1. Received: '32'"),
        ({"batch_size": 16.0}, "whole number of at least 1. Received: 16.0"),
        ({"on_bad": "ignore"}, "must be 'stop' or 'skip'. Received: 'ignore'"),
    ],
)
def test_arguments_of_another_kind_are_refused(model, arguments, message):
    with pytest.raises(UsageError, match=message):
        evaluate(model, **arguments)


def test_a_name_that_two_classes_share_judges_neither(model, photos, tmp_path):
    """Else one of the two would be taken for both, without a word."""
    card = dataclasses.replace(Predictor(model).card, class_names=("red", "red"))
    path = tmp_path / "doubled.keras"
    save_keras(load_keras(model), path, card)
    (answer,) = Predictor(path).predict(photos / "red/0.png")
    assert {name for name, _ in answer.scores} == {"red (0)", "red (1)"}
    with pytest.raises(DataError, match="2 classes, but not: blue, red"):
        evaluate(path, photos)


def test_accents_in_a_card_may_be_written_in_another_way(model, tmp_path):
    """As in those of earlier versions, whose data is composed now."""
    fill(tmp_path / "photos", 12)
    (tmp_path / "photos/red").rename(tmp_path / "photos/r\u00e9d")
    card = Predictor(model).card
    train = {**card.train, "data": str(tmp_path / "photos")}
    names = ("blue", "re\u0301d")
    card = dataclasses.replace(card, class_names=names, train=train)
    save_keras(load_keras(model), tmp_path / "m.keras", card)
    own = evaluate(tmp_path / "m.keras", split="all")
    assert own.class_names == ("blue", "r\u00e9d")
    assert own.images == 24
    config = type("Config", (), {"test_images": 2})
    assert evaluator(config, card)(tmp_path / "m.keras").images == 2


def test_data_that_have_moved_are_asked_for(model, tmp_path):
    card = Predictor(model).card
    train = {**card.train, "data": str(tmp_path / "gone")}
    save_keras(
        load_keras(model), tmp_path / "m.keras", dataclasses.replace(card, train=train)
    )
    with pytest.raises(
        DataError, match="moved, name where they are now: --data FOLDER"
    ):
        evaluate(tmp_path / "m.keras")


VOC = (
    "<annotation><filename>{name}.png</filename><object><name>cat</name><bndbox>"
    "<xmin>{edge}</xmin><ymin>9</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object>"
    "</annotation>"
)


@pytest.mark.parametrize(
    ("from_zero", "edge", "read", "warns"),
    [(True, 9, 0, False), (False, 9, 1, False), (False, 0, 0, True)],
)
def test_boxes_of_voc_are_read_as_in_training(
    tmp_path, caplog, from_zero, edge, read, warns
):
    config = variant_config("swin_nano").replace(
        input_shape=(32, 32, 3), embed_dim=8, depths=(1, 1), num_heads=(1, 1)
    )
    card = ModelCard(
        name="toy",
        variant="swin_nano",
        model=dataclasses.asdict(config),
        class_names=("cat",),
        task="detect",
        train={"data": "elsewhere"},
        data={"voc_from_zero": from_zero},
    )
    model = SwinDetector(config, classes=1)
    save_keras(model, tmp_path / "best.keras", card)
    folder = tmp_path / "photos"
    folder.mkdir()
    Image.new("RGB", (32, 32)).save(folder / "a.png")
    (folder / "a.xml").write_text(VOC.format(name="a", edge=edge))
    result = evaluate(tmp_path / "best.keras", folder)
    assert any(f"counted from {read}" in note for note in result.notes)
    assert ("read a pixel beside" in caplog.text) == warns


def test_a_model_is_judged_in_true_float32(exported, monkeypatch):
    is_on = tf.config.experimental.tensor_float_32_execution_enabled
    seen, answer = [], KerasModel.__call__
    monkeypatch.setattr(
        KerasModel,
        "__call__",
        lambda *args: seen.append(is_on()) or answer(*args),
    )
    assert is_on()
    evaluate(exported / "model.keras", "digits")
    assert set(seen) == {False}
    assert is_on()
