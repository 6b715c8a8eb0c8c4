"""What is said beside weights is obeyed, or refused in words; relatives are named."""

import json

import keras
import numpy as np
import pytest
from files import SIZES, checkpoint_arrays, logits, save_checkpoint, small_model
from safetensors.numpy import save_file

from swin_keras.errors import WeightsError
from swin_keras.models import SwinClassifier, SwinConfig
from swin_keras.weights import (
    convert,
    from_pretrained,
    info,
    load_weights,
    save_timm,
)
from swin_keras.weights.saving import save_huggingface

WINDOW = 4


def saved(folder, save=save_huggingface, **changes):
    """Write a model as a folder, and change what its `config.json` says."""
    model = small_model()
    save(model, folder)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    (folder / "card.json").unlink()
    return model


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ({"depths": [2, 2]}, r"depths=\(2, 2\).* depths=\(2, 1\)"),
        ({"embed_dim": 16}, "embed_dim=16.* embed_dim=8"),
        ({"num_heads": [2, 2]}, "num_heads"),
        ({"patch_size": 4}, "patch_size=4.* patch_size=2"),
        ({"mlp_ratio": 2.0}, "mlp_ratio=2.0.* mlp_ratio=4.0"),
        ({"qkv_bias": False}, "qkv_bias"),
        ({"num_channels": 1}, "channels=1.* channels=3"),
        ({"use_absolute_embeddings": True}, "position_embedding=True"),
        ({"hidden_act": "relu"}, "hidden_act='relu'.* 'gelu' only"),
        ({"layer_norm_eps": 1e-6}, "layer_norm_eps=1e-06.* 1e-05 only"),
    ],
)
def test_statement_that_is_not_so_is_refused(statement, words, tmp_path):
    saved(tmp_path / "x", **statement)
    for load in (from_pretrained, lambda path: load_weights(small_model(), path)):
        with pytest.raises(WeightsError, match=words):
            load(tmp_path / "x")


@pytest.mark.parametrize(
    ("save", "statement"),
    [
        (save_huggingface, {"image_size": [224, 224, 3]}),
        (save_timm, {"pretrained_cfg": {"input_size": 3}}),
    ],
)
def test_a_statement_that_makes_no_sense_is_refused_in_words(save, statement, tmp_path):
    saved(tmp_path / "x", save, **statement)
    for load in (from_pretrained, lambda path: load_weights(small_model(), path)):
        with pytest.raises(WeightsError, match="must hold a whole Swin Transformer"):
            load(tmp_path / "x")


@pytest.mark.parametrize("statement", [{"pretrained_cfg": None}, {"model_args": None}])
def test_what_timm_leaves_empty_is_not_stated(statement, tmp_path):
    saved(tmp_path / "x", save_timm, **statement)
    report = load_weights(small_model(seed=1), tmp_path / "x")
    assert report.loaded[0] == report.loaded[1]


def test_a_window_that_nothing_tells_is_said(tmp_path, caplog):
    trained = small_model("Swin V2", window_size=8)
    save_checkpoint(tmp_path / "x.safetensors", trained, "timm")
    model = from_pretrained(tmp_path / "x.safetensors", input_shape=(32, 32, 3))
    assert model.output_shape == trained.output_shape
    assert "does not say its window; 8 is taken" in caplog.text
    caplog.clear()
    from_pretrained(tmp_path / "x.safetensors", window_size=8)
    assert "does not say its window" not in caplog.text


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"0": "a", "1": "b", "2": "c"}, "each of its 5 classes. It names 3"),
        ({str(n): f"n{n}" for n in range(1, 6)}, "number the classes from 0 on"),
        ({"cat": 0, "dog": 1}, "number the classes from 0 on"),
        ("cat, dog", "must be a list"),
    ],
)
def test_names_that_are_not_those_of_the_rows_are_refused(names, words, tmp_path):
    saved(tmp_path / "x", id2label=names)
    for load in (from_pretrained, lambda path: load_weights(small_model(), path)):
        with pytest.raises(WeightsError, match=words):
            load(tmp_path / "x")


