"""Logits and features of all stages, against the projects that published weights."""

import keras
import numpy as np
import pytest
import references
from PIL import Image

from swin_keras.data import load_image
from swin_keras.models import SwinClassifier, variant_config
from swin_keras.weights import (
    from_pretrained,
    load_weights,
    resize_table,
    save_huggingface,
    save_timm,
)

TOLERANCE = 1e-4
TORCHVISION_LACKS = {
    "swinv2_base_192to384": "torchvision has no pretrained windows",
    "swinv2_tiny_window16": "torchvision pads a map of 8 to its window of 16",
}


def differences(config, reference, path):
    """Load a checkpoint; return the largest differences in logits and features."""
    model = SwinClassifier(
        config, include_preprocessing=False, classifier_activation=None
    )
    report = load_weights(model, path)
    assert report.loaded[0] == report.loaded[1]
    assert not report.adapted
    features = [
        model.get_layer(f"stage_{stage}_block_{depth}").output
        for stage, depth in enumerate(config.depths, start=1)
    ]
    images = references.images(*config.input_shape)
    ours = keras.Model(model.input, [model.output, *features])(images)
    logits, expected = references.outputs(reference, images)
    assert 0.5 < np.abs(logits).max() < 50, "logits of normal size"
    return [
        float(np.abs(keras.ops.convert_to_numpy(x) - y.reshape(x.shape)).max())
        for x, y in zip(ours, [logits, *expected], strict=True)
    ]


@pytest.mark.parametrize("project", ["timm", "huggingface", "torchvision"])
@pytest.mark.parametrize(
    "variant",
    [
        "swin_tiny",
        pytest.param("swin_small", marks=pytest.mark.slow),
        pytest.param("swin_base", marks=pytest.mark.slow),
        pytest.param("swin_base_384", marks=pytest.mark.slow),
        "swinv2_tiny",
        pytest.param("swinv2_tiny_window16", marks=pytest.mark.slow),
        pytest.param("swinv2_base_192to384", marks=pytest.mark.slow),
    ],
)
def test_logits_and_features_are_equal(project, variant, tmp_path, record_property):
    config = variant_config(variant)
    if project == "torchvision" and variant in TORCHVISION_LACKS:
        pytest.skip(TORCHVISION_LACKS[variant])
    reference = references.MODELS[project](config)
    path = references.save(reference, tmp_path / "saved")
    found = differences(config, reference, path)
    record_property("differences", found)
    print(f"PARITY {variant} {project} " + " ".join(f"{d:.1e}" for d in found))
    assert max(found) <= TOLERANCE


# Swin V2's sizes keep every map even and larger than the window: others fix the
# window from sizes rounded down, or pad a small map to the window (docs/weights.md).
@pytest.mark.parametrize("project", ["huggingface", "torchvision"])
@pytest.mark.parametrize(
    ("variant", "size"),
    [
        ("swin_tiny", 200),
        ("swin_tiny", 232),
        ("swinv2_tiny", 288),
        ("swinv2_tiny", 352),
    ],
)
def test_padded_sizes_are_equal_without_the_mask(project, variant, size, tmp_path):
    config = variant_config(variant).replace(
        input_shape=(size, size, 3), depths=(2, 2, 2, 2), mask_padding=False
    )
    reference = references.MODELS[project](config)
    path = references.save(reference, tmp_path / "saved")
    found = differences(config, reference, path)
    print(f"PARITY {variant}@{size} {project} " + " ".join(f"{d:.1e}" for d in found))
    assert max(found) <= TOLERANCE


def test_torchvision_differs_only_where_its_window_is_larger_than_the_map(tmp_path):
    """Not ours to follow: it pads the map and attends to the padding."""
    config = variant_config("swinv2_tiny_window16").replace(depths=(2, 2, 2, 2))
    reference = references.torchvision_model(config)
    path = references.save(reference, tmp_path / "saved")
    _, *stages = differences(config, reference, path)
    assert max(stages[:3]) <= TOLERANCE
    assert stages[3] > 0.1


