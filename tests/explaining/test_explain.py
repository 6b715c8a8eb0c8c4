"""`swin_keras.explain`, the command, and the folder that it writes."""

import dataclasses
import re
from inspect import signature

import keras
import numpy as np
import pytest
from explained_toys import COMMON, SIZES, make_images, make_model
from PIL import Image

import swin_keras
from swin_keras.cli import main
from swin_keras.errors import DataError, ModelFileError, UsageError
from swin_keras.explaining.explain import explanations
from swin_keras.explaining.folder import save_explanations
from swin_keras.explaining.methods import METHODS
from swin_keras.explaining.overlay import heat, overlay
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import SwinBackbone, SwinConfig
from swin_keras.tasks.explained import Question

NAMES = ("cat", "a/b", "<dog>")


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    config = dataclasses.asdict(SwinConfig(**{**COMMON, **SIZES["plain"]}))
    path = tmp_path_factory.mktemp("run") / "best.keras"
    save_keras(make_model(), path, ModelCard("toy", "swin_nano", config, NAMES))
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(2):
        rng = np.random.default_rng(index)
        coarse = rng.integers(0, 256, (4, 5, 3), np.uint8)
        Image.fromarray(coarse).resize((50, 40)).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_maps_and_overlays(method, model_file, photos, tmp_path):
    found = swin_keras.explain(model_file.parent, photos, method=method, top=2)
    assert [one.path for one in found] == [str(photos / f"{i}.png") for i in (0, 1)]
    for one in found:
        assert one.image.shape == (32, 32, 3)
        assert one.scores[0][1] == max(score for _, score in one.scores)
        if method not in ("rollout", "attention"):
            assert list(one.maps) == [name for name, _ in one.scores[:2]]
        for name, values in one.maps.items():
            assert values.ndim == 2
            assert np.isfinite(values).all()
            assert one.overlay(name).size == (224, 224)
    page = save_explanations(tmp_path / "out", found, "why").read_text("utf-8")
    assert "<dog>" not in page
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) == 2 + sum(len(one.maps) for one in found)
    assert all(source.startswith("data:image/") for source in sources)
    with np.load(tmp_path / "out" / "002.npz") as raw:
        assert list(raw["names"]) == list(found[1].maps)
        np.testing.assert_allclose(raw["maps"][0], next(iter(found[1].maps.values())))
        np.testing.assert_array_equal(raw["image"], found[1].image)


def test_maps_without_a_target_are_refused_in_words(model_file):
    explainer = swin_keras.Explainer(model_file)
    images = np.zeros((2, *explainer.input_shape), np.float32)
    for method in ("cam", "grad-cam", "gradient-rollout"):
        with pytest.raises(UsageError, match=r"one for each image.*Received: 0 for 2"):
            explainer.maps(images, method=method)
    with pytest.raises(UsageError, match="Received: 1 for 2"):
        explainer.maps(images, [0])
    assert explainer.maps(images, method="rollout").shape[0] == 2


@pytest.mark.parametrize("box", ["1", 1.5, 0])
def test_a_box_is_a_whole_number(box):
    with pytest.raises(UsageError, match="`box` must be a whole number, at least 1"):
        Question(box=box)


def test_a_model_in_memory_is_explained_with_names_given_or_numbers():
    model = make_model()
    images = make_images(model).astype("uint8")
    (one, _) = swin_keras.explain(model, images, class_name="2")
    assert list(one.maps) == ["2"]
    (one, _) = swin_keras.explain(
        model,
        images,
        class_names=np.array(NAMES),
        class_name="cat",
        method="grad-cam",
        stage=1,
    )
    assert one.maps["cat"].shape == (16, 16)
    assert model.get_layer("norm").output is not None  # still a graph of one node
    with pytest.raises(UsageError, match="2 names"):
        swin_keras.explain(model, images, class_names=NAMES[:2])