def test_names_of_other_rows_do_not_matter_for_a_new_head(tmp_path):
    trained = saved(tmp_path / "x", id2label={"0": "a"})
    model = small_model(classes=2, seed=1)
    report = load_weights(model, tmp_path / "x", new_head=True)
    assert "head: new" in str(report)
    backbone = from_pretrained(tmp_path / "x", include_top=False)
    expected = {weight.path: weight.numpy() for weight in trained.weights}
    for weight in model.weights + backbone.weights:
        if not weight.path.startswith("head/"):
            np.testing.assert_array_equal(weight, expected[weight.path])


def test_another_pooling_of_timm_is_refused(tmp_path):
    saved(tmp_path / "x", save_timm, global_pool="max")
    with pytest.raises(WeightsError, match="global_pool='max'"):
        from_pretrained(tmp_path / "x")


def normalize(folder, project, mean, std):
    """State that pixels were normalized otherwise."""
    if project is save_timm:
        path = folder / "config.json"
        config = json.loads(path.read_text())
        config["pretrained_cfg"] |= {"mean": mean, "std": std}
    else:
        path = folder / "preprocessor_config.json"
        config = json.loads(path.read_text()) | {"image_mean": mean, "image_std": std}
    path.write_text(json.dumps(config))


@pytest.mark.parametrize("project", [save_huggingface, save_timm])
def test_other_mean_and_deviation_are_followed(project, tmp_path, caplog):
    saved(tmp_path / "x", project)
    mean, std = [0.5, 0.4, 0.3], [0.5, 0.25, 0.125]
    normalize(tmp_path / "x", project, mean, std)
    raw = from_pretrained(tmp_path / "x", include_preprocessing=False)
    whole = from_pretrained(tmp_path / "x")
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    expected = raw((images / 255 - np.array(mean)) / np.array(std))
    np.testing.assert_allclose(whole(images), expected, atol=1e-5)
    assert "mean (127.5, 102, 76.5) and deviation (127.5, 63.75, 31.88)" in caplog.text

    report = load_weights(model := small_model(), tmp_path / "x")
    assert "taken up by the patch embedding" in str(report)
    np.testing.assert_allclose(model(images), expected, atol=1e-5)


def processed(folder, **changes):
    """Change what a `preprocessor_config.json` says."""
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


MEAN, STD = np.array([0.5, 0.4, 0.3]), np.array([0.5, 0.25, 0.125])
SCALINGS = [  # what is said, and the mean and deviation of pixels 0..255
    ({}, 255 * MEAN, 255 * STD),
    ({"do_rescale": None, "rescale_factor": None}, 255 * MEAN, 255 * STD),
    ({"do_rescale": False}, MEAN, STD),
    ({"do_rescale": False, "rescale_factor": 1 / 255}, MEAN, STD),
    ({"rescale_factor": 1 / 127.5}, 127.5 * MEAN, 127.5 * STD),
    ({"do_normalize": False}, [0.0] * 3, [255.0] * 3),
    ({"do_normalize": False, "rescale_factor": 1 / 64}, [0.0] * 3, [64.0] * 3),
    ({"do_normalize": False, "do_rescale": False}, [0.0] * 3, [1.0] * 3),
    ({"image_mean": 0.5, "image_std": 0.25}, [127.5] * 3, [63.75] * 3),
]


def test_pixels_are_scaled_as_a_processor_says(tmp_path):
    saved(tmp_path / "x")
    raw = from_pretrained(tmp_path / "x", include_preprocessing=False)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    for said, mean, std in SCALINGS:
        usual = {"do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
        usual |= {"image_mean": [*MEAN], "image_std": [*STD]}
        processed(tmp_path / "x", **usual | said)
        expected = raw(((images - np.array(mean)) / np.array(std)).astype("float32"))
        given = from_pretrained(tmp_path / "x")(images)
        np.testing.assert_allclose(given, expected, atol=1e-5, err_msg=str(said))


def test_imagenets_pixels_of_0_to_255_are_those_of_our_models(tmp_path):
    model = saved(tmp_path / "x")
    mean, std = 255 * np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])
    processed(tmp_path / "x", do_rescale=False, image_mean=[*mean], image_std=[*std])
    report = load_weights(again := small_model(seed=1), tmp_path / "x")
    assert not report.adapted
    np.testing.assert_array_equal(logits(again), logits(model))


