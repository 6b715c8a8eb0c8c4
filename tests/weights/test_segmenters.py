"""Segmenters of other projects load exactly; see `segmenters/make_segmenters.py`."""

import itertools
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from files import LAYOUTS, small_model
from safetensors.numpy import load_file, save_file
from test_openmmlab import unfolded

from swin_keras.applications import SwinSegmenter
from swin_keras.errors import UsageError, WeightsError
from swin_keras.model_files import read_card
from swin_keras.models import SegmentationHead, SwinBackbone, SwinConfig
from swin_keras.weights import (
    convert,
    from_pretrained,
    info,
    load_weights,
    save_huggingface,
)
from swin_keras.weights.saving import published_arrays

FILES = Path(__file__).parent / "segmenters"
TOY = SwinConfig(
    input_shape=(40, 24, 3),
    embed_dim=8,
    depths=(2, 1),
    num_heads=(1, 2),
    window_size=4,
)
HEADS = {
    "mlp": SegmentationHead("mlp", channels=4),
    "upernet": SegmentationHead("upernet", channels=4, pool_sizes=(1, 3)),
    "unet": SegmentationHead("unet"),
    "sub-pixel": SegmentationHead("upernet", channels=4, sub_pixel=True),
    "detail": SegmentationHead("mlp", channels=4, sub_pixel=True, detail_channels=2),
}


def images(height, width):
    x = np.random.default_rng(0).normal(size=(1, height, width, 3))
    return x.astype("float32")


def segmenter(kind, seed=0, classes=3, **options):
    model = SwinSegmenter(TOY, HEADS[kind], classes=classes, **options)
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        if weight.dtype == "float32" and "preprocessing" not in weight.path:
            weight.assign(rng.uniform(0.1, 0.5, weight.shape))
    return model


def run(model, x):
    return keras.tree.map_structure(
        keras.ops.convert_to_numpy, model(x, training=False)
    )


def weights(model):
    return {weight.path: keras.ops.convert_to_numpy(weight) for weight in model.weights}


def load_exactly(path, x):
    model = from_pretrained(
        path, include_preprocessing=False, input_shape=tuple(x.shape[1:])
    )
    report = load_weights(model, path)
    assert report.loaded[0] == report.loaded[1]
    expected = np.load(path / "logits.npy")
    logits = run(model, x)
    assert 0.5 < np.abs(expected).max() < 50, "logits of normal size"
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    return model, report


def test_upernet_of_hugging_face_gives_its_logits():
    model, report = load_exactly(FILES / "huggingface", images(104, 136))
    assert report.format == "huggingface"
    assert report.adapted == ("images: (104, 136) instead of (64, 64)",)
    assert model.get_layer("head_fusion_conv").filters == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"input_shape": (104, 136, 3), "mask_padding": True}, "padding: masked"),
        ({"input_shape": (96, 96, 3)}, "windows: a map is no larger"),
    ],
)
def test_what_the_code_of_a_segmenter_does_otherwise_is_said(options, words, caplog):
    from_pretrained(FILES / "huggingface", **options)
    assert words in caplog.text


def test_swin_unet_gives_its_logits():
    model, report = load_exactly(FILES / "swin_unet", images(32, 32))
    assert report.format == "official"
    assert model.output_shape == (None, 32, 32, 3)
    assert not report.unused


def official_arrays():
    """Return the UPerNet beside this file as the official code saves it."""
    arrays = {}
    stored = load_file(FILES / "huggingface" / "model.safetensors")
    for name, x in stored.items():
        parts = name.split(".")
        if "swin" in parts or "relative_position_index" in parts:
            continue
        for theirs, official in (
            ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
            ("embeddings.norm", "patch_embed.norm"),
            ("encoder.layers", "layers"),
            ("layernorm_before", "norm1"),
            ("layernorm_after", "norm2"),
            ("attention.self.relative", "attn.relative"),
            ("attention.output.dense", "attn.proj"),
            ("intermediate.dense", "mlp.fc1"),
            ("output.dense", "mlp.fc2"),
            ("batch_norm", "bn"),
            ("head.classifier", "head.conv_seg"),
            ("hidden_states_norms.stage1", "norm0"),
            ("hidden_states_norms.stage2", "norm1"),
            ("hidden_states_norms.stage3", "norm2"),
            ("hidden_states_norms.stage4", "norm3"),
        ):
            name = name.replace(theirs, official)
        if "attention.self.key" in name or "attention.self.value" in name:
            continue
        if "attention.self.query" in name:
            parts = [stored[".".join(parts).replace("query", p)] for p in QKV]
            name, x = (
                name.replace("attention.self.query", "attn.qkv"),
                np.concatenate(parts),
            )
        arrays[name] = x
    return arrays


