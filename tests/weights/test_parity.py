"""Logits and features of all stages, against the projects that published weights."""

import keras
import numpy as np
import pytest
import references

from swin_keras.models import SwinClassifier, variant_config
from swin_keras.weights import load_weights

TOLERANCE = 1e-4


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
    if project == "torchvision" and getattr(config, "pretrained_window_size", 0):
        pytest.skip("torchvision has no pretrained windows")
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
    [("swin_tiny", 200), ("swin_tiny", 232), ("swinv2_tiny", 288), ("swinv2_tiny", 352)],
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