def test_grey_images_that_are_not_normalized_are_followed(tmp_path):
    model = small_model(input_shape=(32, 32, 1))
    save_huggingface(model, tmp_path / "x")
    (tmp_path / "x" / "card.json").unlink()
    processed(tmp_path / "x", do_normalize=False)
    raw = from_pretrained(tmp_path / "x", include_preprocessing=False)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 1)).astype("float32")
    whole = from_pretrained(tmp_path / "x")
    np.testing.assert_allclose(whole(images), raw(images / 255), atol=1e-5)


def test_a_factor_of_pixels_that_is_none_is_refused(tmp_path):
    model = saved(tmp_path / "x")
    for factor in (0, -0.1, "1/255", [0.1], float("nan"), float("inf")):
        processed(tmp_path / "x", rescale_factor=factor)
        with pytest.raises(WeightsError, match=r"`rescale_factor` .* be a positive"):
            load_weights(model, tmp_path / "x")
    processed(tmp_path / "x", do_rescale=False)  # by which it counts no more
    load_weights(model, tmp_path / "x")


def test_mean_that_cannot_be_followed_exactly_is_refused(tmp_path):
    saved(tmp_path / "x")
    normalize(tmp_path / "x", save_huggingface, [0.5] * 3, [0.5] * 3)
    with pytest.raises(WeightsError, match="include_preprocessing=False"):
        from_pretrained(tmp_path / "x", input_shape=(33, 33, 3))
    for mean in ("abc", [0.5] * 2, [[0.5]] * 3, [None] * 3):
        normalize(tmp_path / "x", save_huggingface, mean, [0.5] * 3)
        with pytest.raises(WeightsError, match="mean"):
            from_pretrained(tmp_path / "x")


def four_stages(windows):
    """Return arrays of a Swin whose stages have bias tables of these windows."""
    sizes = {"depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8), "window_size": WINDOW}
    arrays = checkpoint_arrays(small_model(**sizes, input_shape=(64, 64, 3)), "timm")
    for stage, window in enumerate(windows):
        name = f"layers.{stage}.blocks.0.attn.relative_position_bias_table"
        heads = arrays[name].shape[1]
        arrays[name] = np.ones(((2 * window - 1) ** 2, heads), "float32")
    return arrays


@pytest.mark.parametrize("windows", [(4, 4, 8, 4), (4, 2, 2, 2), (4, 3, 1, 1)])
def test_a_window_for_each_stage_is_refused(windows, tmp_path):
    save_file(four_stages(windows), path := tmp_path / "s3.safetensors")
    sizes = {"depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
    for load in (from_pretrained, lambda x: load_weights(small_model(**sizes), x)):
        with pytest.raises(WeightsError, match=f"windows of {str(windows)[1:-1]} in"):
            load(path)


def test_windows_that_shrink_with_a_map_that_is_not_square_load(tmp_path):
    sizes = {"depths": (1, 1, 1, 1), "num_heads": (1, 2, 4, 8)}
    model = small_model(**sizes, input_shape=(32, 16, 3))
    save_timm(model, tmp_path / "x")
    found = from_pretrained(tmp_path / "x")
    np.testing.assert_array_equal(logits(found, 32, 16), logits(model, 32, 16))


def test_a_last_window_as_large_as_the_map_tells_the_image_size(tmp_path):
    save_file(four_stages((4, 4, 4, 3)), path := tmp_path / "x.safetensors")
    assert info(path)["config"]["input_shape"] == (48, 48, 3)
    assert info(path)["config"]["window_size"] == 4


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("stages.0.blocks.0.attn.meta_mlp.fc1.weight", (2, 2), "swinv2_cr"),
        ("layers.0.residual_group.blocks.0.norm1.weight", (2,), "SwinIR or Swin2SR"),
        ("layers.0.blocks.0.modulation.f.weight", (2, 2), "FocalNet"),
        ("patch_embed.proj.weight", (2, 3, 2, 4, 4), "Video Swin"),
        ("stage1_conv_embed.0.weight", (2, 3, 7, 7), "CSwin"),
        ("swinViT.patch_embed.proj.weight", (2, 1, 2, 2, 2), "Swin UNETR"),
    ],
)
def test_relatives_are_named(name, shape, words, tmp_path):
    save_file({name: np.ones(shape, "float32")}, tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match=f"{words}.*list_models"):
        load_weights(small_model(), tmp_path / "x.safetensors")


