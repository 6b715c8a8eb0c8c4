"""Models that Keras quantized, saved and loaded."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config

TOY = {
    "input_shape": (32, 32, 3),
    "embed_dim": 8,
    "depths": (1, 1),
    "num_heads": (1, 2),
    "window_size": 4,
}
X = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")


GROUPS = keras.quantizers.Int4QuantizationConfig(block_size=4)


@pytest.mark.parametrize(
    ("config_class", "mode"),
    [
        pytest.param(SwinConfig, "int8", marks=pytest.mark.slow),
        pytest.param(SwinV2Config, "int4", marks=pytest.mark.slow),
        pytest.param(SwinConfig, "int4", marks=pytest.mark.slow),
        pytest.param(SwinConfig, GROUPS, marks=pytest.mark.slow),
        pytest.param(SwinV2Config, "int8", marks=pytest.mark.slow),
        pytest.param(SwinV2Config, GROUPS, marks=pytest.mark.slow),
    ],
)
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")  # of norms: they have none
def test_a_quantized_model_comes_back_from_its_file(config_class, mode, tmp_path):
    model = SwinClassifier(config_class(**TOY), classes=4)
    plain = model(X)
    if isinstance(mode, str):
        model.quantize(mode)
    else:
        model.quantize(config=mode)
    expected = model(X)
    assert np.abs(expected - plain).max() > 0
    np.testing.assert_allclose(expected, plain, atol=0.05)
    model.save(tmp_path / "quantized.keras")
    loaded = keras.models.load_model(tmp_path / "quantized.keras")
    block = loaded.get_layer("stage_2_block_1")
    assert block.attention.qkv.quantization_mode is not None
    np.testing.assert_array_equal(loaded(X), expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
def test_quantized_patches_that_overlap_keep_their_scale():
    model = SwinClassifier(SwinConfig(**TOY, patch_overlap=2), classes=4)
    expected = model.get_layer("patch_embedding")(X)
    model.quantize("int8")
    found = model.get_layer("patch_embedding")(X)
    np.testing.assert_allclose(found, expected, atol=0.1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
def test_layers_that_a_filter_leaves_stay_as_they_are(tmp_path):
    model = SwinClassifier(SwinConfig(**TOY), classes=4)
    model.quantize("int8", filters="mlp_expand")
    model.save(tmp_path / "quantized.keras")
    loaded = keras.models.load_model(tmp_path / "quantized.keras")
    block = loaded.get_layer("stage_1_block_1")
    assert block.mlp_expand.quantization_mode == "int8"
    assert block.mlp_reduce.quantization_mode is None
    np.testing.assert_array_equal(loaded(X), model(X))


CODE = """
import sys, keras, numpy as np
from swin_keras.models import SwinClassifier, SwinConfig
x = np.random.default_rng(0).uniform(0, 255, (2, 16, 16, 3)).astype("float32")
sizes = {"embed_dim": 8, "depths": (1,), "num_heads": (1,), "window_size": 4}
model = SwinClassifier(SwinConfig(input_shape=(16, 16, 3), **sizes), classes=4)
model.quantize("int8")
model.save(sys.argv[1])
loaded = keras.models.load_model(sys.argv[1])
block = loaded.get_layer("stage_1_block_1")
assert block.attention.qkv.quantization_mode == "int8"
found, expected = (keras.ops.convert_to_numpy(m(x)) for m in (loaded, model))
np.testing.assert_array_equal(found, expected)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_it_comes_back_on_other_backends(backend, tmp_path):
    pytest.importorskip(backend)
    words = [sys.executable, "-c", CODE, str(tmp_path / "model.keras")]
    environment = os.environ | {"KERAS_BACKEND": backend}
    subprocess.run(words, env=environment, check=True, timeout=300)
