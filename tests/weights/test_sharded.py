"""A model in several files is one model."""

import json

import numpy as np
import pytest
from files import checkpoint_arrays, logits, save_pth, small_model
from safetensors.numpy import save_file

from swin_keras.errors import WeightsError
from swin_keras.weights import load_weights


def split(folder, model, kind):
    """Write a folder with two files and their index, as Hugging Face does."""
    arrays = checkpoint_arrays(model, "huggingface")
    base, ending = kind.split(".")
    index = {}
    for number in (1, 2):
        name = f"{base}-0000{number}-of-00002.{ending}"
        part = dict(list(arrays.items())[number - 1 :: 2])
        if ending == "bin":
            save_pth(folder / name, part)
        else:
            save_file(part, folder / name)
        index |= dict.fromkeys(part, name)
    path = folder / f"{kind}.index.json"
    path.write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return path


@pytest.mark.parametrize("kind", ["model.safetensors", "pytorch_model.bin"])
def test_folder_with_an_index_loads_exactly(kind, tmp_path):
    model = small_model()
    path = split(tmp_path, model, kind)
    for source in (tmp_path, path):
        load_weights(other := small_model(seed=1), source)
        np.testing.assert_array_equal(logits(other), logits(model))


def test_index_and_files_that_differ_are_refused(tmp_path):
    path = split(tmp_path, small_model(), "model.safetensors")
    index = json.loads(path.read_text())
    del index["weight_map"]["swin.layernorm.bias"]
    path.write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="other tensors than it says"):
        load_weights(small_model(), tmp_path)


def test_damaged_part_beside_its_card_is_refused(tmp_path):
    split(tmp_path, small_model(), "model.safetensors")
    card = {"files": {"model-00002-of-00002.safetensors": {"sha256": "0" * 64}}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    with pytest.raises(WeightsError, match=r"00002-of-00002.* was changed"):
        load_weights(small_model(), tmp_path)