@pytest.mark.filterwarnings("ignore::UserWarning")  # from within timm
@pytest.mark.parametrize("method", ["bicubic", "geometric"])
@pytest.mark.parametrize(("old", "new"), [(7, 12), (12, 24), (7, 8), (12, 7)])
def test_tables_resize_as_torch_and_timm_do(method, old, new):
    if method == "geometric" and new < old:
        pytest.skip("timm stretches only; ours also shrinks")
    torch = references.torch
    table = np.random.default_rng(0).normal(size=((2 * old - 1) ** 2, 3))
    table = table.astype("float32")
    ours = resize_table(table, (old, old), (new, new), method)
    if method == "bicubic":
        x = torch.from_numpy(table.T.reshape(1, 3, 2 * old - 1, 2 * old - 1).copy())
        x = torch.nn.functional.interpolate(x, size=(2 * new - 1,) * 2, mode="bicubic")
        theirs = x.numpy().reshape(3, -1).T
    else:
        theirs = references.timm.layers.resize_rel_pos_bias_table(
            torch.from_numpy(table), (new, new), ((2 * new - 1) ** 2, 3)
        ).numpy()
    # timm finds the ratio of its offsets to 1e-6 only, ours is exact.
    tolerance = {"bicubic": 1e-5, "geometric": 1e-3}[method]
    np.testing.assert_allclose(ours, theirs, atol=tolerance)


@pytest.mark.parametrize("project", ["timm", "huggingface"])
@pytest.mark.parametrize("variant", ["swin_tiny", "swinv2_tiny", "swin_nano"])
def test_what_we_write_they_load_with_equal_logits(project, variant, tmp_path):
    config = variant_config(variant)
    model = SwinClassifier(
        config,
        classes=7,
        include_preprocessing=False,
        classifier_activation=None,
    )
    rng = np.random.default_rng(0)
    model.set_weights(
        [w + rng.normal(scale=0.05, size=w.shape) for w in model.get_weights()]
    )
    names = [f"name {number}" for number in range(7)]
    if project == "timm":
        save_timm(model, tmp_path / "out", names)
        theirs = references.timm.create_model(
            f"local-dir:{tmp_path / 'out'}", pretrained=True
        )
    else:
        save_huggingface(model, tmp_path / "out", names)
        theirs = (
            references.transformers.AutoModelForImageClassification.from_pretrained(
                tmp_path / "out"
            )
        )
        assert theirs.config.id2label[3] == "name 3"
    images = references.images(*config.input_shape)
    logits, _ = references.outputs(theirs.eval(), images)
    ours = keras.ops.convert_to_numpy(model(images))
    print(f"PARITY out {variant} {project} {np.abs(ours - logits).max():.1e}")
    np.testing.assert_allclose(ours, logits, atol=TOLERANCE)

    back = from_pretrained(tmp_path / "out")
    for one, other in zip(back.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


PICTURES = [(120, 60), (60, 120), (50, 50), (333, 200), (20, 31)]  # width, height


@pytest.mark.parametrize("project", ["timm", "huggingface"])
@pytest.mark.parametrize("crop", [1.0, 0.8])
def test_pictures_of_any_shape_score_alike(project, crop, tmp_path):
    """Through the pipeline of the project itself: names, crop, mean, and all."""
    config = variant_config("swin_nano")
    model = SwinClassifier(config, classes=3)
    rng = np.random.default_rng(0)
    model.set_weights(
        [w + rng.normal(scale=0.1, size=w.shape) for w in model.get_weights()]
    )
    names = ("red", "green", "blue")
    folder = {"timm": save_timm, "huggingface": save_huggingface}[project](
        model, tmp_path / "out", names, crop
    )
    worst = 0.0
    for number, (width, height) in enumerate(PICTURES):
        path = tmp_path / f"{number}.png"
        grid = rng.uniform(0, 255, size=(4, 5, 3)).astype("uint8")
        Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC).save(
            path
        )
        image = load_image(path, config.input_shape[:2], 3, crop)
        ours = keras.ops.convert_to_numpy(model(image[None].astype("float32")))[0]
        theirs = references.scores(project, folder, path)
        assert set(theirs) == set(names)
        found = [theirs[name] for name in names]
        print(f"PICTURE {project} {crop} {width}x{height} {ours} {np.array(found)}")
        worst = max(worst, np.abs(ours - found).max())
    assert worst < 0.02, "resized first, then cut, or cut first: edges differ a little"
