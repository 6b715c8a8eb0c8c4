"""What is written comes back bit for bit, whole or not at all."""

import json

import keras
import numpy as np
import pytest
from files import CONFIGS, SIZES, logits, small_model
from safetensors import SafetensorError

from swin_keras.errors import ResourceError, UsageError, WeightsError
from swin_keras.model_files import read_card
from swin_keras.models import SwinBackbone, SwinClassifier
from swin_keras.weights import (
    convert,
    from_pretrained,
    info,
    load_weights,
    save_huggingface,
    save_timm,
)
from swin_keras.weights.processor import stated_crop
from swin_keras.weights.targets import check_huggingface, check_timm

SAVE = {"huggingface": save_huggingface, "timm": save_timm}


@pytest.mark.parametrize("project", SAVE)
@pytest.mark.parametrize("version", CONFIGS)
def test_round_trip_is_bit_equal(version, project, tmp_path):
    changes = {"pretrained_window_size": (3, 2)} if version == "Swin V2" else {}
    model = small_model(version, **changes)
    folder = SAVE[project](model, tmp_path / "out", [f"class {n}" for n in range(5)])
    back = from_pretrained(folder)
    np.testing.assert_array_equal(logits(back), logits(model))
    SAVE[project](back, tmp_path / "again")
    first, second = (tmp_path / name / "model.safetensors" for name in ("out", "again"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("project", SAVE)
def test_one_number_and_one_for_each_stage_are_the_same_windows(project, tmp_path):
    model = small_model("Swin V2", pretrained_window_size=3)
    folder = SAVE[project](model, tmp_path / "out")
    report = load_weights(small_model("Swin V2", 1, pretrained_window_size=3), folder)
    assert not any("position bias" in words for words in report.adapted)


def test_timm_takes_windows_that_are_not_square(tmp_path):
    model = small_model(window_size=(4, 2))
    back = from_pretrained(save_timm(model, tmp_path / "out"))
    np.testing.assert_array_equal(logits(back), logits(model))


@pytest.mark.parametrize("project", SAVE)
def test_folder_tells_its_sizes_and_class_names(project, tmp_path):
    model = small_model("Swin V2", window_size=8)
    SAVE[project](model, tmp_path / "out", ["cat", "dog", "owl", "bee", "ant"])
    found = info(tmp_path / "out")
    assert found["format"] == project
    assert found["version"] == "Swin V2"
    assert found["classes"] == 5
    assert found["class_names"][1] == "dog"
    assert found["parameters"] == model.count_params()
    assert found["config"]["window_size"] == 8
    assert found["config"]["input_shape"] == (32, 32, 3)


@pytest.mark.parametrize("project", SAVE)
def test_a_ratio_that_makes_no_whole_widths_comes_back(project, tmp_path):
    """Of 1.3, hidden widths are 10 and 20; of 1.95, they are 15 and 31."""
    for ratio in (1.3, 1.95):
        model = small_model(mlp_ratio=ratio)
        folder = SAVE[project](model, tmp_path / str(ratio))
        back = from_pretrained(folder)
        assert back.get_layer("stage_2_block_1").mlp_ratio == ratio
        np.testing.assert_array_equal(logits(back), logits(model))
        (folder / "config.json").unlink()
        (folder / "card.json").unlink()
        weights = from_pretrained(folder / "model.safetensors").get_weights()
        for ours, theirs in zip(weights, model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_ratio_of_other_widths_is_refused(tmp_path):
    folder = save_timm(small_model(mlp_ratio=1.3), tmp_path / "out")
    settings = json.loads((folder / "config.json").read_text())
    settings["model_args"]["mlp_ratio"] = 1.35  # 10 in stage 1 and 21 in stage 2
    (folder / "card.json").unlink()
    (folder / "config.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsError, match=r"mlp_ratio=1\.35.* have mlp_ratio=1\.25"):
        from_pretrained(folder)


def test_a_users_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert save_timm(small_model(), "~/timm") == tmp_path / "timm"
    assert save_huggingface(small_model(), "~/hf") == tmp_path / "hf"
    assert convert("~/hf", "~/a.keras") == tmp_path / "a.keras"
    convert("~/hf", "~/again", to="timm")
    (tmp_path / "rows.txt").write_text("4 0")
    chosen = from_pretrained("~/a.keras", classes=2, head_rows="~/rows.txt")
    assert chosen.output_shape == (None, 2)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == ["a.keras", "again", "hf", "rows.txt", "timm"]


def test_full_folder_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(UsageError, match="not an empty folder"):
        save_timm(small_model(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(json, "dumps", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_timm(small_model(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_a_project_cannot_express_is_refused(tmp_path):
    with pytest.raises(UsageError, match="smaller than its window"):
        save_huggingface(small_model(input_shape=(12, 12, 3)), tmp_path / "a")
    with pytest.raises(UsageError, match="which has no head"):
        save_timm(SwinBackbone(input_shape=(32, 32, 3)), tmp_path / "d")
    with pytest.raises(UsageError, match="each of the model's 5 classes"):
        save_timm(small_model(), tmp_path / "g", ["cat", "dog"])
    with pytest.raises(UsageError, match=r"`crop_fraction` must be in \(0, 1\]"):
        save_timm(small_model(), tmp_path / "h", crop_fraction=1.5)
    assert not list(tmp_path.iterdir())


CHECK = {"huggingface": check_huggingface, "timm": check_timm}
PADDED = {"input_shape": (36, 36, 3)}
OPEN = {"mask_padding": False}
ODD = {"input_shape": (18, 18, 3), "depths": (2, 2)}
# The version, what is unusual, and what is said of it; each was measured, see
# docs/weights.md. Without words, logits are equal.
TARGETS = [
    ("Swin", {"window_size": (4, 2)}, "square windows only", ""),
    ("Swin", {"patch_overlap": 1}, "no overlap of patches", "nor overlap of patches"),
    ("Swin", {"patch_norm": False}, "always normalizes", "always normalizes"),
    ("Swin", {"position_embedding": True}, "", "no position embedding"),
    ("Swin V2", {"position_embedding": True}, "another length", "no position"),
    ("Swin", PADDED, "attended", "attended"),
    ("Swin", PADDED | OPEN, "", "shifts before it pads"),
    ("Swin V2", {"input_shape": (40, 40, 3), **OPEN}, "", ""),
    ("Swin", {"input_shape": (32, 48, 3)}, "stretches", ""),
    ("Swin V2", {"input_shape": (32, 48, 3)}, "stretches", ""),
    ("Swin", {"input_shape": (16, 64, 3), "depths": (2, 2)}, "other windows", ""),
    ("Swin V2", {"input_shape": (16, 64, 3), "depths": (2, 2)}, "other windows", ""),
    ("Swin V2", {"input_shape": (64, 16, 3), "depths": (2, 2)}, "other windows", ""),
    ("Swin", {"input_shape": (16, 64, 3)}, "stretches", ""),  # one block: no shift
    ("Swin", {"input_shape": (16, 16, 3), "depths": (2, 2)}, "", ""),
    ("Swin V2", ODD | OPEN, "other windows", "shifts before"),
    ("Swin", {"input_shape": (33, 33, 3), **OPEN}, "", "leaves the last pixels out"),
]


@pytest.mark.parametrize(("version", "changes", "huggingface", "timm"), TARGETS)
def test_what_a_project_computes_otherwise_is_said(
    version, changes, huggingface, timm, caplog
):
    config = CONFIGS[version]().replace(**{**SIZES, **changes})
    for project, words in (("huggingface", huggingface), ("timm", timm)):
        caplog.clear()
        try:
            CHECK[project](config)
            said = caplog.text
        except UsageError as error:
            said = str(error)
        assert words in said
        assert bool(words) == bool(said), project
        assert ("other windows" in said) == (words == "other windows")


# Names and preprocessing travel


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_was_saved_is_loaded_again(tmp_path, channels):
    """With the mean and deviation that it states, of any number of channels."""
    model = small_model(input_shape=(32, 32, channels))
    folder = save_huggingface(model, tmp_path / "saved")
    again = from_pretrained(folder)
    ours, theirs = (logits(m, channels=channels) for m in (again, model))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_huggingface_is_told_names_and_preprocessing(tmp_path):
    folder = save_huggingface(small_model(classes=3), tmp_path / "out", "abc", 0.8)
    config, processor = (
        json.loads((folder / name).read_text())
        for name in ("config.json", "preprocessor_config.json")
    )
    assert config["id2label"] == {"0": "a", "1": "b", "2": "c"}
    assert config["label2id"] == {"a": 0, "b": 1, "c": 2}
    assert config["problem_type"] == "single_label_classification"
    assert processor["size"] == {"shortest_edge": 40}
    assert processor["crop_size"] == {"height": 32, "width": 32}
    assert processor["do_center_crop"]
    assert processor["resample"] == 3  # bicubic, in Pillow's numbers
    assert processor["image_mean"] == [0.485, 0.456, 0.406]
    assert processor["image_std"] == [0.229, 0.224, 0.225]


def test_timm_is_told_names_and_preprocessing(tmp_path):
    model = small_model(classes=3, input_shape=(32, 32, 1))
    folder = save_timm(model, tmp_path / "out", ("a", "b", "c"), crop_fraction=0.8)
    config = json.loads((folder / "config.json").read_text())
    assert config["label_names"] == ["a", "b", "c"]
    told = config["pretrained_cfg"]
    assert (told["crop_pct"], told["crop_mode"]) == (0.8, "center")
    assert told["interpolation"] == "bicubic"
    np.testing.assert_allclose(told["mean"], [(0.485 + 0.456 + 0.406) / 3], atol=1e-6)
    np.testing.assert_allclose(told["std"], [(0.229 + 0.224 + 0.225) / 3], atol=1e-6)


def test_sigmoid_and_one_class_are_told(tmp_path):
    config = CONFIGS["Swin"]().replace(**SIZES)
    options = {"classifier_activation": "sigmoid"}
    for classes, kind in ((2, "multi_label_classification"), (1, None)):
        model = SwinClassifier(config, classes=classes, **options)
        folder = save_huggingface(model, tmp_path / str(classes))
        told = json.loads((folder / "config.json").read_text())
        assert told.get("problem_type") == kind


@pytest.mark.parametrize("project", SAVE)
def test_several_labels_an_image_come_back_as_such(project, tmp_path):
    config = CONFIGS["Swin"]().replace(**SIZES)
    model = SwinClassifier(config, classes=2, classifier_activation="sigmoid")
    folder = SAVE[project](model, tmp_path / "out", ("cat", "dog"))
    (folder / "card.json").unlink()
    path = convert(folder, tmp_path / "back.keras")
    assert read_card(path).task == "multi-label"
    x = np.random.default_rng(0).uniform(0, 255, (2, *model.input_shape[1:]))
    back = keras.models.load_model(path)
    np.testing.assert_allclose(back(x), model(x), atol=1e-6)


def test_preprocessing_of_timm_travels_through_a_conversion(tmp_path):
    first = save_timm(small_model(classes=2), tmp_path / "a", ("x", "y"), 0.75)
    ours = convert(first, tmp_path / "b.keras")
    assert read_card(ours).crop_fraction == 0.75
    last = convert(ours, tmp_path / "c", to="timm")
    first, last = (
        json.loads((folder / "config.json").read_text()) for folder in (first, last)
    )
    assert first["label_names"] == last["label_names"]
    assert first["pretrained_cfg"] == last["pretrained_cfg"]


@pytest.mark.parametrize("width", [32, 48])
def test_preprocessing_of_huggingface_travels_through_a_conversion(width, tmp_path):
    """Also where transformers only stretches, and of 32 / 0.875 = 36.57 pixels."""
    model = small_model(classes=2, input_shape=(32, width, 3))
    first = save_huggingface(model, tmp_path / "a", ("x", "y"), 0.875)
    ours = convert(first, tmp_path / "b.keras")
    assert read_card(ours).crop_fraction == 0.875
    last = convert(ours, tmp_path / "c", to="huggingface")
    for name in ("config.json", "preprocessor_config.json"):
        assert (first / name).read_text() == (last / name).read_text()
    theirs = convert(first, tmp_path / "d", to="timm")
    told = json.loads((theirs / "config.json").read_text())["pretrained_cfg"]
    assert told["crop_pct"] == 0.875


SQUARE = {"height": 40, "width": 40}
CROPS = [
    ({"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 32}}, 0.8),
    ({"size": {"shortest_edge": 40}, "crop_size": 32}, 0.8),
    ({"size": 40, "crop_size": 32}, 0.8),
    ({"size": SQUARE, "crop_size": [32, 32]}, 0.8),
    ({"size": {"shortest_edge": 40}, "crop_size": {"height": 32, "width": 64}}, 0.8),
    ({"size": 40, "crop_size": 32, "crop_pct": 0.79}, 0.79),
    ({"size": 32, "crop_size": 40}, 1.0),  # black is put around
    ({"size": 40, "crop_size": 32, "do_center_crop": None}, 1.0),
    ({"size": 40, "crop_size": 32, "do_resize": False}, 1.0),
    ({"size": {"longest_edge": 40}, "crop_size": 32}, 1.0),
    ({"size": {"shortest_edge": 40}, "crop_size": None}, 1.0),
    ({}, 1.0),
]


@pytest.mark.parametrize(("processor", "crop"), CROPS)
def test_the_crop_of_a_processor_is_taken(processor, crop):
    assert stated_crop({}, {"do_center_crop": True} | processor) == crop


@pytest.mark.parametrize(
    "size", ["40", 0, -40, float("nan"), [40, "40"], {"height": 0}]
)
def test_a_crop_of_no_size_is_refused(size):
    for name in ("size", "crop_size"):
        sizes = {"size": 40, "crop_size": 32, name: size, "do_center_crop": True}
        with pytest.raises(
            WeightsError, match=f"`{name}` of a preprocessor.* positive"
        ):
            stated_crop({}, sizes)
    with pytest.raises(WeightsError, match=r"share of an image must be in \(0, 1\]"):
        stated_crop({}, {"crop_pct": size})


def test_changed_file_beside_its_card_is_refused(tmp_path):
    folder = save_timm(small_model(), tmp_path / "out")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-3] ^= 4
    weights.write_bytes(data)
    with pytest.raises(WeightsError, match=r"damaged or was changed.*SHA-256"):
        load_weights(small_model(), folder)


def test_convert_goes_from_any_layout_to_any(tmp_path):
    model = small_model()
    source = save_timm(model, tmp_path / "timm")
    ours = convert(source, tmp_path / "x.keras")
    theirs = convert(ours, tmp_path / "hf", to="huggingface")
    back = convert(theirs, tmp_path / "back", to="timm")
    assert (source / "model.safetensors").read_bytes() == (
        back / "model.safetensors"
    ).read_bytes()
    assert info(ours)["format"] == "keras"
    assert info(ours)["config"] == info(source)["config"] | {"drop_path_rate": 0.1}

    convert(source, tmp_path / "x.weights.h5")
    other = small_model(seed=1)
    load_weights(other, tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(logits(other), logits(model))


def test_convert_adapts_on_the_way(tmp_path):
    source = save_timm(small_model(), tmp_path / "timm")
    convert(source, tmp_path / "hf", to="huggingface", classes=3, window_size=8)
    found = info(tmp_path / "hf")
    assert (found["classes"], found["config"]["window_size"]) == (3, 8)


def test_convert_refuses_what_it_cannot_do(tmp_path):
    source = save_timm(small_model(), tmp_path / "timm")
    with pytest.raises(UsageError, match="`to` must be"):
        convert(source, tmp_path / "x")
    with pytest.raises(UsageError, match="Did you mean 'huggingface'"):
        convert(source, tmp_path / "x", to="hugging_face")
    with pytest.raises(UsageError, match="other projects a folder"):
        convert(source, tmp_path / "x.keras", to="timm")
    convert(source, tmp_path / "x.keras")
    with pytest.raises(UsageError, match="exists already"):
        convert(source, tmp_path / "x.keras")
    small_model().save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(UsageError, match="weights without a model"):
        convert(tmp_path / "only.weights.h5", tmp_path / "y", to="timm")


@pytest.mark.parametrize("project", SAVE)
def test_one_class_comes_back_as_a_sigmoid(project, tmp_path):
    config = CONFIGS["Swin"]().replace(**SIZES)
    model = SwinClassifier(config, classes=1, classifier_activation="sigmoid")
    folder = SAVE[project](model, tmp_path / "one")
    back = from_pretrained(folder)
    card = read_card(convert(folder, tmp_path / "back.keras"))
    assert card.task == "multi-label"
    image = np.random.default_rng(0).uniform(0, 255, (1, *model.input_shape[1:]))
    given, expected = (m(image.astype("float32")) for m in (back, model))
    np.testing.assert_allclose(given, expected, atol=1e-5)


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("swin_keras.weights.saving.save_file", full)
    with pytest.raises(ResourceError, match=r"out cannot be written.*No space left"):
        save_timm(small_model(), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_timm_takes_a_strip_that_is_lower_than_the_window(tmp_path):
    """The first table is for the map, (4, 7), and the window that is stated is 7."""
    model = small_model(input_shape=(8, 80, 1), window_size=7)
    folder = save_timm(model, tmp_path / "out")
    images = np.random.default_rng(0).uniform(0, 255, (2, 8, 80, 1)).astype("float32")
    again = small_model(seed=1, input_shape=(8, 80, 1), window_size=7)
    load_weights(again, folder)
    for back in (again, from_pretrained(folder)):
        np.testing.assert_array_equal(back(images), model(images))
