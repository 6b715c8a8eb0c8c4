"""The check refuses wrong files, for few images too, and forgives near ties."""

import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_model import NAMES, SMALL, shaken

from swin_keras.data import load_image
from swin_keras.exporting.config import FORMATS, ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.inference_model import inference_model
from swin_keras.exporting.litert import exporting_litert
from swin_keras.exporting.verify import (
    Check,
    _broken_limits,
    _broken_maps,
    sqnr,
    verify,
)
from swin_keras.inference.precision import true_float32
from swin_keras.inference.runtimes import KerasModel, open_model
from swin_keras.model_files import load_keras, read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier
from swin_keras.scores.classification import Evaluation
from swin_keras.tasks import task_named
from swin_keras.tasks.compared_logits import same_best_class

LOGITS = np.random.default_rng(0).normal(size=(12, 5))

CLASSIFY = task_named("classify")


def flipped(logits, image, to):
    """Return logits with another class the best of one image."""
    logits = logits.copy()
    best = logits[image].argmax()
    logits[image, [best, to]] = logits[image, [to, best]]
    return logits


def test_a_near_tie_that_rounding_decides_is_left_out():
    logits = LOGITS.copy()
    logits[3] = [0, 1, 1.0001, -1, 0]
    noise = np.random.default_rng(1).uniform(-1e-3, 1e-3, logits.shape)
    given = flipped(logits + noise, 3, to=1)
    assert given[3].argmax() == 1
    found = same_best_class(logits, given)
    assert found == {"agreement": 1.0, "compared": 11, "near_ties": 1}


def test_a_clear_answer_that_changes_is_counted():
    noise = np.random.default_rng(1).uniform(-1e-3, 1e-3, LOGITS.shape)
    given = flipped(LOGITS + noise, 0, to=(LOGITS[0].argmax() + 1) % 5)
    found = same_best_class(LOGITS, given)
    assert found["compared"] == 12
    assert found["agreement"] == pytest.approx(11 / 12)


def test_ties_alone_give_no_verdict():
    ties = np.zeros((3, 5))
    assert same_best_class(ties, ties + 1e-3)["agreement"] is None


def one_output(form, expected, given, are_logits=False):
    """Return the check of a classifier of one output, and what is wrong with it."""
    (expected, unit), (given, _) = (
        CLASSIFY.compared({"any": np.float32(rows)[:, None]}, are_logits)
        for rows in (expected, given)
    )
    difference = float(np.abs(given - expected).max())
    found = CLASSIFY.agreement(expected, given)
    check = Check(form, 1.0, difference, sqnr(expected, given), **found)
    return check, _broken_limits(check, CLASSIFY, None, unit)


def test_one_output_that_is_sure_is_compared_by_its_logit():
    sure = [0.9999, 0.999, 0.9999, 0.995]
    check, problems = one_output("litert", sure, [0.991, 0.9999, 0.99, 0.999])
    assert check.difference == pytest.approx(0.946, abs=1e-3)
    assert [problem[:17] for problem in problems] == ["logits differ by "]
    border = [0.9999, 0.999, 0.9999, 0.9901], [0.9999, 0.999, 0.9999, 0.98995]
    check, problems = one_output("litert-int8", *border)
    assert check.difference == pytest.approx(0.015, abs=1e-3)
    assert not problems


def test_of_one_output_the_answer_is_whether_the_class_is_there():
    said = [0.7, 0.1, 0.3, 0.6]
    check, problems = one_output("litert", said, said)
    assert (check.agreement, check.compared, check.near_ties) == (1.0, 4, 0)
    assert not problems
    turned = [0.7, 0.9, 0.3001, 0.6001]
    check, problems = one_output("litert-int8", said, turned)
    assert (check.agreement, check.compared) == (0.75, 4)
    assert any(problem.startswith("same best class on 75.0%") for problem in problems)


def test_logits_of_one_output_stay_as_they_are():
    said, given = [-2.0, 3.0, 0.5, 4.0], [-2.0, 3.0, -0.5, 4.0]
    check, _ = one_output("litert", said, given)
    assert (check.difference, check.agreement) == (1.0, 0.75)
    check, _ = one_output("litert", [0.2, 0.9], [0.2, 1.0001], are_logits=True)
    assert check.difference == pytest.approx(1e-1, rel=2e-3)


def test_logits_that_look_like_probabilities_are_compared_as_logits():
    rows = np.float32([[0.1, 0.9], [0.7, 0.3]])
    compared, _ = CLASSIFY.compared({"outputs": rows}, are_logits=True)
    np.testing.assert_array_equal(compared, rows)
    compared, _ = task_named("multi-label").compared({"outputs": rows}, True)
    np.testing.assert_array_equal(compared, rows)


