"""Any layout loads, bit for bit; what does not fit is refused in words."""

import keras
import numpy as np
import pytest
from files import (
    CONFIGS,
    LAYOUTS,
    SIZES,
    checkpoint_arrays,
    logits,
    save_checkpoint,
    save_pth,
    small_model,
)
from safetensors.numpy import save_file

from swin_keras.applications import create_model
from swin_keras.errors import UsageError, WeightsError
from swin_keras.models import SwinBackbone
from swin_keras.weights import load_weights


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("version", CONFIGS)
def test_every_layout_loads_bit_for_bit(version, layout, tmp_path):
    trained, other = small_model(version), small_model(version, seed=1)
    path = save_checkpoint(tmp_path / "x.safetensors", trained, layout)
    report = load_weights(other, path)
    assert report.format == layout
    assert report.loaded[0] == report.loaded[1]
    assert not report.adapted
    for ours, theirs in zip(other.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("variant", "tensors"),
    [
        ("swin_tiny", {"official": 173, "huggingface": 221}),
        ("swinv2_tiny", {"official": 221}),
    ],
)
def test_layouts_have_as_many_tensors_as_published(variant, tensors):
    model = create_model(variant)
    for layout, count in tensors.items():
        assert len(checkpoint_arrays(model, layout)) == count, layout


@pytest.mark.parametrize("prefix", ["module.", "backbone.", "encoder.", "a.b."])
def test_prefix_of_a_larger_model_is_seen_through(prefix, tmp_path):
    trained, backbone = small_model(), SwinBackbone(**SIZES)
    arrays = checkpoint_arrays(trained, "official")
    arrays = {prefix + name: x for name, x in arrays.items()}
    if prefix != "module.":
        arrays |= {"decode_head.weight": np.ones(3, "float32")}
        arrays |= {f"{prefix}norm0.weight": np.ones(8, "float32")}
    save_pth(tmp_path / "x.pth", arrays)
    report = load_weights(backbone, tmp_path / "x.pth")
    assert report.loaded[0] == report.loaded[1] == len(backbone.weights) + 2 * 2 * 3
    assert "head.weight" in report.unused


def test_names_of_the_newest_transformers_are_read(tmp_path):
    trained, model = small_model(), small_model(seed=1)
    arrays = checkpoint_arrays(trained, "huggingface")
    modern = {
        name.replace("attention.self.query", "attention.q_proj")
        .replace("attention.self.key", "attention.k_proj")
        .replace("attention.self.value", "attention.v_proj")
        .replace("attention.output.dense", "attention.o_proj")
        .replace("attention.self.rel", "attention.relative_position_bias.rel")
        .replace("intermediate.dense", "mlp.fc1")
        .replace(".output.dense", ".mlp.fc2"): x
        for name, x in arrays.items()
    }
    save_file(modern, tmp_path / "x.safetensors")
    report = load_weights(model, tmp_path / "x.safetensors")
    assert report.loaded[0] == report.loaded[1]
    np.testing.assert_array_equal(logits(model), logits(trained))


@pytest.mark.parametrize(("dtype", "error"), [("float16", 1e-3), ("float64", 0.0)])
def test_other_float_types_load(dtype, error, tmp_path):
    trained, model = small_model(), small_model(seed=1)
    arrays = checkpoint_arrays(trained, "timm")
    arrays = {name: x.astype(dtype) for name, x in arrays.items()}
    save_file(arrays, tmp_path / "x.safetensors")
    report = load_weights(model, tmp_path / "x.safetensors")
    assert report.loaded[0] == report.loaded[1]
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=error, atol=error / 1000)