def test_files_beside_the_weights_are_bounded_too(tmp_path):
    path = save_checkpoint(tmp_path / "x.safetensors", small_model())
    with (tmp_path / "config.json").open("w") as file:
        file.truncate(2**34)
    with pytest.raises(WeightsError, match="too large"):
        load_weights(small_model(), path)


def rewritten(folder, change):
    """Change the `config.json` of a folder whose card is gone."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    change(config)
    path.write_text(json.dumps(config))
    (folder / "card.json").unlink()


def test_what_a_config_leaves_out_is_what_transformers_takes(tmp_path):
    """Images of 224 pixels and windows of 7: sizes that no tensor tells."""
    folder = save_huggingface(small_model(), tmp_path / "x")

    def leave_out(config):
        del config["image_size"], config["num_channels"]

    rewritten(folder, leave_out)
    assert from_pretrained(folder).input_shape == (None, 224, 224, 3)


def test_the_size_of_a_timm_model_is_that_of_its_arguments(tmp_path):
    """As timm builds it; `input_size` is that of the pretraining."""
    model = small_model()
    folder = save_timm(model, tmp_path / "x")

    def of_pretraining(config):
        config["pretrained_cfg"]["input_size"] = [3, 224, 224]

    rewritten(folder, of_pretraining)
    back = from_pretrained(folder)
    assert back.input_shape == model.input_shape
    rewritten_again = json.loads((folder / "config.json").read_text())
    del rewritten_again["pretrained_cfg"]["input_size"]
    (folder / "config.json").write_text(json.dumps(rewritten_again))
    assert from_pretrained(folder).input_shape == model.input_shape


def normalized_by(mean, variance, channels=3, **options):
    """Build a model with a normalization of its own for images of 0 to 255."""
    images = keras.Input((32, 32, channels))
    layer = keras.layers.Normalization(
        mean=mean, variance=variance, name="preprocessing", **options
    )
    config = SwinConfig().replace(**SIZES)
    top = {"include_preprocessing": False, "input_tensor": layer(images)}
    model = SwinClassifier(config, classes=4, **top)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(scale=0.3, size=weight.shape))
    return model


@pytest.mark.parametrize("options", [{}, {"axis": None}])
def test_a_model_with_an_adapted_normalization_follows_a_file(options, tmp_path):
    given = normalized_by([100.0] * 3, [2000.0] * 3)
    given.save(tmp_path / "x.keras")
    model = normalized_by(None, None, **options)
    scaling = model.get_layer("preprocessing")
    scaling.adapt(np.random.default_rng(1).uniform(0, 255, (2, 32, 32, 3)))
    load_weights(model, tmp_path / "x.keras")
    np.testing.assert_allclose(logits(model), logits(given), atol=1e-4)


@pytest.mark.parametrize(
    ("mean", "channels", "options"),
    [([127.5] * 3, 3, {}), ([90.0], 1, {}), (0.0, 3, {"axis": None})],
)
def test_the_normalization_of_an_own_file_is_followed(
    mean, channels, options, tmp_path, caplog
):
    model = normalized_by(mean, np.full_like(mean, 4000.0), channels, **options)
    model.save(tmp_path / "x.keras")
    expected = logits(model, channels=channels)
    back = from_pretrained(tmp_path / "x.keras")
    np.testing.assert_allclose(logits(back, channels=channels), expected, atol=1e-5)
    assert "taken up by the patch embedding" in caplog.text
    assert "float64" not in caplog.text
    convert(tmp_path / "x.keras", tmp_path / "timm", to="timm")
    save_timm(model, tmp_path / "direct")
    for folder in ("timm", "direct"):
        back = from_pretrained(tmp_path / folder)
        np.testing.assert_allclose(logits(back, channels=channels), expected, atol=1e-5)
    same = normalized_by(mean, np.full_like(mean, 4000.0), channels, **options)
    assert not load_weights(same, tmp_path / "x.keras").adapted
    assert load_weights(same, tmp_path / "timm").adapted
    np.testing.assert_allclose(logits(same, channels=channels), expected, atol=1e-5)
