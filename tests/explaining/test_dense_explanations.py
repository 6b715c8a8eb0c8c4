"""Explanations of a mask's class and of one box, against computations by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from dense_toys import CONFIG, NAMES, make_detector, make_pictures, make_segmenter

import swin_keras
from swin_keras.cli import main
from swin_keras.errors import UsageError
from swin_keras.explaining.explainer import Explainer
from swin_keras.explaining.folder import save_explanations
from swin_keras.explaining.regions import draw_outline, share_of_cells
from swin_keras.layers.points import points_of
from swin_keras.model_files import save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.models import end_in_detections, model_strides
from swin_keras.tasks.explained import ExplanationTarget

METHODS = ("grad-cam", "hires-cam", "rollout", "gradient-rollout")


@pytest.fixture(scope="module")
def segmenter():
    return make_segmenter()


@pytest.fixture(scope="module")
def detector():
    return make_detector()


@pytest.fixture(scope="module")
def pictures():
    return make_pictures()


def rest_after(model, layer, output):
    """Return a stage's activations, and a function from them to an output."""
    features = model.get_layer(layer).output
    return keras.Model(model.input, features), keras.Model(features, output)


def central_differences(score, activations, step=2e-3):
    """Return the mean gradient of a score over the places, channel by channel."""
    weights = []
    for channel in range(activations.shape[-1]):
        change = np.zeros_like(activations)
        change[..., channel] = step
        up, down = (score(activations + sign * change) for sign in (1, -1))
        weights.append((up - down) / (2 * step))
    return np.array(weights)


def near(found, expected):
    assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()


def test_a_masks_map_is_made_of_the_mean_logit_over_its_pixels(segmenter, pictures):
    found = swin_keras.explain(segmenter, pictures, task="segment", stage=1, top=3)
    before, rest = rest_after(segmenter, "stage_1_block_2", segmenter.output)
    # The last stage reads stage 1, too: `rest` is the model from there on.
    for picture, one in zip(pictures, found, strict=True):
        activations = np.asarray(before(picture[None].astype("float32")))
        logits = np.asarray(rest(activations))[0]
        for name, values in one.maps.items():
            index = int(name)
            mask = logits.argmax(-1) == index
            np.testing.assert_array_equal(one.targets[name].mask, mask)

            def score(x, mask=mask, index=index):
                return float(np.asarray(rest(x))[0, mask, index].mean())

            weights = central_differences(score, activations)
            near(values, activations[0] @ weights)
        shares = [score for _, score in one.scores]
        counts = np.bincount(logits.argmax(-1).ravel(), minlength=3) / mask.size
        assert sorted(shares) == pytest.approx(sorted(counts[counts > 0]))


@pytest.mark.slow
def test_a_boxs_map_is_made_of_the_logit_at_the_point_that_found_it(detector, pictures):
    found = swin_keras.explain(detector, pictures, task="detect", stage=1, top=2)
    scores = detector.output["one_scores"]
    twin = keras.Model(detector.input, scores)
    before, rest = rest_after(twin, "stage_1_block_2", scores)
    points, _ = points_of(CONFIG.input_shape, model_strides(detector))
    for picture, one in zip(pictures, found, strict=True):
        outputs = detector(picture[None].astype("float32"))
        logits, edges = (
            np.asarray(outputs[name])[0] for name in ("one_scores", "boxes")
        )
        best = np.argsort(-logits.ravel(), kind="stable")
        assert len(one.maps) == 2
        activations = np.asarray(before(picture[None].astype("float32")))
        for rank, (name, values) in enumerate(one.maps.items()):
            place, index = divmod(best[rank], logits.shape[-1])
            assert name == f"box {rank + 1}: {index}"
            x, y = points[place]
            left, top, right, bottom = edges[place]
            corners = np.array([x - left, y - top, x + right, y + bottom])
            shares = (corners / (64, 48, 64, 48)).clip(0, 1)
            np.testing.assert_allclose(one.targets[name].box, shares, atol=1e-5)
            assert one.scores[rank] == (
                str(index),
                pytest.approx(1 / (1 + np.exp(-logits[place, index])), rel=1e-5),
            )

            def score(x, place=place, index=index):
                return float(np.asarray(rest(x))[0, place, index])

            weights = central_differences(score, activations)
            near(values, activations[0] @ weights)


