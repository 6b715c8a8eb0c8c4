"""Class maps inside exported files: complete, delegated, and no other answers."""

import dataclasses
import json

import keras
import numpy as np
import pytest
from explained_toys import COMMON, SIZES, make_model
from PIL import Image

import swin_keras
from swin_keras.applications import SwinNano
from swin_keras.errors import ExportError, ModelFileError, UsageError
from swin_keras.explaining.class_map import file_class_maps
from swin_keras.explaining.explainer import Explainer
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.exporting.verify import require_good, verify
from swin_keras.inference.predictor import Predictor
from swin_keras.inference.runtimes import open_model
from swin_keras.litert.coverage import coverage
from swin_keras.litert.lint import lint
from swin_keras.model_files import read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.tasks import task_named

NAMES = ("cat", "dog", "emu")
FILES = ("saved_model/1", "model.tflite", "model_fp16.tflite", "model_int8.tflite")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(6):
        rng = np.random.default_rng(index)
        coarse = rng.integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(coarse).resize((32, 32)).save(folder / f"{index}.png")
    return folder


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    config = dataclasses.asdict(SwinConfig(**{**COMMON, **SIZES["plain"]}))
    path = tmp_path_factory.mktemp("models") / "small.keras"
    save_keras(make_model(), path, ModelCard("small", "swin_nano", config, NAMES))
    return path


@pytest.fixture(scope="module")
def exported(model_file, tmp_path_factory):
    place = str(tmp_path_factory.mktemp("saved_models"))
    config = ExportConfig(saved_models_dir=place, explain=True, verify=False)
    folder = export(model_file, config)
    assert folder.name == "small-explain"  # beside "small", in its own right
    return folder


@pytest.fixture(scope="module")
def images(photos):
    files = [photos / f"{index}.png" for index in range(6)]
    return np.stack([np.array(Image.open(file)) for file in files]).astype("float32")


@pytest.fixture(scope="module")
def expected_maps(exported, images):
    return file_class_maps(exported / "model.keras", images)


@pytest.mark.parametrize("file", FILES)
def test_the_mean_of_a_map_in_a_file_is_the_logit(
    file, exported, images, expected_maps
):
    model = open_model(exported / file)
    assert set(model.outputs) == {"probabilities", "class_maps"}
    assert tuple(model.outputs["class_maps"]) == (8, 8, 3)
    outputs = model(images)
    logits = outputs["class_maps"].mean((1, 2))
    found = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    exact = file in ("saved_model/1", "model.tflite")
    np.testing.assert_allclose(
        found, outputs["probabilities"], atol=1e-6 if exact else 0.02
    )
    error = np.abs(outputs["class_maps"] - expected_maps).max()
    assert error < (1e-4 if exact else 0.1) * np.abs(expected_maps).max()


def test_a_file_with_maps_runs_whole_on_a_phone(exported):
    for file in FILES[1:]:
        assert not lint(exported / file).findings
        run = coverage(exported / file)
        assert run.is_full, run
    card = json.loads((exported / "card.json").read_text())
    assert card["outputs"]["class_maps"] == [8, 8, 3]
    assert "--explain" in card["command"]
    assert "the mean of a map is the logit" in (exported / "README.md").read_text()


def test_a_file_with_maps_answers_as_one_without(exported, model_file, photos):
    expected = [one.scores for one in Predictor(model_file).predict(photos)]
    for file in ("model.tflite", "saved_model/1"):
        for one, scores in zip(
            Predictor(exported / file).predict(photos), expected, strict=True
        ):
            assert [n for n, _ in one.scores] == [n for n, _ in scores]


def test_a_file_with_maps_is_explained_without_keras(exported, photos):
    for file in ("model.tflite", "saved_model/1"):
        found = swin_keras.explain(exported / file, photos)
        expected = swin_keras.explain(exported / "model.keras", photos)
        for one, other in zip(found, expected, strict=True):
            (values,), (theirs,) = one.maps.values(), other.maps.values()
            np.testing.assert_allclose(values, theirs, atol=1e-4)
    with pytest.raises(ModelFileError, match="needs gradients or attention"):
        swin_keras.explain(exported / "model.tflite", photos, method="grad-cam")
    assert Explainer(exported).name.endswith("model.keras")


@pytest.mark.parametrize("has_card", [True, False])
def test_a_file_tells_where_the_cells_of_a_resizing_model_lie(has_card, tmp_path):
    """Its patches cut 27 x 38 pixels, which are padded to 28 x 40."""
    config = SwinConfig(**{**COMMON, "input_shape": (27, 38, 3)})
    smaller = keras.layers.Resizing(27, 38)(keras.Input((32, 32, 3)))
    model = SwinClassifier(config, input_tensor=smaller, classes=3)
    path = tmp_path / "resizing.keras"
    sizes = dataclasses.asdict(config)
    if has_card:
        save_keras(model, path, ModelCard("resizing", "swin_nano", sizes, NAMES))
    else:
        model.save(path)
    options = {"formats": ("litert",), "explain": True, "verify": False}
    folder = export(path, ExportConfig(saved_models_dir=str(tmp_path), **options))
    card = read_card(folder)
    assert (card.resized_to, card.model["patch_size"]) == ((27, 38), 2)
    assert card.model["input_shape"] == [32, 32, 3]
    for name in ("model.keras", "model.tflite"):
        assert Explainer(folder / name).reach((7, 10)) == (28 / 27, 40 / 38)


def test_wrong_maps_are_found_before_they_are_shipped(exported, images):
    wrong = make_model()
    head = wrong.get_layer("head")
    kernel, bias = head.get_weights()
    head.set_weights([kernel, bias + np.ones(3)])  # the same probabilities
    keras_file = exported / "model.keras"
    right = keras_file.read_bytes()
    card = ModelCard("small", "swin_nano", {}, NAMES)
    try:
        (exported / "card.json").rename(exported / "card.kept")
        save_keras(wrong, keras_file, card)
        checks = verify(
            exported, task_named("classify"), ["litert"], images, explained=True
        )
    finally:
        keras_file.write_bytes(right)
        (exported / "card.kept").rename(exported / "card.json")
    assert checks[1].difference < 1e-3
    with pytest.raises(ExportError, match=r"class maps differ by 1\.0e"):
        require_good(checks)


def test_maps_need_classes(tmp_path):
    with pytest.raises(UsageError, match="one of the two must be off"):
        ExportConfig(explain=True, features=True)
    path = tmp_path / "backbone.keras"
    SwinNano(include_top=False).save(path)
    config = ExportConfig(saved_models_dir=str(tmp_path / "out"), explain=True)
    with pytest.raises(UsageError, match="ends in"):
        export(path, config)
    assert not any((tmp_path / "out").glob("*"))
