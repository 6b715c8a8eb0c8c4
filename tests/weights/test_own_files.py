"""Our own files are one more layout: matched by name, adapted, or refused whole."""

import io
import re
import zipfile
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from files import CONFIGS, SIZES, logits, small_model

from swin_keras.applications import create_model
from swin_keras.errors import UsageError, WeightsError
from swin_keras.model_files import read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinBackbone, SwinClassifier, SwinV2Config
from swin_keras.weights import convert, from_pretrained, info, load_weights

COLOURS, ANIMALS = ("red", "green", "blue"), ("cat", "dog", "owl")


def save(model, path, names=(), crop=1.0):
    """Save a model as training does, with a card inside if there are names."""
    if not names:
        model.save(path)
        return path
    card = ModelCard("x", "small", model={}, class_names=names, crop_fraction=crop)
    save_keras(model, path, card)
    return path


def variables_in(path):
    """Read a file's variables without the package: `(layer, path, number)` to array."""
    if zipfile.is_zipfile(path):
        path = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5"))
    found = {}
    with h5py.File(path) as file:
        for group in file["layers"].values():
            name = group["vars"].attrs["name"]
            group.visititems(
                lambda key, item, name=name: (
                    found.update({(name, key): item[()]})
                    if isinstance(item, h5py.Dataset) and key[-1].isdigit()
                    else None
                )
            )
    return found


def refused(model, path, words, error=WeightsError, **options):
    before = model.get_weights()
    with pytest.raises(error, match=words):
        load_weights(model, path, **options)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def head_of(model):
    return model.get_layer("head").get_weights()


@pytest.mark.parametrize("version", CONFIGS)
@pytest.mark.parametrize("ending", ["keras", "weights.h5"])
def test_other_classes_and_another_image_size_load(version, ending, tmp_path):
    trained = small_model(version, classes=5)
    path = tmp_path / f"x.{ending}"
    (trained.save if ending == "keras" else trained.save_weights)(path)
    model = small_model(version, seed=1, classes=3, input_shape=(48, 64, 3))
    head = head_of(model)
    report = load_weights(model, path)
    assert "head: new, for 3 classes instead of 5" in str(report)
    assert ("images: (48, 64) instead of (32, 32)" in str(report)) == (
        ending == "keras"
    )
    assert report.loaded == (report.loaded[1] - 2, report.loaded[1])
    np.testing.assert_array_equal(head_of(model)[0], head[0])
    for layer in ("patch_embedding", "stage_1_merging", "stage_2_block_1", "norm"):
        ours, theirs = (m.get_layer(layer).get_weights() for m in (model, trained))
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(x, y)


def test_another_window_resizes_the_tables(tmp_path):
    path = save(small_model(), tmp_path / "x.keras")
    report = load_weights(small_model(seed=1, window_size=8), path)
    assert "bias table: window (4, 4) resized to (8, 8) (bicubic)" in str(report)


def test_windows_with_as_many_offsets_are_told_apart(tmp_path):
    """Tables of windows 4 x 2 and 2 x 4 have 21 rows, in another order."""
    path = save(small_model(window_size=(4, 2)), tmp_path / "x.keras")
    report = load_weights(small_model(seed=1, window_size=(2, 4)), path)
    assert "window (4, 2) resized to (2, 4)" in str(report)


def test_position_embedding_keeps_its_grid(tmp_path):
    sizes = {"position_embedding": True, "input_shape": (16, 64, 3)}
    trained = small_model(**sizes)
    trained.save_weights(tmp_path / "x.weights.h5")
    same = small_model(seed=1, **sizes)
    assert not load_weights(same, tmp_path / "x.weights.h5").adapted
    np.testing.assert_array_equal(logits(same, 16, 64), logits(trained, 16, 64))
    square = small_model(seed=1, position_embedding=True)  # as many places
    report = load_weights(square, tmp_path / "x.weights.h5")
    assert "position embedding: (8, 32) resized to (16, 16)" in str(report)


