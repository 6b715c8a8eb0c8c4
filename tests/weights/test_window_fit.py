"""Windows on small maps: as in the code that the weights are from."""

import numpy as np
import pytest
from files import save_checkpoint
from files import small_model as model_of_depth

from swin_keras.weights import from_pretrained, load_weights
from swin_keras.weights.saving import save_huggingface, save_timm
from swin_keras.weights.sizes import model_config


def small_model(**changes):
    """Build a model whose last stage shifts windows, too."""
    return model_of_depth(depths=(2, 2), **changes)


WIDE = {"input_shape": (16, 32, 3)}  # maps of 8 x 16 and 4 x 8, windows of 4


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("official", "map"),
        pytest.param("huggingface", "map", marks=pytest.mark.slow),
        ("timm", "side"),
        pytest.param("torchvision", "side", marks=pytest.mark.slow),
    ],
)
def test_a_model_built_from_a_file_fits_windows_as_the_files_code(
    tmp_path, layout, expected
):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model(), layout)
    assert model_config(from_pretrained(path)).window_fit == "side"  # all the same
    assert model_config(from_pretrained(path, **WIDE)).window_fit == expected
    chosen = from_pretrained(path, **WIDE, window_fit="side")
    assert model_config(chosen).window_fit == "side"


@pytest.mark.slow
def test_weights_for_a_model_that_fits_otherwise_are_told(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    said = "build it with window_fit='map'"
    assert said in str(load_weights(small_model(**WIDE), path))
    assert said not in str(load_weights(small_model(**WIDE, window_fit="map"), path))
    assert said not in str(load_weights(small_model(), path))


@pytest.mark.slow
def test_the_way_to_fit_changes_the_numbers_only_where_it_matters():
    x = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3))
    side, by_map = small_model(), small_model(window_fit="map")
    np.testing.assert_array_equal(side(x), by_map(x))
    side, by_map = small_model(**WIDE), small_model(**WIDE, window_fit="map")
    # Far above rounding, which is 1e-7.
    assert np.abs(side(x[:, :16]) - by_map(x[:, :16])).max() > 1e-5


@pytest.mark.parametrize(
    ("save", "fit"), [(save_huggingface, "map"), (save_timm, "side")]
)
def test_a_folder_for_others_warns_of_a_model_that_fits_otherwise(
    save, fit, tmp_path, caplog
):
    save(small_model(**WIDE, window_fit=fit), tmp_path / "alike")
    assert "logits will differ" not in caplog.text
    other = {"map": "side", "side": "map"}[fit]
    save(small_model(**WIDE, window_fit=other), tmp_path / "otherwise")
    assert "logits will differ" in caplog.text
