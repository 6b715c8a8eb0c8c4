"""What training code saves with torch is read as it is, whatever lies beside it."""

import functools
from pathlib import Path

import numpy as np
import pytest
from files import (
    checkpoint_arrays,
    logits,
    pickled_sets,
    save_checkpoint,
    save_pth,
    small_model,
)
from safetensors.numpy import save_file

from swin_keras.errors import WeightsError
from swin_keras.weights import convert, from_pretrained, load_weights
from swin_keras.weights.tensor_file import open_tensor_file, weight_keys

FILES = Path(__file__).with_name("torch_files")
KINDS = ("zip", "protocol_4", "legacy")
WEIGHTS = {
    "transposed": np.arange(12, dtype="float32").reshape(3, 4).T,
    "bfloat16": np.full(3, 2.0),
    "half": np.arange(5, dtype="float16"),
    "slice": np.arange(2.0, 6.0),
    "strided": np.array([1.0, 4.0, 7.0]),
    "parameter": np.full((2, 2), 7.0),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("key", "more"), [(None, 0), ("state_dict", 0), ("model_ema", 1)]
)
def test_numbers_are_those_that_torch_saved(kind, key, more):
    tensors = open_tensor_file(FILES / f"{kind}.pth", key=key)
    assert set(tensors) == {*WEIGHTS, "steps"}
    for name, expected in WEIGHTS.items():
        found = tensors[name].read()
        assert found.shape == tensors[name].shape == expected.shape
        assert found.dtype == tensors[name].dtype
        np.testing.assert_array_equal(found.astype("float64"), expected + more)


@pytest.mark.parametrize("kind", KINDS)
def test_sets_of_weights_are_listed_and_no_counter_among_them(kind):
    assert weight_keys(FILES / f"{kind}.pth") == ["state_dict", "model_ema"]


def test_key_that_is_not_there_names_those_that_are():
    with pytest.raises(WeightsError, match=r"under 'ema'.*'state_dict', 'model_ema'"):
        open_tensor_file(FILES / "zip.pth", key="ema")


def save_sets(path, **models):
    """Write models under keys; `ema__module` is `module` under `ema`."""
    sets = {}
    for key, model in models.items():
        *outer, last = key.split("__")
        inner = functools.reduce(lambda x, name: x.setdefault(name, {}), outer, sets)
        inner[last] = checkpoint_arrays(model, "official")
    pickle, arrays = pickled_sets(sets)
    return save_pth(path, arrays, pickle=pickle)


@pytest.mark.parametrize(
    "key",
    [
        "state_dict_ema",
        "model_ema",
        "ema",
        "teacher",
        "params",
        "network",
        "net",
        "ema__module",
        "state_dict__model",
        "a_name_of_ones_own",
    ],
)
def test_weights_under_any_usual_key_are_found(key, tmp_path):
    model = small_model()
    path = save_sets(tmp_path / "x.pth", **{key: model})
    report = load_weights(other := small_model(seed=1), path)
    assert report.adapted == ()
    np.testing.assert_array_equal(logits(other), logits(model))


def test_plain_weights_are_taken_before_averages_and_that_is_said(tmp_path, caplog):
    plain, average = small_model(seed=1), small_model(seed=2)
    path = save_sets(
        tmp_path / "x.pth", model_ema=average, ema__module=average, model=plain
    )
    report = load_weights(model := small_model(), path)
    np.testing.assert_array_equal(logits(model), logits(plain))
    assert report.adapted == (
        "weights: those under 'model'. Others are under 'model_ema', 'ema.module'; "
        "`key=` takes them",
    )
    assert "model_ema" in caplog.text

    report = load_weights(model, path, key="ema")
    np.testing.assert_array_equal(logits(model), logits(average))
    assert report.adapted == ()
    np.testing.assert_array_equal(
        logits(from_pretrained(path, key="model_ema", input_shape=(32, 32, 3))),
        logits(average),
    )
    options = {"key": "model_ema", "input_shape": (32, 32, 3)}
    convert(path, tmp_path / "x.keras", **options)
    load_weights(model := small_model(), tmp_path / "x.keras")
    np.testing.assert_array_equal(logits(model), logits(average))


def test_averages_count_their_steps_beside_the_weights(tmp_path):
    model = small_model()
    tensors = checkpoint_arrays(model, "official").items()
    arrays = {f"module.{name}": x for name, x in tensors}
    arrays["n_averaged"] = np.array(7)  # as torch.optim.swa_utils does
    save_file(arrays, tmp_path / "x.safetensors")
    report = load_weights(other := small_model(seed=1), tmp_path / "x.safetensors")
    np.testing.assert_array_equal(logits(other), logits(model))
    assert report.unused == ("n_averaged",)


def test_a_file_with_one_set_of_weights_takes_no_key(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    with pytest.raises(WeightsError, match="one set of weights"):
        load_weights(small_model(), path, key="model_ema")