@pytest.mark.parametrize(
    "name",
    [
        "mlp",
        pytest.param("upernet", marks=pytest.mark.slow),
        pytest.param("unet", marks=pytest.mark.slow),
    ],
)
def test_at_the_last_stage_maps_are_those_of_the_normalized_tokens(name, pictures):
    model = make_segmenter(name)
    (norm,) = (
        layer
        for layer in model.layers
        if layer.name.startswith(("norm", "stage_2_norm"))
        and layer.output.shape[1:3] == (12, 16)
    )
    probe = keras.Model(model.input, (norm.output, model.output))
    with tf.GradientTape() as tape:
        images = tf.constant(pictures, tf.float32)
        tape.watch(images)
        tokens, logits = probe(images)
        mask = tf.cast(tf.argmax(logits, -1) == 1, tf.float32)
        score = tf.reduce_sum(mask * logits[..., 1], (1, 2))
        score /= tf.maximum(tf.reduce_sum(mask, (1, 2)), 1)
    gradients = tape.gradient(score, tokens)
    by_place = np.asarray(tf.reduce_sum(gradients * tokens, -1)) * 12 * 16
    weights = tf.reduce_mean(gradients, (1, 2), keepdims=True)
    by_channel = np.asarray(tf.reduce_sum(weights * tokens, -1)) * 12 * 16
    for method, expected in (("hires-cam", by_place), ("grad-cam", by_channel)):
        answers = swin_keras.explain(
            model, pictures, task="segment", class_name="1", method=method
        )
        for one, values in zip(answers, expected, strict=True):
            if one.maps:
                np.testing.assert_allclose(one.maps["1"], values, rtol=1e-3, atol=1e-4)
        assert any(one.maps for one in answers)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", ["segment", "detect"])
def test_every_method_explains_masks_and_boxes(task, method, request, pictures):
    model = request.getfixturevalue(f"{task}{'er' if task == 'segment' else 'or'}")
    found = swin_keras.explain(
        model, pictures, task=task, method=method, top=2, class_names=NAMES
    )
    for one in found:
        assert one.maps
        for name, values in one.maps.items():
            assert np.isfinite(values).all()
            assert len(np.unique(values)) > 9
            if "rollout" in method:
                assert values.sum() == pytest.approx(1, rel=1e-5)
            assert one.overlay(name).size == (320, 240)


def test_rollout_begins_at_the_tokens_of_the_box_or_mask(segmenter, pictures):
    explainer = Explainer(segmenter, task="segment")
    corner, rest = (
        explainer.targets(pictures[:1], class_index=1, region=region)[0][0]
        for region in ((0, 0, 0.25, 0.25), (0, 0, 1, 1))
    )
    near_corner, everywhere = (
        explainer.maps(pictures[:1], [target], method="rollout")[0]
        for target in (corner, rest)
    )
    assert near_corner[:12, :16].sum() > 1.5 * everywhere[:12, :16].sum()


def test_the_background_comes_last(segmenter, pictures):
    (one,) = swin_keras.explain(
        segmenter, pictures[:1], task="segment", class_names=NAMES, top=3
    )
    shares = [score for _, score in one.scores]
    others = [score for name, score in one.scores if name != "background"]
    assert others == sorted(others, reverse=True)
    assert [name for name, _ in one.scores][-1] == "background"
    assert sum(shares) == pytest.approx(1)