@pytest.mark.parametrize("written", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("asked", ["caf\u00e9", "cafe\u0301"])
def test_a_class_is_found_however_its_accent_is_written(written, asked):
    names = [NAMES[0], NAMES[1], written]
    explainer = swin_keras.Explainer(make_model(), names)
    assert explainer.class_index(asked) == 2
    with pytest.raises(UsageError, match="knows no class '2'"):
        explainer.class_index(2)


def test_a_file_of_feature_maps_has_no_class_to_explain(tmp_path):
    backbone = SwinBackbone(**{**COMMON, **SIZES["plain"]})
    config = dataclasses.asdict(SwinConfig(**{**COMMON, **SIZES["plain"]}))
    path = tmp_path / "best.keras"
    save_keras(backbone, path, ModelCard("toy", "swin_nano", config, NAMES))
    images = make_images(backbone, 1).astype("uint8")
    with pytest.raises(UsageError, match="'features' do not give"):
        swin_keras.explain(path, images, method="grad-cam")
    (one,) = swin_keras.explain(path, images)
    assert (one.method, one.scores) == ("rollout", ())


def test_a_backbone_is_asked_for_rollout_and_attention_but_no_class():
    backbone = SwinBackbone(**{**COMMON, **SIZES["plain"]})
    images = make_images(backbone, 1).astype("uint8")
    for method in ("rollout", "attention"):
        (one,) = swin_keras.explain(backbone, images, method=method)
        assert not one.scores
        assert next(iter(one.maps.values())).min() >= 0
    with pytest.raises(UsageError, match=r"Ask for rollout, attention; .* `task`"):
        swin_keras.explain(backbone, images, method="cam")
    with pytest.raises(UsageError, match="the same for every class"):
        swin_keras.explain(backbone, images, class_name="1")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"class_name": "cta"}, "Did you mean 'cat'.*It knows: cat, a/b, <dog>"),
        ({"method": "gradcam"}, "Did you mean 'grad-cam'"),
        ({"method": "rollout", "class_name": "cat"}, "the same for every class"),
        ({"method": "cam", "stage": 1}, "`stage` is for the methods grad-cam"),
        ({"method": "grad-cam", "stage": 7}, "one of the model's: 1, 2"),
        ({"method": "attention", "stage": 7}, "one of the model's: 1, 2"),
        ({"method": "attention", "at": (2, 0)}, "each from 0 to 1"),
        ({"method": "attention", "at": "here"}, "each from 0 to 1"),
        ({"method": "cam", "at": (0, 0)}, "`at` is for the methods attention"),
        ({"box": 1}, "`box` means nothing to the task 'classify'"),
        ({"region": (0, 0, 1, 1)}, "`region` means nothing to the task 'classify'"),
        ({"top": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(options, words, model_file, photos):
    with pytest.raises(UsageError, match=words):
        swin_keras.explain(model_file, photos, **options)


def test_other_files_are_refused_in_words(photos, tmp_path):
    with pytest.raises(ModelFileError, match="or export it again with --explain"):
        swin_keras.explain("saved_models/digits", photos)
    with pytest.raises(ModelFileError, match="There is no model"):
        swin_keras.explain(tmp_path / "nothing", photos)
    with pytest.raises(UsageError, match="Received: int"):
        swin_keras.explain(make_model(), 3)
    with pytest.raises(DataError, match="no image or folder"):
        swin_keras.explain(make_model(), "nothing.png")


def test_the_command_writes_a_folder_and_never_over_another(
    model_file, photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (photos / "broken.png").write_bytes(b"no image")
    words = ["explain", str(model_file), str(photos), "--class", "a/b"]
    assert main(words) == 3
    said = capsys.readouterr()
    assert "broken.png" in said.err
    assert "explained/index.html" in said.out
    assert main([*words, "--method", "rollout"]) == 2
    assert "the same for every class" in capsys.readouterr().err
    (photos / "broken.png").unlink()
    assert main([*words, "--method", "grad-cam", "--stage", "1"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"explained", "explained-2"}
    assert main([*words, "--save", "explained"]) == 2
    assert "new or empty" in capsys.readouterr().err
    place = ["--method", "attention", "--at", "0.1", "0.9"]
    assert main(["explain", str(model_file), str(photos), *place]) == 0


def test_what_is_explained_before_an_error_is_kept(model_file, photos, tmp_path):
    found = explanations(model_file, photos, batch_size=1)

    def until_ctrl_c():
        yield next(found)
        raise KeyboardInterrupt

    folder = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        save_explanations(folder, until_ctrl_c(), "why")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["001.npz", "001_1.png", "index.html"]
    assert "0.png" in (folder / "index.html").read_text("utf-8")
    with pytest.raises(UsageError, match="Received none"):
        save_explanations(tmp_path / "none", [], "why")
    (tmp_path / "no images").mkdir()
    nothing = explanations(model_file, tmp_path / "no images")
    with pytest.raises(DataError):
        save_explanations(tmp_path / "none", nothing, "why")
    assert not (tmp_path / "none").exists()


def test_one_by_one_takes_what_all_together_takes():
    together, one_by_one = (
        {p.name: p.default for p in signature(function).parameters.values()}
        for function in (swin_keras.explain, explanations)
    )
    assert together == one_by_one


def test_an_overlay_is_brightest_where_the_map_is_largest():
    values = np.zeros((4, 8))
    values[1, 6] = 3
    picture = np.full((16, 32, 1), 90, "uint8")
    drawn = np.asarray(overlay(picture, values), float)
    light = drawn.sum(-1)
    assert light.shape == (224, 448)
    assert np.hypot(*(np.argwhere(light == light.max())[0] - (84, 364))) < 40
    marked = np.asarray(overlay(picture, values, at=(0.1, 0.1)), float)
    changed = np.argwhere((marked != drawn).any(-1))
    assert 0 < len(changed) < 300
    np.testing.assert_allclose(changed.mean(0), (28, 28), atol=1)  # its tile's middle
    assert not heat(np.full((2, 2), -1.0)).any()


@pytest.mark.parametrize(
    "methods",
    [
        ("cam", "grad-cam", "gradient-rollout"),
        pytest.param(tuple(METHODS), marks=pytest.mark.slow),
    ],
)
def test_the_explained_model_stays_as_it_was(methods):
    model = make_model()
    before = [np.array(w) for w in model.weights]
    names = [layer.name for layer in model.layers]
    images = make_images(model).astype("uint8")
    for method in methods:
        swin_keras.explain(model, images, method=method)
    assert [layer.name for layer in model.layers] == names
    for was, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(was, weight)
    assert keras.models.model_from_json(model.to_json()).output_shape == (None, 3)


def test_classes_that_share_a_name_are_explained_apart(photos, tmp_path):
    config = dataclasses.asdict(SwinConfig(**{**COMMON, **SIZES["plain"]}))
    card = ModelCard("toy", "swin_nano", config, ("crane", "heron", "crane"))
    save_keras(make_model(), tmp_path / "best.keras", card)
    (found,) = swin_keras.explain(tmp_path, photos / "0.png", top=3)
    assert set(found.maps) == {"crane (0)", "heron", "crane (2)"}
    with pytest.raises(
        UsageError, match=r"no class 'crane'. Did you mean 'crane \(0\)"
    ):
        swin_keras.explain(tmp_path, photos / "0.png", class_name="crane")


def test_logits_are_shown_as_they_are(photos, tmp_path):
    config = dataclasses.asdict(SwinConfig(**{**COMMON, **SIZES["plain"]}))
    model = make_model(classifier_activation=None)
    save_keras(model, tmp_path / "best.keras", ModelCard("toy", "x", config, NAMES))
    (found,) = swin_keras.explain(tmp_path, photos / "0.png")
    name, score = found.scores[0]
    assert found.answers[0] == f"{name} {score:.4g}"
    page = save_explanations(tmp_path / "out", [found], "why").read_text("utf-8")
    assert f"{score:.4g}" in page
    assert "%</p>" not in page