QKV = ("query", "key", "value")


def openmmlab_arrays():
    """Return it as mmsegmentation saves it: other names, merging in unfold order."""
    arrays = {}
    for name, x in official_arrays().items():
        if "downsample" in name:
            x = unfolded(x)
        for official, theirs in (
            ("patch_embed.proj.", "patch_embed.projection."),
            ("backbone.layers.", "backbone.stages."),
            (".attn.", ".attn.w_msa."),
            (".mlp.fc1.", ".ffn.layers.0.0."),
            (".mlp.fc2.", ".ffn.layers.1."),
        ):
            name = name.replace(official, theirs)
        arrays[name] = x
    return arrays


@pytest.mark.parametrize(
    ("layout", "arrays"),
    [("official", official_arrays), ("openmmlab", openmmlab_arrays)],
)
def test_the_same_upernet_in_other_layouts_gives_the_same_logits(
    layout, arrays, tmp_path
):
    save_file(arrays(), tmp_path / "model.safetensors")
    expected = np.load(FILES / "huggingface" / "logits.npy")
    np.save(tmp_path / "logits.npy", expected)
    _, report = load_exactly(tmp_path, images(104, 136))
    assert report.format == layout


BY_TURNS, OTHERWISE = (
    list(zip(HEADS, itertools.cycle(endings), strict=False))
    for endings in ([".weights.h5", ".keras"], [".keras", ".weights.h5"])
)


