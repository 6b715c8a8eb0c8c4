"""Prediction and evaluation with every form of a model."""

import numpy as np
import pytest

from swin_keras.data import load_dataset
from swin_keras.errors import DataError, ModelFileError, UsageError
from swin_keras.inference.evaluation import evaluate, evaluate_dataset
from swin_keras.inference.model_paths import find_model
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import read_card

FORMS = ("model.keras", "saved_model/1", "model.tflite")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_answers_of_the_run(trained_run, exported, form):
    expected = list(Predictor(trained_run.path).predict([trained_run.samples], top=10))
    found = list(Predictor(exported / form).predict([trained_run.samples], top=10))
    assert len(found) == 16
    for one, two in zip(expected, found, strict=True):
        assert one.path == two.path
        assert dict(one.scores) == pytest.approx(dict(two.scores), abs=1e-5)


def test_an_exports_folder_runs_by_litert(exported):
    assert Predictor(exported).form == "litert"


def test_images_and_folders_are_answered_in_order_with_bad_ones_named(
    trained_run, tmp_path
):
    samples = sorted(trained_run.samples.rglob("*.png"))
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not an image")
    predictions = list(
        Predictor(trained_run.path).predict([samples[3], bad, samples[0]])
    )
    assert [p.path for p in predictions] == [str(samples[3]), str(bad), str(samples[0])]
    assert predictions[1].scores == ()
    assert predictions[1].error
    assert len(predictions[0].scores) == 5
    assert sum(score for _, score in predictions[0].scores) <= 1.001


def test_a_path_that_is_not_there_and_a_folder_without_images_are_refused(
    trained_run, tmp_path
):
    predictor = Predictor(trained_run.path)
    with pytest.raises(DataError, match="There is no image or folder"):
        list(predictor.predict([tmp_path / "nothing.png"]))
    with pytest.raises(DataError, match="holds no images"):
        list(predictor.predict([tmp_path]))


def test_images_of_another_size_are_refused_in_words(trained_run):
    with pytest.raises(UsageError, match=r"'batch', 16, 16, 1.*\(2, 8, 8, 1\)"):
        Predictor(trained_run.path).probabilities(np.zeros((2, 8, 8, 1)))


def test_images_that_were_scaled_already_get_a_warning(trained_run):
    predictor = Predictor(trained_run.path)
    with pytest.warns(UserWarning, match="already scaled to 0-1"):
        predictor.probabilities(np.full((1, 16, 16, 1), 0.5, "float32"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.keras", b"", "is empty"),
        ("text.keras", b"<html>not found</html>", "must be a complete .keras file"),
        ("text.tflite", b"<html>not found</html>", "must be complete"),
        ("model.h5", b"x", r"must be a \.keras, \.tflite or \.onnx file or the folder"),
    ],
)
def test_a_file_that_is_no_model_is_refused(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message):
        Predictor(path)


@pytest.mark.parametrize("form", ["model.keras", "model.tflite"])
def test_a_truncated_model_is_refused(exported, tmp_path, form):
    content = (exported / form).read_bytes()
    path = tmp_path / form
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelFileError, match="must be"):
        Predictor(path)


def test_a_missing_model_and_a_folder_without_one_are_refused(tmp_path):
    (tmp_path / "first.keras").touch()
    with pytest.raises(ModelFileError, match=r"no model .*Did you mean 'first.keras'"):
        Predictor(tmp_path / "frist.keras")
    with pytest.raises(ModelFileError, match="A model folder must hold"):
        Predictor(tmp_path)


def test_evaluation_by_default_uses_the_test_images_of_the_training(trained_run):
    result = evaluate(trained_run.path)
    assert result.images == 359
    card = read_card(trained_run.path)  # what training itself measured at its end
    assert result.accuracy == pytest.approx(card.metrics["test_accuracy"])
    assert result.accuracy <= result.top5_accuracy <= 1
    right = sum(recall * images for _, images, _, recall in result.class_rows())
    assert right / 359 == pytest.approx(result.accuracy)
    wrong = [m for m in result.answers.mistakes() if m.true != m.predicted]
    assert len(wrong) == 359 - np.trace(result.confusion)
    assert 0 < result.to_dict()["calibration_error"] < 1


def test_classes_are_matched_by_name_not_by_position(trained_run, digits_dir):
    """A folder with only some classes, in another order, gives the same answers."""
    import dataclasses

    from swin_keras.data import Classes

    dataset = load_dataset("digits", data_dir=digits_dir)
    split = dataset.splits["test"]
    chosen = np.flatnonzero(np.isin(split.labels, (3, 7)))
    test = split.subset(chosen, "test")
    relabelled = dataclasses.replace(
        test, targets=Classes((test.labels == 3).astype(int))
    )
    some = dataclasses.replace(
        dataset, class_names=("7", "3"), splits={"test": relabelled}
    )
    predictor = Predictor(trained_run.path)
    everything = evaluate_dataset(predictor, dataset)
    result = evaluate_dataset(predictor, some)
    for digit in (3, 7):
        np.testing.assert_array_equal(
            result.confusion[digit], everything.confusion[digit]
        )


def test_a_class_that_the_model_does_not_know_is_refused(trained_run, tmp_path):
    from training.toy_runs import folder_of_images

    data = folder_of_images(tmp_path / "pets")
    with pytest.raises(DataError, match=r"knows 10 classes, but not: cat, dog"):
        evaluate(trained_run.path, data)


def test_a_model_in_memory_is_refused_with_what_to_do():
    from swin_keras.exporting.export import export
    from swin_keras.models import SwinClassifier, SwinConfig

    sizes = {"embed_dim": 8, "depths": (1,), "num_heads": (1,), "window_size": 4}
    model = SwinClassifier(SwinConfig(input_shape=(16, 16, 3), **sizes), classes=2)
    for use in (Predictor, export):
        with pytest.raises(UsageError, match=r"Functional. Save it first: `model.save"):
            use(model)
    with pytest.raises(UsageError, match=r"given as the path.*Received: int\.$"):
        Predictor(3)


def test_the_newest_version_of_a_saved_model_is_found(tmp_path):
    for version in ("2", "10", "9"):
        (tmp_path / "served" / version).mkdir(parents=True)
        (tmp_path / "served" / version / "saved_model.pb").write_bytes(b"")
    assert find_model(tmp_path / "served").name == "10"
