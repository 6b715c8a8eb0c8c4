"""What is written comes back bit for bit, whole or not at all."""

import json

import numpy as np
import pytest
from files import CONFIGS, logits, small_model

from swin_keras.errors import UsageError, WeightsError
from swin_keras.models import SwinBackbone
from swin_keras.weights import (
    convert,
    from_pretrained,
    info,
    load_weights,
    save_huggingface,
    save_timm,
)

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
    with pytest.raises(UsageError, match="square windows only"):
        save_huggingface(small_model(window_size=(4, 2)), tmp_path / "b")
    with pytest.raises(UsageError, match="no position embedding"):
        save_timm(small_model(position_embedding=True), tmp_path / "c")
    with pytest.raises(UsageError, match="nor overlap of patches"):
        save_timm(small_model(patch_overlap=1), tmp_path / "e")
    with pytest.raises(UsageError, match="no overlap of patches"):
        save_huggingface(small_model(patch_overlap=1), tmp_path / "f")
    with pytest.raises(UsageError, match="which has no head"):
        save_timm(SwinBackbone(input_shape=(32, 32, 3)), tmp_path / "d")


def test_padding_that_others_attend_to_is_said(tmp_path, caplog):
    save_timm(small_model(input_shape=(36, 36, 3)), tmp_path / "a")
    assert "mask_padding=False" in caplog.text
    caplog.clear()
    save_timm(small_model(input_shape=(36, 36, 3), mask_padding=False), tmp_path / "b")
    save_timm(small_model(), tmp_path / "c")
    assert caplog.text == ""


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