def test_more_blocks_than_the_model_has_are_refused(tmp_path):
    """Keras numbers blocks over all stages: the names of stages must decide."""
    sizes = {"embed_dim": 8, "num_heads": (1, 2, 4)}
    large = small_model(depths=(2, 2, 4), **sizes)
    for name in ("x.keras", "x.weights.h5"):
        (large.save if name == "x.keras" else large.save_weights)(tmp_path / name)
        small = small_model(seed=1, depths=(2, 2, 2), **sizes)
        words = r"depths=\(2, 2, 4\).*the model is a Swin of .*depths=\(2, 2, 2\)"
        refused(small, tmp_path / name, words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embed_dim": 16}, "embed_dim=16"),
        ({"num_heads": (2, 2)}, r"num_heads=\(2, 2\)"),
        ({"patch_size": 4}, "patch_size=4"),
        ({"patch_overlap": 1}, "patch_embed.proj.weight is"),
        ({"qkv_bias": False}, "qkv_bias=False"),
        ({"patch_norm": False}, "lacks 2 tensors"),
        ({"position_embedding": True}, "1 tensors that the model lacks"),
        ({"mlp_ratio": 3.0}, "mlp_ratio=3.0"),
        ({"version": "Swin V2"}, "is a Swin V2"),
    ],
)
def test_other_sizes_are_refused_and_nothing_is_set(changes, words, tmp_path):
    path = save(small_model(**changes), tmp_path / "x.keras")
    refused(small_model(seed=1), path, words)


def test_new_head_is_honoured(tmp_path):
    path = save(small_model(), tmp_path / "x.keras")
    model = small_model(seed=1)
    head = head_of(model)
    assert "head: new; train it" in str(load_weights(model, path, new_head=True))
    np.testing.assert_array_equal(head_of(model)[0], head[0])


def test_what_tensors_do_not_show_is_said(tmp_path):
    path = save(small_model(mask_padding=False), tmp_path / "x.keras")
    report = load_weights(small_model(seed=1), path)
    assert "mask_padding=True instead of False" in str(report)
    path = save(small_model("Swin V2", pretrained_window_size=3), tmp_path / "y.keras")
    report = load_weights(small_model("Swin V2", seed=1), path)
    assert "pretrained_window_size=0" in str(report)


def test_layers_of_others_are_named(tmp_path):
    backbone = SwinBackbone(input_shape=(32, 32, 3), depths=(1,), num_heads=(3,))
    pooled = keras.layers.GlobalAveragePooling2D()(backbone.output["C2"])
    own = keras.Model(backbone.input, keras.layers.Dense(2, name="mine")(pooled))
    own.save(tmp_path / "x.keras")
    report = load_weights(own, tmp_path / "x.keras")
    assert "left as they were, since not of this package: mine/kernel" in str(report)
    assert len(report.unused) == 2


# Names decide


def test_classes_in_another_order_are_permuted(tmp_path):
    trained = small_model(classes=3)
    path = save(trained, tmp_path / "x.keras", COLOURS)
    model = small_model(seed=1, classes=3)
    report = load_weights(model, path, class_names=("blue", "red", "green"))
    assert "its 3 classes put in the model's order, by name" in str(report)
    expected = logits(trained)[:, [2, 0, 1]]
    np.testing.assert_allclose(logits(model), expected, atol=1e-6)