@pytest.mark.parametrize("policy", ["float64", "bfloat16"])
def test_another_precision_of_variables_keeps_every_digit(
    policy, set_dtype_policy, tmp_path
):
    set_dtype_policy(policy)
    trained, other = small_model(), small_model(seed=1)
    trained.save(tmp_path / "x.keras")
    load_weights(other, tmp_path / "x.keras")
    assert other.get_layer("stage_1_block_1").mlp_expand.kernel.dtype == policy
    for ours, theirs in zip(other.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_own_files_load_through_the_same_door(tmp_path):
    trained = small_model()
    trained.save_weights(tmp_path / "x.weights.h5")
    trained.save(tmp_path / "x.keras")
    for name in ("x.weights.h5", "x.keras"):
        other = small_model(seed=1)
        load_weights(other, tmp_path / name)
        np.testing.assert_array_equal(logits(other), logits(trained))


def test_own_file_of_another_model_is_refused(tmp_path):
    small_model(depths=(1, 1)).save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(WeightsError, match=r"depths=\(1, 1\).*the model is a Swin of"):
        load_weights(small_model(), tmp_path / "x.weights.h5")


def test_weights_argument_takes_a_path(tmp_path):
    config = {"depths": (1, 1, 1, 1), "embed_dim": 12, "num_heads": (1, 1, 2, 2)}
    options = {"input_shape": (64, 64, 3), "classes": 3, **config}
    trained = create_model("swin_tiny", **options)
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    loaded = create_model("swin_tiny", weights=path, **options)
    np.testing.assert_array_equal(logits(loaded, 64, 64), logits(trained, 64, 64))


# What does not belong to the model


def refused(tmp_path, words, model, arrays, **options):
    before = model.get_weights()
    save_file(arrays, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=words):
        load_weights(model, tmp_path / "x.safetensors", **options)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_v1_file_into_a_v2_model_is_refused_in_words(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    refused(
        tmp_path,
        r"is a Swin of .* the model is a Swin V2",
        small_model("Swin V2"),
        arrays,
    )


def test_file_of_another_size_names_the_variant_to_build(tmp_path):
    sizes = {"embed_dim": 12, "num_heads": (2, 2), "depths": (1, 1)}
    arrays = checkpoint_arrays(small_model(**sizes), "timm")
    words = r"embed_dim=12, depths=\(1, 1\).*the model is a Swin of embed_dim=8.*Build"
    refused(tmp_path, words, small_model(), arrays)


def test_missing_tensors_are_listed(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    del arrays["layers.0.blocks.1.mlp.fc2.bias"]
    refused(
        tmp_path, r"lacks 1 tensors .*blocks\.1\.mlp\.fc2\.bias", small_model(), arrays
    )


def test_unexpected_tensors_are_listed(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays["layers.0.blocks.1.attn.gate"] = np.ones(3, "float32")
    refused(
        tmp_path, r"1 tensors that the model lacks: .*attn\.gate", small_model(), arrays
    )


def test_shapes_that_cannot_fit_are_listed(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays["norm.bias"] = np.ones(7, "float32")
    refused(tmp_path, r"norm\.bias is \(7,\), not \(16,\)", small_model(), arrays)


def test_whole_numbers_are_no_weights(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays["norm.bias"] = np.ones(16, "int64")
    refused(tmp_path, r"norm\.bias is int64, not a float", small_model(), arrays)


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays["norm.bias"][3] = np.nan
    refused(
        tmp_path, r"norm\.bias has numbers that are not finite", small_model(), arrays
    )


def test_another_network_is_refused(tmp_path):
    arrays = {"conv1.weight": np.ones((3, 3), "float32")}
    refused(
        tmp_path, r"must be a Swin Transformer .*conv1\.weight", small_model(), arrays
    )


def test_a_model_that_is_no_swin_is_refused(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(WeightsError, match="model of this package"):
        load_weights(other, path)


# Adaptation


def test_a_model_with_low_rank_matrices_is_refused_before_anything_is_set(tmp_path):
    model = small_model()
    path = tmp_path / "model.keras"
    model.save(path)
    model.get_layer("stage_1_block_1").attention.qkv.enable_lora(2)
    before = [weight.numpy() for weight in model.weights]
    with pytest.raises(UsageError, match=r"before `enable_lora`.*qkv/lora_kernel_a"):
        load_weights(model, path)
    for weight, was in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, was)