@pytest.mark.parametrize(("activation", "bias"), [("sigmoid", 5.0), ("linear", 0.3)])
def test_a_file_of_one_output_that_is_wrong_is_refused(
    activation, bias, images_dir, tmp_path
):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    head = keras.layers.Dense(1, activation=activation)
    model = keras.Model(inputs, head(x))
    head.set_weights([np.float32([[0.2], [0.1], [0.2]]), np.float32([bias])])
    model.save(tmp_path / "one.keras")
    config = ExportConfig(
        formats=("litert",), images=str(images_dir), saved_models_dir=str(tmp_path)
    )
    folder = export(tmp_path / "one.keras", config)
    assert read_card(folder).checks["litert"]["agreement"] == 1.0
    (folder / "card.json").unlink()  # which lists the files' hashes
    head.set_weights([np.float32([[0.2], [0.1], [0.2]]), np.float32([bias - 0.1])])
    save_keras(model, folder / "model.keras", read_card(folder / "model.keras"))
    _, check = verify(folder, CLASSIFY, ["litert"], real_images(images_dir, 12))
    assert check.difference == pytest.approx(0.1, rel=0.01)
    assert check.problems[0].startswith("logits differ by 1.0e-01")


def evaluation(right):
    """Return that of a model that knew so many of 1000 images."""
    confusion = np.array([[right, 1000 - right], [0, 0]])
    return Evaluation(right / 1000, None, confusion, ("cat", "dog"))


# Decibels, agreement, and how many of 1000 images may be lost, two of them to chance.
ALLOWED = {
    "litert-fp16": (40, 0.98, 7),
    "litert-int8": (20, 0.9, 12),
    "litert-int8-static": (6, 0.8, 32),
}


@pytest.mark.parametrize("form", ALLOWED)
def test_a_quantized_form_is_refused_from_just_beyond_each_limit_on(form):
    decibels, agreement, lost = ALLOWED[form]

    def problems(sqnr=decibels, agreement=agreement, lost=lost, unit=1.0):
        """Return what is wrong with a form that differs by 0.5 somewhere."""
        score = evaluation(900 - lost).score + 1e-9
        check = Check(form, 1.0, 0.5, sqnr, agreement, compared=64, score=score)
        return _broken_limits(check, CLASSIFY, evaluation(900), unit)

    assert problems() == ()
    for beyond, words in (
        ({"sqnr": decibels - 0.01}, "rounding noise is"),
        ({"sqnr": float("nan")}, "rounding noise is"),
        ({"agreement": agreement - 0.001}, "same best class on"),
        ({"lost": lost + 1}, rf"accuracy {(899 - lost) / 1000:.2%} instead of"),
    ):
        (problem,) = problems(**beyond)
        assert problem.startswith(words)


@pytest.mark.parametrize("form", ["litert", "saved_model", "onnx"])
def test_an_exact_form_differs_by_a_ten_thousandth_at_most(form):
    def problems(difference, unit):
        return _broken_limits(Check(form, 1.0, difference, 90.0), CLASSIFY, None, unit)

    for unit in (1.0, 300.0):
        assert problems(0.99e-4 * unit, unit) == ()
        for wrong in (1.01e-4 * unit, float("nan")):
            (problem,) = problems(wrong, unit)
            assert problem.startswith("logits differ by")


def test_class_maps_keep_to_the_limits_of_their_form():
    maps = np.full((2, 4, 4, 3), 100.0)
    for form, inside, outside in (
        ("litert", 0.99e-4, 1.01e-4),
        ("litert-fp16", 0.99e-2, 1.01e-2),
        ("litert-int8", 0.099, 0.101),
        ("litert-int8-static", 0.5, 0.502),
    ):
        assert _broken_maps(form, maps, maps * (1 + inside)) == ()
        assert _broken_maps(form, maps, maps * (1 + outside))


def test_a_file_that_knows_fewer_images_is_refused(small_export, images_dir):
    def evaluate(path):
        return evaluation(900 if path.suffix == ".keras" else 892)

    images = real_images(images_dir, 2)
    keras_own, half = verify(
        small_export, CLASSIFY, ["litert-fp16"], images, evaluate=evaluate
    )
    assert (keras_own.score, half.score) == (0.9, 0.892)
    assert not keras_own.problems
    (problem,) = half.problems
    assert problem.startswith("accuracy 89.20% instead of 90.00% on 1000 images")


def real_images(images_dir, count):
    files = sorted(images_dir.iterdir())[:count]
    return np.stack([load_image(file, (32, 32), 3) for file in files])


ANOTHER_ORDER, ONE_MISSING = "classes in another order", "one class is missing"
FORMS = ["litert-fp16", "litert-int8"]