def test_other_names_of_as_many_classes_are_a_new_head(tmp_path, caplog):
    path = save(small_model(classes=3), tmp_path / "x.keras", COLOURS)
    model = small_model(seed=1, classes=3)
    head = head_of(model)
    load_weights(model, path, class_names=ANIMALS)
    assert (
        "the file's classes are red, green, blue, the model's cat, dog" in caplog.text
    )
    for old, new in zip(head, head_of(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_numbers_that_stand_for_names_are_none(tmp_path):
    trained = small_model(classes=3)
    path = save(trained, tmp_path / "x.keras", ("0", "1", "2"))
    model = small_model(seed=1, classes=3)
    report = load_weights(model, path, class_names=ANIMALS)
    assert "names no classes; its 3 are taken in order" in str(report)
    np.testing.assert_allclose(logits(model), logits(trained), atol=1e-6)
    other = small_model(seed=1, classes=3)  # which has digits, too: these are names
    load_weights(other, path, class_names=("2", "0", "7"))
    kept, given = head_of(other)[0], head_of(trained)[0]
    np.testing.assert_array_equal(kept[:, :2], given[:, [2, 0]])


def test_rows_are_found_however_the_accent_of_their_name_is_written(tmp_path):
    trained = small_model(classes=2)
    path = save(trained, tmp_path / "x.keras", ("cat", "e\u0301mu"))
    model = small_model(seed=1, classes=2)
    load_weights(model, path, class_names=("\u00e9mu", "cat"))
    given = head_of(trained)[0]
    np.testing.assert_array_equal(head_of(model)[0], given[:, [1, 0]])


def test_classes_of_the_same_name_are_kept_and_others_new(tmp_path):
    trained = small_model(classes=3)
    path = save(trained, tmp_path / "x.keras", COLOURS)
    model = small_model(seed=1, classes=4)
    own, given = head_of(model), head_of(trained)
    report = load_weights(model, path, class_names=("cat", "blue", "dog", "red"))
    assert "2 of the file's 3 classes kept, by name (blue, red); new: cat, dog" in str(
        report
    )
    kernel, bias = head_of(model)
    np.testing.assert_array_equal(kernel[:, [1, 3]], given[0][:, [2, 0]])
    np.testing.assert_array_equal(kernel[:, [0, 2]], own[0][:, [0, 2]])
    np.testing.assert_array_equal(bias[[1, 3]], given[1][[2, 0]])


def test_names_and_what_is_asked_for_must_agree(tmp_path):
    path = save(small_model(classes=3), tmp_path / "x.keras", COLOURS)
    model = small_model(seed=1, classes=3)
    words = "`new_head=False` must find each class .* red, green, blue"
    refused(model, path, words, class_names=ANIMALS, new_head=False)
    words = "each of the model's 3 classes. Received: 2"
    refused(model, path, words, UsageError, class_names=("red", "blue"))
    wrong = save(small_model(classes=3), tmp_path / "y.keras", ("red", "green"))
    refused(model, wrong, "name each of its 3 classes", class_names=ANIMALS)


def test_a_name_twice_says_nothing(tmp_path):
    path = save(small_model(classes=3), tmp_path / "x.keras", ("red", "red", "blue"))
    model = small_model(seed=1, classes=2)
    report = load_weights(model, path, class_names=("red", "blue"))
    assert "(blue); new: red" in str(report)


# Folders, and building the model


def test_folder_of_a_run_or_an_export_is_a_source(tmp_path):
    trained = small_model(classes=3)
    for name, file in (("run", "best.keras"), ("export", "model.keras")):
        (tmp_path / name).mkdir()
        save(trained, tmp_path / name / file, COLOURS, crop=0.9)
        model = small_model(seed=1, classes=3)
        assert not load_weights(model, tmp_path / name, class_names=COLOURS).adapted
        np.testing.assert_array_equal(logits(model), logits(trained))
        found = info(tmp_path / name)
        assert found["class_names"] == list(COLOURS)
        assert found["config"]["input_shape"] == (32, 32, 3)
        assert found["parameters"] == trained.count_params()


def test_run_without_a_model_and_forms_for_running_are_refused(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    refused(small_model(), tmp_path, "has no best.keras yet")
    (tmp_path / "model.tflite").write_bytes(b"\0\0\0\0TFL3")
    refused(small_model(), tmp_path / "model.tflite", "a form for running")


@pytest.mark.parametrize("version", CONFIGS)
def test_from_pretrained_builds_what_was_saved(version, tmp_path):
    trained = small_model(version, input_shape=(24, 40, 3), window_size=(4, 2))
    path = save(trained, tmp_path / "x.keras")
    back = from_pretrained(path)
    np.testing.assert_array_equal(logits(back, 24, 40), logits(trained, 24, 40))
    other = from_pretrained(path, class_names=ANIMALS, input_shape=(32, 32, 3))
    assert other.output_shape == (None, 3)


def test_from_pretrained_keeps_the_top_and_the_preprocessing(tmp_path):
    config = CONFIGS["Swin"]().replace(
        input_shape=(16, 16, 1), patch_size=2, embed_dim=8, depths=(1,), num_heads=(1,)
    )
    for preprocessing in (True, False):
        for activation in (None, "sigmoid"):
            path = tmp_path / f"{preprocessing}-{activation}.keras"
            options = {
                "include_preprocessing": preprocessing,
                "classifier_activation": activation,
            }
            trained = SwinClassifier(config, classes=2, **options)
            trained.save(path)
            back = from_pretrained(path)
            np.testing.assert_array_equal(
                logits(back, 16, 16, 1), logits(trained, 16, 16, 1)
            )


def test_convert_takes_own_files_to_other_classes_and_keeps_names(tmp_path):
    source = save(small_model(classes=3), tmp_path / "x.keras", COLOURS, crop=0.8)
    same = convert(source, tmp_path / "same.keras", input_shape=(64, 64, 3))
    assert read_card(same).class_names == COLOURS
    assert read_card(same).crop_fraction == 0.8
    other = convert(source, tmp_path / "other.keras", class_names=ANIMALS)
    assert read_card(other).class_names == ANIMALS
    numbered = read_card(convert(source, tmp_path / "n.keras", classes=5))
    assert numbered.class_names == ("0", "1", "2", "3", "4")
    theirs = convert(source, tmp_path / "hf", to="huggingface")
    assert info(theirs)["class_names"] == list(COLOURS)


# Damaged files, and files that attack


def rewritten(path, change):
    """Write a `.keras` file again, its HDF5 file changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        change(file)
    members["model.weights.h5"] = content.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def test_weights_that_lie_elsewhere_are_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(b"\0" * 64)

    def point_outside(file):
        group = file["layers/dense/vars"]
        del group["1"]
        group.create_dataset(
            "1", (5,), "float32", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
        )

    def link_outside(file):
        group = file["layers/dense/vars"]
        del group["1"]
        group["1"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/x")

    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = np.zeros(5, "float32")
    path = save(small_model(), tmp_path / "x.keras")
    refused(small_model(seed=1), rewritten(path, point_outside), "does not lie in the")
    path = save(small_model(), tmp_path / "x.keras")
    refused(small_model(seed=1), rewritten(path, link_outside), r"lacks .*head\.bias")


def test_claimed_sizes_need_their_bytes(tmp_path):
    def claim(file):
        group = file["layers/dense/vars"]
        del group["1"]
        group.create_dataset("1", (2**40,), "float32")

    path = rewritten(save(small_model(), tmp_path / "x.keras"), claim)
    refused(small_model(seed=1), path, "does not lie in the file")


def test_damaged_own_files_are_refused(tmp_path):
    path = save(small_model(), tmp_path / "x.keras")
    whole = path.read_bytes()
    position = whole.index(b"\x89HDF") + 30000
    path.write_bytes(whole[:position] + b"?!" + whole[position + 2 :])
    refused(small_model(seed=1), path, "is damaged .*CRC")
    path.write_bytes(whole[: len(whole) // 2])
    refused(small_model(seed=1), path, "damaged")

    def spoil(file):
        file["layers/dense/vars/1"][0] = np.nan

    path.write_bytes(whole)
    refused(small_model(seed=1), rewritten(path, spoil), "head.bias has numbers that")


def test_words_that_tensors_contradict_are_refused(tmp_path):
    path = save(small_model(), tmp_path / "x.keras")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    words = members["config.json"].decode()
    members["config.json"] = re.sub(r'"num_heads": 2', '"num_heads": 4', words).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(WeightsError, match=r"num_heads is .* in words, and .* tensors"):
        from_pretrained(path)
    with zipfile.ZipFile(tmp_path / "y.keras", "w") as archive:
        archive.writestr("readme", "not a model")
    refused(small_model(), tmp_path / "y.keras", "no weights in it")


# Any two models: the right numbers, or none

USUAL = {
    "version": "Swin",
    "input_shape": (32, 32, 3),
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 4,
    "classes": 3,
    "mask_padding": True,
    "patch_overlap": 0,
    "patch_norm": True,
    "position_embedding": False,
    "qkv_bias": True,
}
OTHERS = {
    "version": ["Swin V2"],
    "input_shape": [(20, 36, 3), (16, 48, 1), (24, 24, 4)],
    "depths": [(1, 2), (2, 2)],
    "num_heads": [(2, 2)],
    "window_size": [2, 8, (4, 2), (2, 4)],
    "classes": [5],
    "mask_padding": [False],
    "patch_overlap": [1],
    "patch_norm": [False],
    "position_embedding": [True],
    "qkv_bias": [False],
}
MUST_AGREE = {
    "version",
    "depths",
    "num_heads",
    "patch_overlap",
    "patch_norm",
    "position_embedding",
    "qkv_bias",
}
SAID = {  # what else may differ, as a file names it, and the word in the report
    "attention/position_bias/vars/0": "bias table: ",
    "embedding/vars/0": "patch embedding: ",
}


def some_changes(rng, options):
    names = rng.choice(list(OTHERS), size=int(rng.integers(3)), replace=False)
    return options | {
        name: OTHERS[name][int(rng.integers(len(OTHERS[name])))] for name in names
    }


def saved_as(path, **options):
    model = small_model(seed=1, **options)
    (model.save if path.suffix == ".keras" else model.save_weights)(path)
    return path


def told_of_loading(given, wanted, path):
    """Load a file of one model into another; return what the report tells.

    Each number must be the file's; or the report tells of it, or of a new head.
    """
    saved_as(path, **given)
    model = small_model(seed=2, **wanted)
    model.save_weights(path.with_name("before.weights.h5"))
    told = " ".join(load_weights(model, path).adapted)
    model.save_weights(path.with_name("after.weights.h5"))
    stored = variables_in(path)
    after = variables_in(path.with_name("after.weights.h5"))
    untouched = variables_in(path.with_name("before.weights.h5"))
    assert after.keys() == stored.keys() == untouched.keys()
    for (layer, key), value in after.items():
        if np.array_equal(value, stored[layer, key]):
            continue
        if layer == "head":
            assert "head: new" in told
            np.testing.assert_array_equal(value, untouched[layer, key])
        elif layer == "position_embedding":
            assert "position embedding: " in told
        else:
            assert SAID[key] in told, (layer, key)
    return told


@pytest.mark.parametrize(
    ("both", "wanted", "name", "words"),
    [
        ({"version": "Swin V2"}, {"window_size": 8}, "x.keras", ["position bias: "]),
        (
            {"depths": (1, 2), "qkv_bias": False},
            {"window_size": 2},
            "x.weights.h5",
            ["bias table: "],
        ),
        (
            {"num_heads": (2, 2), "patch_norm": False},
            {"window_size": (4, 2)},
            "x.keras",
            ["bias table: "],
        ),
        (
            {"position_embedding": True},
            {"input_shape": (24, 24, 4)},
            "x.keras",
            ["position embedding: ", "patch embedding: 3 to 4", "images: (24, 24)"],
        ),
        (
            {"patch_overlap": 1},
            {"input_shape": (16, 48, 1)},
            "x.keras",
            ["patch embedding: 3 to 1", "images: (16, 48)"],
        ),
        ({"classes": 5}, {"mask_padding": False}, "x.keras", ["padding: "]),
        (
            {},
            {"classes": 5, "input_shape": (20, 36, 3)},
            "x.weights.h5",
            ["head: new"],
        ),
        ({"input_shape": (16, 48, 1)}, {"mask_padding": False}, "x.weights.h5", []),
    ],
)
def test_what_need_not_agree_is_adapted_and_told(both, wanted, name, words, tmp_path):
    given = USUAL | both
    told = told_of_loading(given, given | wanted, tmp_path / name)
    assert all(part in told for part in words)
    assert bool(told) == bool(words)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(16))
def test_any_file_into_any_model_is_right_or_refused_whole(seed, tmp_path):
    rng = np.random.default_rng(seed)
    given = some_changes(rng, USUAL)
    wanted = some_changes(rng, given)
    path = tmp_path / ("x.keras", "x.weights.h5")[seed % 2]
    channels = given["input_shape"][2], wanted["input_shape"][2]
    # A patch of 2 x 2 x 4 values or of 4 x 4: see the next test.
    is_unclear = path.suffix == ".h5" and 4 in channels and len(set(channels)) == 2
    if any(given[name] != wanted[name] for name in MUST_AGREE):
        saved_as(path, **given)
        refused(small_model(seed=2, **wanted), path, r"x\.(keras|weights)")
    elif not is_unclear:
        told_of_loading(given, wanted, path)


def test_variables_alone_do_not_always_tell_a_patch(tmp_path):
    trained = small_model(input_shape=(24, 24, 4))
    trained.save_weights(tmp_path / "x.weights.h5")
    trained.save(tmp_path / "x.keras")
    refused(
        small_model(), tmp_path / "x.weights.h5", r"16 values.*Give the \.keras file"
    )
    report = load_weights(small_model(), tmp_path / "x.keras")
    assert "patch embedding: 4 to 3 input channels" in str(report)


def test_the_model_tells_what_variables_alone_do_not(tmp_path):
    trained = small_model(input_shape=(24, 24, 4), patch_size=4)
    trained.save_weights(tmp_path / "x.weights.h5")
    sizes = {**SIZES, "input_shape": (24, 24, 4), "patch_size": 4}
    same = create_model("swin_tiny", weights=tmp_path / "x.weights.h5", **sizes)
    for ours, theirs in zip(same.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_weights_alone_do_not_say_how_windows_fit(tmp_path):
    options = {"input_shape": (16, 64, 3), "window_size": 4}
    model = small_model(window_fit="map", **options)
    model.save_weights(tmp_path / "x.weights.h5")
    same = small_model(seed=1, window_fit="map", **options)
    assert not load_weights(same, tmp_path / "x.weights.h5").adapted


def test_a_model_is_built_for_the_classes_of_the_weights_or_of_the_names(tmp_path):
    sizes = {"input_shape": (32, 32, 3), "depths": (1, 1, 1, 1), "embed_dim": 8}
    sizes |= {"num_heads": (1, 1, 2, 4), "patch_size": 2, "window_size": 4}
    model = create_model("swin_tiny", classes=3, **sizes)
    model.set_weights([w + 0.01 for w in model.get_weights()])
    path = save(model, tmp_path / "best.keras", ANIMALS)
    same = create_model("swin_tiny", weights=path, **sizes)
    np.testing.assert_array_equal(logits(same), logits(model))
    names = ("owl", "wren", "cat", "dog")
    other = create_model("swin_tiny", weights=path, class_names=names, **sizes)
    rows = [ANIMALS.index(name) for name in ("owl", "cat", "dog")]
    for mine, theirs in zip(head_of(other), head_of(model), strict=True):
        np.testing.assert_array_equal(mine[..., [0, 2, 3]], theirs[..., rows])
    features = create_model("swin_tiny", weights=path, include_top=False, **sizes)
    assert features.output_shape[-1] == 64
    with pytest.raises(UsageError, match="2 names"):
        create_model("swin_tiny", classes=3, class_names=("a", "b"), **sizes)


def test_the_optimizer_of_a_compiled_model_is_no_weight_of_it(tmp_path, caplog):
    model = small_model()
    model.compile("adam", "mse", run_eagerly=True)
    x = np.zeros((1, *model.input_shape[1:]))
    model.train_on_batch(x, np.zeros((1, *model.output_shape[1:])))
    model.save(tmp_path / "compiled.keras")
    report = load_weights(small_model(seed=1), tmp_path / "compiled.keras")
    assert not report.unused
    assert not caplog.text


def test_windows_that_a_smaller_image_shrinks_are_said(tmp_path):
    """A bias of V2 is computed for the window that there is."""
    sizes = {"embed_dim": 8, "depths": (1, 1), "num_heads": (1, 2), "window_size": 4}
    build = partial(SwinClassifier, classes=3)
    model = build(SwinV2Config(input_shape=(32, 32, 3), **sizes))
    model.save(tmp_path / "model.keras")
    smaller = build(SwinV2Config(input_shape=(16, 24, 3), **sizes))
    report = load_weights(smaller, tmp_path / "model.keras")
    words = "position bias: windows of (2, 3) instead of (4, 4) in stage 2"
    assert words in report.adapted
    assert not any("stage 1" in told for told in report.adapted)


@pytest.mark.parametrize("window", [(1, 5), (5, 2)])
def test_weights_alone_of_windows_that_are_not_square_stay_as_they_are(
    window, tmp_path
):
    """(1, 5) has as many rows in its table as (2, 2), which weights could be for."""
    model = small_model(window_size=window)
    model.save_weights(tmp_path / "x.weights.h5")
    again = small_model(seed=1, window_size=window)
    report = load_weights(again, tmp_path / "x.weights.h5")
    assert f"taken for window {window}" in str(report)
    np.testing.assert_array_equal(logits(again), logits(model))
