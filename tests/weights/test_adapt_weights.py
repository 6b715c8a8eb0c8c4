"""Adapt: other classes, windows, channels and sizes, each said aloud."""

import numpy as np
import pytest
from files import (
    CONFIGS,
    LAYOUTS,
    checkpoint_arrays,
    logits,
    save_checkpoint,
    small_model,
)
from safetensors.numpy import save_file

from swin_keras.errors import UsageError, WeightsError
from swin_keras.weights import from_pretrained, load_weights


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
    (words,) = load_weights(other, path).adapted
    assert "taken for window (4, 2), which the file does not say" in words
    np.testing.assert_array_equal(logits(other), logits(trained))
