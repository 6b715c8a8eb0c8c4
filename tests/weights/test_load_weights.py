"""Any layout loads, bit for bit; what does not fit is refused or adapted aloud."""

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

from swin_keras.errors import UsageError, WeightsError
from swin_keras.models import SwinBackbone, create_model
from swin_keras.weights import from_pretrained, load_weights


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
    ("variant", "layout", "tensors"),
    [
        ("swin_tiny", "official", 173),
        ("swin_tiny", "huggingface", 221),
        ("swinv2_tiny", "official", 221),
    ],
)
def test_layouts_have_as_many_tensors_as_published(variant, layout, tensors):
    assert len(checkpoint_arrays(create_model(variant), layout)) == tensors


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
    arrays = checkpoint_arrays(small_model(), "huggingface")
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
    report = load_weights(small_model(seed=1), tmp_path / "x.safetensors")
    assert report.loaded[0] == report.loaded[1]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_other_float_types_load(dtype, tmp_path):
    arrays = checkpoint_arrays(small_model(), "timm")
    arrays = {name: x.astype(dtype) for name, x in arrays.items()}
    save_file(arrays, tmp_path / "x.safetensors")
    load_weights(small_model(seed=1), tmp_path / "x.safetensors")


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
    with pytest.raises(WeightsError, match="belongs to another model"):
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


def test_other_classes_keep_a_new_head_and_say_so(tmp_path, caplog):
    trained, model = small_model(classes=5), small_model(seed=1, classes=3)
    head = model.get_layer("head").get_weights()
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    report = load_weights(model, path)
    assert "new, for 3 classes instead of 5" in str(report)
    assert "new, for 3 classes instead of 5" in caplog.text
    np.testing.assert_array_equal(model.get_layer("head").get_weights()[0], head[0])
    with pytest.raises(WeightsError, match=r"head\.weight is \(5, 16\), not \(3, 16\)"):
        load_weights(model, path, new_head=False)


def test_head_rows_pick_classes(tmp_path):
    trained, model = small_model(classes=5), small_model(seed=1, classes=3)
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    (tmp_path / "rows.txt").write_text("4\n0\n2\n")
    load_weights(model, path, head_rows=tmp_path / "rows.txt")
    kernel, bias = trained.get_layer("head").get_weights()
    np.testing.assert_array_equal(
        model.get_layer("head").get_weights()[0], kernel[:, [4, 0, 2]]
    )
    np.testing.assert_array_equal(
        model.get_layer("head").get_weights()[1], bias[[4, 0, 2]]
    )
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(model, path, head_rows=[0, 1, 5])
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(model, path, head_rows=[0, 1])
    with pytest.raises(UsageError, match="whole numbers"):
        load_weights(model, path, head_rows=["a"])


def test_file_without_a_head_needs_a_word(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays = {
        f"backbone.{name}": x
        for name, x in arrays.items()
        if name.startswith(("p", "l"))
    }
    save_file(arrays, tmp_path / "x.safetensors")
    model = small_model(seed=1)
    with pytest.raises(WeightsError, match=r"lacks 4 tensors .*`new_head=True`"):
        load_weights(model, tmp_path / "x.safetensors")
    report = load_weights(model, tmp_path / "x.safetensors", new_head=True)
    assert report.loaded == (report.loaded[1] - 4, report.loaded[1])


def test_smaller_map_keeps_the_centre_of_the_table_exactly(tmp_path):
    """A last map of 2 x 2 under window 4 never sees the far offsets."""
    trained = small_model()
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    model = small_model(seed=1, input_shape=(8, 8, 3))
    report = load_weights(model, path)
    assert "(exact" in str(report)
    table = trained.get_layer("stage_2_block_1").attention.get_weights()[2]
    ours = model.get_layer("stage_2_block_1").attention.get_weights()[2]
    np.testing.assert_array_equal(
        ours.reshape(3, 3, 2), table.reshape(7, 7, 2)[2:5, 2:5]
    )


@pytest.mark.parametrize("method", ["bicubic", "geometric"])
def test_other_window_resizes_tables_and_says_so(method, tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    model = small_model(seed=1, window_size=8)
    report = load_weights(model, path, resize=method)
    assert f"window (4, 4) resized to (8, 8) ({method}) (3 tensors)" in str(report)
    assert logits(model).shape == (2, 5)


def test_v2_at_another_window_needs_no_resize_and_is_reported(tmp_path):
    trained = small_model("Swin V2")
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    report = load_weights(small_model("Swin V2", window_size=8), path)
    assert report.loaded[0] == report.loaded[1]


@pytest.mark.parametrize("channels", [1, 4, 6])
def test_other_channels_see_the_same_grey_image_alike(channels, tmp_path):
    trained = small_model()
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    model = small_model(seed=1, input_shape=(32, 32, channels))
    report = load_weights(model, path)
    assert f"3 to {channels} input channels" in str(report)
    if channels != 4:  # repeats of whole groups keep the sum over channels
        patches, grey = (m.get_layer("patch_embedding") for m in (trained, model))
        x = np.random.default_rng(0).normal(size=(1, 32, 32, 1)).astype("float32")
        np.testing.assert_allclose(
            np.asarray(grey(np.repeat(x, channels, -1))),
            np.asarray(patches(np.repeat(x, 3, -1))),
            atol=1e-5,
        )


def test_position_embedding_is_resized(tmp_path):
    trained = small_model(position_embedding=True)
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    same = small_model(seed=1, position_embedding=True)
    load_weights(same, path)
    np.testing.assert_array_equal(logits(same), logits(trained))
    larger = small_model(seed=1, position_embedding=True, input_shape=(48, 32, 3))
    report = load_weights(larger, path)
    assert "(16, 16) resized to (24, 16)" in str(report)


# from_pretrained


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("version", CONFIGS)
def test_from_pretrained_builds_the_model_of_the_tensors(version, layout, tmp_path):
    sizes = {"window_size": 8} if version == "Swin V2" else {}
    trained = small_model(version, **sizes)  # 8 is what V2 is taken to have
    path = save_checkpoint(tmp_path / "x.safetensors", trained, layout)
    built = from_pretrained(path, input_shape=(32, 32, 3))
    np.testing.assert_allclose(logits(built), logits(trained), atol=1e-6)


def test_from_pretrained_takes_the_image_size_from_the_window(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    assert from_pretrained(path).input_shape == (None, 16, 16, 3)


def test_from_pretrained_with_other_classes(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    assert from_pretrained(path, classes=2).output_shape == (None, 2)
    assert from_pretrained(path, include_top=False, pooling="avg").output_shape == (
        None,
        16,
    )


def test_tensors_that_claim_a_large_model_build_none(tmp_path):
    arrays = checkpoint_arrays(small_model(), "official")
    arrays["patch_embed.proj.weight"] = np.ones((8192, 3, 2, 2), "float32")
    save_file(arrays, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="stage 1 has not 8192 channels"):
        from_pretrained(tmp_path / "x.safetensors")


def test_windows_that_are_not_square_load(tmp_path):
    trained = small_model(window_size=(4, 2))
    path = save_checkpoint(tmp_path / "x.safetensors", trained)
    other = small_model(seed=1, window_size=(4, 2))
    assert not load_weights(other, path).adapted
