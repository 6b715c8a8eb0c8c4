"""Maps under another backend of Keras, in a subprocess."""

import os
import subprocess
import sys

import numpy as np
import pytest
from explained_toys import COMMON, SIZES, make_images, make_model

from swin_keras.explaining.explainer import Explainer

CODE = """
import sys, numpy as np
from swin_keras.errors import UsageError
from swin_keras.explaining.explainer import Explainer
from swin_keras.models import SwinClassifier, SwinConfig
folder, sizes = sys.argv[1], eval(sys.argv[2])
model = SwinClassifier(SwinConfig(**sizes), classes=3)
model.load_weights(f"{folder}/toy.weights.h5")
explainer, images = Explainer(model), np.load(f"{folder}/images.npy")
maps = {n: explainer.maps(images, [0, 1], method=n) for n in ("cam", "rollout")}
maps["window"] = explainer.query_maps(images, (0.2, 0.8))["window"]
np.savez(f"{folder}/maps.npz", **maps)
for name in ("grad-cam", "gradient-rollout"):
    try:
        explainer.maps(images, [0, 1], method=name)
    except UsageError as error:
        assert "KERAS_BACKEND=tensorflow" in str(error)
    else:
        raise AssertionError(name)
"""


@pytest.mark.slow
def test_maps_are_the_same_on_jax_and_gradients_say_what_they_need(tmp_path):
    pytest.importorskip("jax")
    model = make_model()
    images = make_images(model)
    model.save_weights(tmp_path / "toy.weights.h5")
    np.save(tmp_path / "images.npy", images)
    sizes = repr({**COMMON, **SIZES["plain"]})
    subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path), sizes],
        check=True,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    explainer = Explainer(model)
    with np.load(tmp_path / "maps.npz") as found:
        for name in ("cam", "rollout"):
            expected = explainer.maps(images, [0, 1], method=name)
            np.testing.assert_allclose(found[name], expected, atol=1e-5)
        window = explainer.query_maps(images, (0.2, 0.8))["window"]
        np.testing.assert_allclose(found["window"], window, atol=1e-6)


def test_a_model_that_normalizes_nothing_is_warned_about(caplog):
    Explainer(make_model(include_preprocessing=False))
    assert "no layer that normalizes" in caplog.text
    caplog.clear()
    Explainer(make_model())
    assert not caplog.text
