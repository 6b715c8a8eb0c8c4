"""Models under other backends and settings of Keras, each in a subprocess."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config

TOY = {
    "input_shape": (36, 28, 3),
    "embed_dim": 8,
    "depths": [1, 1],
    "num_heads": [1, 2],
    "window_size": 4,
    "drop_path_rate": 0.5,
    "dropout_rate": 0.1,
    "attention_dropout_rate": 0.1,
    "patch_overlap": 1,
}
CONFIGS = {"V1": SwinConfig, "V2": SwinV2Config}
# Builds both versions with the weights of a file, predicts, trains one step.
CODE = """
import json, sys, keras, numpy as np
from swin_keras.models import SwinClassifier, SwinConfig, SwinV2Config
folder, sizes = sys.argv[1], json.loads(sys.argv[2])
x = np.load(f"{folder}/images.npy")
results = {}
for pooling in ("avg", "max"):
    model = SwinClassifier(SwinConfig(**sizes), include_top=False, pooling=pooling)
    results[pooling] = np.zeros(model.output_shape[1:])
for version, config in (("V1", SwinConfig), ("V2", SwinV2Config)):
    model = SwinClassifier(config(**sizes), classes=3)
    with np.load(f"{folder}/{version}.npz") as weights:
        model.set_weights([weights[name] for name in weights])
    results[f"{version}/before"] = keras.ops.convert_to_numpy(model(x))
    for layer in model._flatten_layers():
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([7, 0])
    loss = "sparse_categorical_crossentropy"
    compiled = keras.backend.backend() == "jax"
    model.compile(keras.optimizers.SGD(0.05), loss, jit_compile=compiled)
    before = model.get_weights()
    model.train_on_batch(x, np.arange(4) % 3)
    for old, new, weight in zip(before, model.get_weights(), model.weights):
        assert not weight.trainable or np.abs(new - old).max() > 0, weight.path
    results[f"{version}/after"] = keras.ops.convert_to_numpy(model(x))
np.savez(f"{folder}/results.npz", **results)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with images, and weights of both versions."""
    folder = tmp_path_factory.mktemp("backends")
    rng = np.random.default_rng(0)
    np.save(folder / "images.npy", rng.uniform(0, 255, (4, 36, 28, 3)).astype("f4"))
    for version, config in CONFIGS.items():
        model = SwinClassifier(config(**TOY), classes=3)
        weights = [rng.normal(scale=0.2, size=w.shape) for w in model.get_weights()]
        np.savez(folder / f"{version}.npz", *weights)
    return folder


def run(folder, **environment):
    words = [sys.executable, "-c", CODE, str(folder), json.dumps(TOY)]
    subprocess.run(words, env=os.environ | environment, check=True, timeout=300)
    with np.load(folder / "results.npz") as results:
        return dict(results)


@pytest.fixture(scope="module")
def expected(folder):
    return run(folder, KERAS_BACKEND="tensorflow")


def assert_same(found, expected):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_predicts_and_trains_alike_with_dropout_on(
    folder, expected, backend
):
    pytest.importorskip(backend)
    assert_same(run(folder, KERAS_BACKEND=backend), expected)


@pytest.fixture
def channels_first():
    keras.config.set_image_data_format("channels_first")
    yield
    keras.config.set_image_data_format("channels_last")


def test_shapes_are_the_same_with_channels_first(channels_first):
    for options in ({"pooling": "avg"}, {"pooling": "max"}, {}):
        model = SwinClassifier(SwinConfig(**TOY), include_top=False, **options)
        expected = (None, 16) if options else (None, 5, 4, 16)
        assert model.output_shape == expected
        x = np.zeros((1, *TOY["input_shape"]))
        assert tuple(model(x).shape[1:]) == expected[1:]


@pytest.mark.slow
def test_channels_first_in_the_settings_of_keras_changes_nothing(
    folder, expected, tmp_path
):
    settings = {"image_data_format": "channels_first", "backend": "tensorflow"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    assert_same(run(folder, KERAS_HOME=str(tmp_path)), expected)
