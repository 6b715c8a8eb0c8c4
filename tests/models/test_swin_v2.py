"""Swin V2 as models: published sizes, configurations, and training."""

import dataclasses

import keras
import numpy as np
import pytest

from swin_keras.applications import SwinV2Tiny, create_model
from swin_keras.errors import UsageError
from swin_keras.models import SwinConfig, SwinV2Config, config_from_dict, variant_config

SMALL = {"input_shape": (32, 32, 3), "embed_dim": 8, "depths": (1, 1)}
SMALL |= {"num_heads": (1, 2), "patch_size": 2, "window_size": 4}


@pytest.mark.parametrize("variant", ["swin_tiny", "swinv2_tiny", "swinv2_large"])
def test_configuration_comes_back_from_a_dictionary(variant):
    config = variant_config(variant)
    again = config_from_dict(dataclasses.asdict(config))
    assert again == config
    assert type(again) is type(config)


def test_pretrained_window_is_one_number_or_one_for_each_stage():
    assert SwinV2Config(pretrained_window_size=12).pretrained_windows == (12,) * 4
    with pytest.raises(UsageError, match="one for each stage"):
        SwinV2Config(pretrained_window_size=(12, 12))
    for wrong in (8.0, "8", ("8",) * 4, True):
        with pytest.raises(UsageError, match="one number, at least 0, or one for each"):
            SwinV2Config(pretrained_window_size=wrong)
    with pytest.raises(UsageError, match="no size 'pretrained_window_size'"):
        SwinConfig().replace(pretrained_window_size=12)


def test_function_and_variant_are_the_same_model():
    by_function = SwinV2Tiny(classes=3, **SMALL)
    by_name = create_model("swinv2_tiny", classes=3, **SMALL)
    assert by_function.count_params() == by_name.count_params()


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy",
    [
        "float32",
        pytest.param("mixed_bfloat16", marks=pytest.mark.slow),
        pytest.param("mixed_float16", marks=pytest.mark.slow),
    ],
)
def test_a_small_model_learns_saves_and_loads(policy, tmp_path, set_dtype_policy):
    set_dtype_policy(policy)
    model = SwinV2Tiny(classes=2, drop_path_rate=0.0, **SMALL)
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, size=(16, 32, 32, 3)).astype("float32")
    labels = (images.mean((1, 2, 3)) > np.median(images.mean((1, 2, 3)))).astype(int)
    images[labels == 1] *= 0.5
    model.compile(
        keras.optimizers.Adam(3e-3),
        "sparse_categorical_crossentropy",
        jit_compile=False,
    )
    losses = model.fit(images, labels, epochs=5, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(
        loaded.predict(images, verbose=0), model.predict(images, verbose=0)
    )