@pytest.mark.parametrize(
    ("kind", "ending"),
    [*BY_TURNS, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in OTHERWISE)],
)
def test_a_saved_segmenter_loads_again(kind, ending, tmp_path):
    options = {"auxiliary": kind != "unet"}
    model, path = segmenter(kind, **options), tmp_path / f"x{ending}"
    model.save(path) if ending == ".keras" else model.save_weights(path)
    if ending == ".keras":
        other = from_pretrained(path, **options)
    else:
        other = segmenter(kind, seed=1, **options)
        load_weights(other, path)
    ours, theirs = weights(model), weights(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(theirs[name], value, err_msg=name)


def test_detail_may_be_added_to_a_trained_head_and_is_not_lost(tmp_path):
    without = SegmentationHead("mlp", channels=4, sub_pixel=True)
    before = SwinSegmenter(TOY, without, classes=3)
    before.save(tmp_path / "before.keras")
    model = SwinSegmenter(TOY, HEADS["detail"], classes=3)
    report = load_weights(model, tmp_path / "before.keras")
    assert "head: what it sees of the image itself is new; train it" in str(report)
    theirs = weights(before)
    for name, value in weights(model).items():
        if not name.startswith("head_detail"):
            np.testing.assert_array_equal(value, theirs[name], err_msg=name)
    model.save(tmp_path / "after.keras")
    with pytest.raises(WeightsError, match="Build its head with detail_channels=2"):
        load_weights(before, tmp_path / "after.keras")
    report = load_weights(before, tmp_path / "after.keras", new_head=True)
    assert "head: new; train it" in str(report)


def test_a_grey_model_takes_the_detail_of_a_coloured_one(tmp_path):
    model = segmenter("detail")
    model.save(tmp_path / "x.keras")
    grey = SwinSegmenter(TOY, HEADS["detail"], input_shape=(40, 24, 1), classes=3)
    report = load_weights(grey, tmp_path / "x.keras")
    assert "convolution of the image: 3 to 1 input channels, summed" in str(report)
    kernels = (m.get_layer("head_detail_conv").kernel.numpy() for m in (model, grey))
    coloured, summed = kernels
    np.testing.assert_allclose(summed[..., 0, :], coloured.sum(2), rtol=1e-6)


def test_a_classifier_gives_its_backbone_and_the_head_is_new(tmp_path, caplog):
    classifier = small_model(patch_size=4, input_shape=TOY.input_shape)
    classifier.save(tmp_path / "classifier.keras")
    model = segmenter("mlp", include_preprocessing=False)
    before = weights(model)
    report = load_weights(model, tmp_path / "classifier.keras")
    assert "head: new; train it" in str(report)
    assert "norms of feature maps: new; train them (4 tensors)" in caplog.text
    after, theirs = weights(model), weights(classifier)
    for name, value in after.items():
        is_new = name.startswith("head_") or name.split("/")[0].endswith("_norm")
        same = before[name] if is_new else theirs[name]
        np.testing.assert_array_equal(value, same, err_msg=name)


def test_the_decoder_of_a_unet_begins_as_the_encoder_that_it_mirrors(tmp_path):
    classifier = small_model(patch_size=4, input_shape=TOY.input_shape)
    classifier.save(tmp_path / "classifier.keras")
    model = segmenter("unet")
    report = load_weights(model, tmp_path / "classifier.keras")
    assert "decoder: its blocks begin as the encoder's" in str(report)
    theirs = weights(classifier)
    mirrored = 0
    for name, value in weights(model).items():
        if name.startswith("head_stage_1_block"):
            expected = theirs[name.removeprefix("head_")]
            np.testing.assert_array_equal(value, expected, err_msg=name)
            mirrored += 1
    assert mirrored == 2 * 13


def class_by_class(model):
    """Return kernel and bias of the logits with the classes on their last axis."""
    layer = model.get_layer("head_logits")
    kernel = layer.kernel.numpy().reshape(-1, layer.filters)
    return kernel, None if layer.bias is None else layer.bias.numpy()


@pytest.mark.parametrize(
    "kind",
    [
        "upernet",
        "unet",
        "detail",
        pytest.param("mlp", marks=pytest.mark.slow),
        pytest.param("sub-pixel", marks=pytest.mark.slow),
    ],
)
def test_rows_of_the_head_follow_the_names_of_the_classes(kind, tmp_path):
    model = segmenter(kind)
    folder = tmp_path / "x"
    folder.mkdir()
    layout, _ = LAYOUTS["official"]
    save_file(published_arrays(model, layout), folder / "model.safetensors")
    names = '{"label_names": ["wall", "tree", "sky"]}'
    (folder / "config.json").write_text(names)
    other = segmenter(kind, seed=1, classes=2)
    report = load_weights(other, folder, class_names=["sky", "car"])
    assert "1 of the file's 3 classes kept, by name (sky); new: car" in str(report)
    (ours, old), (theirs, new) = (class_by_class(m) for m in (model, other))
    np.testing.assert_array_equal(theirs[..., 0], ours[..., 2])
    if new is not None:
        np.testing.assert_array_equal(new[..., 0], old[..., 2])
    if kind == "detail":
        ours, theirs = (
            m.get_layer("head_detail_logits").kernel.numpy() for m in (model, other)
        )
        np.testing.assert_array_equal(theirs[..., 0], ours[..., 2])
    np.testing.assert_array_equal(
        other.get_layer("stage_1_block_1").norm1.gamma,
        model.get_layer("stage_1_block_1").norm1.gamma,
    )


def test_a_head_without_its_logits_is_told_in_words(tmp_path):
    arrays = published_arrays(segmenter("mlp"), LAYOUTS["official"][0])
    arrays = {name: x for name, x in arrays.items() if "conv_seg" not in name}
    save_file(arrays, tmp_path / "x.safetensors")
    names = ("input_shape", "num_heads", "window_size")
    options = {name: getattr(TOY, name) for name in names} | {"classes": 2}
    with pytest.raises(WeightsError, match=r"lacks 2 tensors.*`new_head=True`"):
        from_pretrained(tmp_path / "x.safetensors", **options)


def test_a_backbone_takes_the_norms_of_a_segmenter(tmp_path):
    model = segmenter("upernet")
    model.save(tmp_path / "x.keras")
    backbone = SwinBackbone(TOY, include_norms=True)
    report = load_weights(backbone, tmp_path / "x.keras")
    assert report.loaded[0] == report.loaded[1]
    gamma = backbone.get_layer("stage_2_norm").gamma
    np.testing.assert_array_equal(gamma, model.get_layer("stage_2_norm").gamma)


def test_another_head_is_new_and_may_be_refused(tmp_path):
    segmenter("upernet").save(tmp_path / "x.keras")
    report = load_weights(segmenter("mlp", seed=1), tmp_path / "x.keras")
    assert "head" in str(report)
    with pytest.raises(WeightsError, match="Pass `new_head=True`"):
        load_weights(segmenter("unet"), tmp_path / "x.keras", new_head=False)


@pytest.mark.parametrize("scales", [6, "1, 2", [1, 2.5]])
def test_pool_sizes_that_are_no_list_of_numbers_are_refused(scales, tmp_path):
    given = FILES / "huggingface"
    (tmp_path / "model.safetensors").symlink_to(given / "model.safetensors")
    config = json.loads((given / "config.json").read_text()) | {"pool_scales": scales}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="must be a list of whole numbers"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize("auxiliary", [False, True])
def test_upernet_goes_to_hugging_face_and_back(auxiliary, tmp_path):
    # No map is smaller than a window, which transformers could not hold.
    size = {"input_shape": (104, 136, 3)}
    given = from_pretrained(FILES / "huggingface", auxiliary=True, **size)
    outputs = given.output if auxiliary else given.output["logits"]
    given = keras.Model(given.input, outputs, name="given")
    folder = save_huggingface(given, tmp_path / "x", ["wall", "tree", "sky"])
    stored = load_file(folder / "model.safetensors")
    for name, x in load_file(FILES / "huggingface" / "model.safetensors").items():
        is_left_out = not auxiliary and name.startswith("auxiliary_head.")
        if is_left_out or "backbone.swin." in name or "position_index" in name:
            continue
        assert stored.pop(name).shape == x.shape, name
    assert not stored
    back = from_pretrained(folder, auxiliary=auxiliary)
    ours, theirs = weights(given), weights(back)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(theirs[name], value, atol=1e-6, err_msg=name)
    told = info(folder)
    assert (told["head"], told["classes"]) == ("upernet", 3)
    assert told["class_names"] == ["wall", "tree", "sky"]


@pytest.mark.parametrize("kind", ["mlp", "unet"])
def test_hugging_face_has_no_other_heads(kind, tmp_path):
    size = (64, 64, 3)  # no map smaller than its window
    model = SwinSegmenter(TOY, kind, input_shape=size, classes=2)
    with pytest.raises(UsageError, match="transformers has UPerNet only"):
        save_huggingface(model, tmp_path / "x")


def test_hugging_face_has_no_sub_pixel_head(tmp_path):
    model = SwinSegmenter(TOY, HEADS["sub-pixel"], input_shape=(64, 64, 3), classes=2)
    with pytest.raises(UsageError, match="without `sub_pixel`"):
        save_huggingface(model, tmp_path / "x")


@pytest.mark.slow
def test_a_converted_segmenter_is_a_segmenter_for_its_card(tmp_path):
    first = convert(FILES / "huggingface", tmp_path / "first.keras")
    again = convert(first, tmp_path / "again.keras")
    for card in map(read_card, (first, again)):
        assert card.task == "segment"
        assert card.class_names == ("wall", "tree", "sky")
    model = from_pretrained(FILES / "huggingface")
    x = np.random.default_rng(0).uniform(0, 255, (1, *model.input_shape[1:]))
    expected = model(x)
    for path in (first, again):
        np.testing.assert_allclose(from_pretrained(path)(x), expected, atol=1e-4)
        said = keras.models.load_model(path)(x)
        np.testing.assert_allclose(said, keras.ops.softmax(expected), atol=1e-4)


def test_a_converted_model_without_names_has_numbers_for_them(tmp_path):
    path = convert(FILES / "huggingface", tmp_path / "a.keras", classes=2)
    card = read_card(path)
    assert (card.task, card.class_names) == ("segment", ("0", "1"))
