"""`info` tells what a file is, not what a card says, and in JSON that is JSON."""

import dataclasses
import json

import numpy as np
import pytest
from onnx_file import write_onnx
from safetensors.numpy import save_file

from swin_keras.cli import main
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinClassifier, SwinConfig

SMALL = SwinConfig(
    input_shape=(16, 16, 3), embed_dim=8, depths=(1, 1), num_heads=(1, 2)
)


@pytest.fixture
def card():
    """A card of a model that would take minutes and gigabytes to build."""
    sizes = dataclasses.asdict(SMALL) | {"embed_dim": 4096, "depths": (300, 300)}
    metrics = {"accuracy": float("nan")}
    return ModelCard("huge", "swin", sizes, ("cat", "dog"), metrics=metrics)


def info(path, capsys):
    assert main(["info", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def test_a_keras_file_is_described_by_its_layers(tmp_path, card, capsys):
    path = tmp_path / "model.keras"
    save_keras(SwinClassifier(SMALL, classes=2), path, card)
    found = info(path, capsys)
    assert [part["name"] for part in found["parts"]][1] == "stage_1"
    assert sum(part["parameters"] for part in found["parts"]) < 10_000
    assert found["card"]["metrics"] == {"accuracy": None}
    card = dataclasses.replace(card, name="[b]huge")
    save_keras(SwinClassifier(SMALL, classes=2), path, card)
    assert main(["info", str(path)]) == 0
    assert "\n[b]huge: 2 classes" in capsys.readouterr().out


def test_an_onnx_file_is_described_by_what_it_takes_and_gives(tmp_path, card, capsys):
    card = dataclasses.replace(card, class_names=tuple("abcd"))
    (tmp_path / "card.json").write_text(card.to_json())
    path = write_onnx(tmp_path / "model.onnx")
    found = info(path, capsys)
    assert found["parts"] == []
    assert found["file"] == {
        "path": str(path),
        "form": "onnx",
        "bytes": path.stat().st_size,
        "takes": [4, 4, 1],
        "gives": {"probabilities": [4]},
    }
    assert main(["info", str(path)]) == 0
    said = capsys.readouterr().out
    assert "4 x 4 x 1" in said
    assert "probabilities: 4" in said


def test_a_checkpoint_of_another_architecture_shows_its_tensors(tmp_path, capsys):
    path = tmp_path / "other.safetensors"
    weights = {f"conv{n}.weight": np.zeros((4, 3, n + 1), "float32") for n in range(30)}
    save_file(weights, path)
    assert main(["info", str(path)]) == 4
    told = capsys.readouterr()
    assert "conv0.weight" in told.out
    assert "4 x 3 x 1" in told.out
    assert "(10 more)" in told.out
    assert "It has 30 tensors of another kind" in told.err
    path.write_bytes(path.read_bytes()[:40])
    assert main(["info", str(path)]) == 4
    assert capsys.readouterr().out == ""