def wrong_model(model, kind):
    """Return a copy that is wrong as a broken conversion may be."""
    twin = keras.models.clone_model(model)
    twin.set_weights(model.get_weights())
    kernel, bias = twin.get_layer("head").get_weights()
    if kind == ANOTHER_ORDER:
        kernel, bias = np.roll(kernel, 1, axis=1), np.roll(bias, 1)
    else:
        kernel[:, 2], bias[2] = 0, -9
    twin.get_layer("head").set_weights([kernel, bias])
    return twin


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 12])
@pytest.mark.parametrize("kind", [ANOTHER_ORDER, ONE_MISSING])
def test_a_wrong_file_is_refused_however_few_the_images(
    wrong_folders, images_dir, kind, count
):
    checks = verify(
        wrong_folders[kind], CLASSIFY, FORMS, real_images(images_dir, count)
    )
    assert [bool(check.problems) for check in checks] == [False, True, True]


@pytest.fixture(scope="module")
def wrong_folders(small_model, small_export, tmp_path_factory):
    folders = {}
    for kind in (ANOTHER_ORDER, ONE_MISSING):
        folder = tmp_path_factory.mktemp("wrong")
        shutil.copy(small_export / "model.keras", folder)
        card = ModelCard("small", "swin_small", {"input_shape": (32, 32, 3)}, NAMES)
        wrong = inference_model(wrong_model(small_model, kind))
        with exporting_litert(wrong, folder, FORMS, card):
            pass
        folders[kind] = folder
    return folders


@pytest.mark.slow
def test_for_one_image_a_right_file_passes_and_a_wrong_one_is_refused(
    small_export, images_dir, tmp_path
):
    images = real_images(images_dir, 1)
    assert not verify(small_export, CLASSIFY, FORMS, images)[1].problems
    shutil.copytree(small_export, tmp_path / "wrong")
    (tmp_path / "wrong" / "card.json").unlink()  # which lists the files' hashes
    wrong = wrong_model(load_keras(small_export / "model.keras"), ANOTHER_ORDER)
    wrong.save(tmp_path / "wrong" / "model.keras")
    for check in verify(tmp_path / "wrong", CLASSIFY, FORMS, images)[1:]:
        assert check.problems[0].startswith("rounding noise is")


@pytest.mark.slow
def test_a_model_that_cannot_decide_is_exported_all_the_same(images_dir, tmp_path):
    """Two classes that are equal but for 1e-5: half precision decides some anew."""
    model = shaken(SwinClassifier(SMALL, classes=5, name="undecided"))
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    nearly = np.random.default_rng(0).normal(scale=1e-5, size=len(kernel))
    kernel[:, 1], bias[:2] = kernel[:, 0] + nearly, 9
    head.set_weights([kernel, bias])
    model.save(tmp_path / "undecided.keras")
    config = ExportConfig(
        formats=("litert-fp16",), images=str(images_dir), saved_models_dir=str(tmp_path)
    )
    folder = export(tmp_path / "undecided.keras", config)
    images = real_images(images_dir, 12).astype("float32")
    best = [
        next(iter(open_model(folder / name)(images).values())).argmax(-1)
        for name in ("model.keras", FORMATS["litert-fp16"])
    ]
    assert (best[0] != best[1]).any()  # it would be refused otherwise
    assert "| 12 near ties |" in (folder / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_references_are_computed_in_true_float32(
    model_file, images_dir, tmp_path, monkeypatch
):
    """A CPU that is as coarse as a GPU, unless TF32 is off."""
    is_on = tf.config.experimental.tensor_float_32_execution_enabled
    assert is_on()
    exact = KerasModel.__call__

    def coarse(self, images):
        outputs = exact(self, images)
        return {k: round_to_tf32(v) for k, v in outputs.items()} if is_on() else outputs

    monkeypatch.setattr(KerasModel, "__call__", coarse)
    config = ExportConfig(
        formats=("litert",), images=str(images_dir), saved_models_dir=str(tmp_path)
    )
    folder = export(model_file, config)
    assert is_on()
    images = real_images(images_dir, 12)
    assert not verify(folder, CLASSIFY, ["litert"], images)[1].problems  # alone, too
    assert is_on()


def round_to_tf32(values):
    """Keep 10 bits of the mantissa."""
    bits = values.astype("float32").view("uint32") + np.uint32(1 << 12)
    return (bits & np.uint32(0xFFFFE000)).view("float32")


@pytest.mark.parametrize("was_on", [False, True])
def test_the_setting_of_before_is_put_back_after_an_error(was_on):
    experimental = tf.config.experimental
    experimental.enable_tensor_float_32_execution(was_on)
    try:
        with pytest.raises(ZeroDivisionError), true_float32():
            _ = 1 / experimental.tensor_float_32_execution_enabled()
        assert experimental.tensor_float_32_execution_enabled() == was_on
    finally:
        experimental.enable_tensor_float_32_execution(True)