def test_a_region_is_explained_whatever_class_it_has(segmenter, pictures):
    (one,) = swin_keras.explain(
        segmenter,
        pictures[:1],
        task="segment",
        class_name="2",
        region=(0.5, 0.0, 1.0, 0.5),
    )
    mask = one.targets["2"].mask
    height, width = mask.shape
    assert mask[: height // 2, width // 2 :].all()
    assert mask.sum() == mask.size / 4


def test_boxes_are_chosen_by_rank_and_by_class(detector, pictures):
    options = {"task": "detect", "class_names": NAMES}
    (every,) = swin_keras.explain(detector, pictures[:1], top=5, **options)
    ranks = {name: rank for rank, name in enumerate(every.maps, start=1)}
    said = next(iter(every.maps)).split(": ")[1]
    of_class = [name for name in ranks if name.endswith(said)]
    (one,) = swin_keras.explain(detector, pictures[:1], box=3, **options)
    assert list(one.maps) == [list(ranks)[2]]
    (one,) = swin_keras.explain(
        detector, pictures[:1], box=2, class_name=said, **options
    )
    assert list(one.maps) == [of_class[1]]
    (one,) = swin_keras.explain(detector, pictures[:1], box=10_000, **options)
    assert one.maps == {}
    assert one.note == "the model finds nothing here as box 10000"
    with pytest.raises(UsageError, match="no map of image 0: the model finds nothing"):
        one.overlay()


def test_an_exported_detector_is_explained_as_the_run(detector, pictures):
    exported = end_in_detections(detector)
    with pytest.raises(UsageError, match="Give `class_names`"):
        swin_keras.explain(exported, pictures, task="detect")
    options = {"task": "detect", "class_names": NAMES, "method": "hires-cam"}
    for one, other in zip(
        swin_keras.explain(detector, pictures, **options),
        swin_keras.explain(exported, pictures, **options),
        strict=True,
    ):
        assert list(one.maps) == list(other.maps)
        for name, values in one.maps.items():
            np.testing.assert_allclose(other.maps[name], values, atol=1e-5)


@pytest.mark.parametrize(
    ("task", "options", "words"),
    [
        ("segment", {"method": "cam"}, "'segment' do not give. Ask for grad-cam"),
        ("segment", {"box": 1}, "`box` means nothing to the task 'segment'"),
        ("segment", {"region": (0.5, 0, 0.2, 1)}, "`region` must be x1, y1, x2, y2"),
        ("segment", {"region": "all"}, "`region` must be x1, y1, x2, y2"),
        ("segment", {"class_name": "3"}, "no class '3'"),
        ("segment", {"method": "attention", "class_name": "1"}, "the same for every"),
        (
            "segment",
            {"method": "attention", "region": (0, 0, 1, 1)},
            'and method "attention"',
        ),
        ("detect", {}, "A detector must give boxes"),
        ("segmant", {}, "Did you mean 'segment'"),
    ],
)
def test_what_means_nothing_is_refused_in_words(
    task, options, words, segmenter, pictures
):
    with pytest.raises(UsageError, match=words):
        swin_keras.explain(segmenter, pictures, task=task, **options)


def test_the_share_of_each_cell_is_that_of_the_area():
    box = ExplanationTarget("", "", 0, 0, np.ones(1), box=(0.125, 0.0, 0.5, 0.75))
    expected = [[0.5, 1, 0, 0], [0.25, 0.5, 0, 0]]
    np.testing.assert_allclose(share_of_cells(box, (2, 4)), expected)
    mask = np.zeros((4, 4), bool)
    mask[:2, 1:] = True
    mask = ExplanationTarget("", "", 0, 0, np.ones(1), mask=mask)
    np.testing.assert_allclose(share_of_cells(mask, (2, 2)), [[0.5, 1], [0, 0]])


def test_outlines_are_drawn_on_the_edge_and_nowhere_else():
    from PIL import Image

    black = Image.new("RGB", (224, 112))
    mask = np.zeros((2, 4), bool)
    mask[0, 1:3] = True  # columns 56 to 168, rows 0 to 56
    for target in (
        ExplanationTarget("", "", 0, 0, np.ones(1), mask=mask),
        ExplanationTarget("", "", 0, 0, np.ones(1), box=(0.25, 0.0, 0.75, 0.5)),
    ):
        drawn = np.asarray(draw_outline(black, target)).any(-1)
        inside = np.zeros_like(drawn)
        inside[2:54, 58:166] = True
        edge = np.zeros_like(drawn)
        edge[:56, 56:168] = True
        np.testing.assert_array_equal(drawn, edge & ~inside)


def test_the_command_draws_boxes_and_keeps_them(
    detector, pictures, tmp_path, monkeypatch, capsys
):
    import dataclasses

    from PIL import Image

    monkeypatch.chdir(tmp_path)
    card = ModelCard(
        "toy", "swin_nano", dataclasses.asdict(CONFIG), NAMES, task="detect"
    )
    save_keras(detector, tmp_path / "best.keras", card)
    Image.fromarray(pictures[0]).resize((128, 96)).save("photo.png")
    assert main(["explain", "best.keras", "photo.png", "--box", "2"]) == 0
    assert "box 2: " in capsys.readouterr().out
    with np.load("explained/001.npz") as raw:
        assert raw["boxes"].shape == (1, 4)
        assert raw["maps"].shape == (1, 12, 16)
    assert main(["explain", "best.keras", "photo.png", "--box", "0"]) == 2
    assert "`box` must be a whole number" in capsys.readouterr().err
    assert main(["explain", "best.keras", "photo.png", "--box", "9999"]) == 0
    assert "the model finds nothing here as box 9999" in capsys.readouterr().out
    assert "finds nothing here" in (tmp_path / "explained-2/index.html").read_text()


def test_the_folder_keeps_masks_beside_maps(segmenter, pictures, tmp_path):
    found = swin_keras.explain(segmenter, pictures, task="segment")
    save_explanations(tmp_path, found, "why")
    with np.load(tmp_path / "002.npz") as raw:
        assert raw["masks"].shape[0] == raw["maps"].shape[0] == 1
        assert raw["masks"].dtype == bool
