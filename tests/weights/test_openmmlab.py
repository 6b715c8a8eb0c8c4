"""The layout of mmpretrain, mmdetection 3 and mmsegmentation 1."""

import numpy as np
import pytest
from files import checkpoint_arrays, logits, small_model
from safetensors.numpy import save_file

from swin_keras.weights import from_pretrained, info, load_weights

# For four tokens at (row, column): their place in the official code's merging.
OFFICIAL = {(0, 0): 0, (1, 0): 1, (0, 1): 2, (1, 1): 3}
FOUR_STAGES = {"depths": (1, 2, 1, 1), "num_heads": (1, 2, 4, 8)}


def unfolded(x):
    """Order four tokens, the last axis, as `torch.nn.Unfold` does: by channels."""
    channels = x.shape[-1] // 4
    result = np.empty_like(x)
    for channel in range(channels):
        for (row, column), place in OFFICIAL.items():
            at = channel * 4 + row * 2 + column
            result[..., at] = x[..., place * channels + channel]
    return result


def openmmlab_arrays(model, version):
    """Write official arrays under the names, and in the order, of OpenMMLab."""
    arrays = {}
    for name, x in checkpoint_arrays(model, "official").items():
        parts = name.split(".")
        if "downsample" in parts:
            if version == "Swin" or parts[3] == "reduction":
                x = unfolded(x)
            if version == "Swin V2":  # merging opens a stage
                parts[1] = str(int(parts[1]) + 1)
        name = ".".join(parts)
        for theirs in (
            ("patch_embed.proj.", "patch_embed.projection."),
            ("layers.", "stages."),
            (".attn.", ".attn.w_msa."),
            (".mlp.fc1.", ".ffn.layers.0.0."),
            (".mlp.fc2.", ".ffn.layers.1."),
        ):
            name = name.replace(*theirs)
        if name.startswith("norm."):
            name = name.replace("norm.", "norm3.")
        if name.startswith("head."):
            arrays[name.replace("head.", "head.fc.")] = x
        else:
            arrays[f"backbone.{name}"] = x
    return arrays


@pytest.mark.parametrize("version", ["Swin", "Swin V2"])
def test_classifier_of_mmpretrain_loads_exactly(version, tmp_path):
    model = small_model(version, **FOUR_STAGES)
    path = tmp_path / "x.safetensors"
    save_file(openmmlab_arrays(model, version), path)
    report = load_weights(other := small_model(version, 1, **FOUR_STAGES), path)
    assert report.loaded[0] == report.loaded[1]
    assert report.unused == ()
    np.testing.assert_array_equal(logits(other), logits(model))
    assert info(path)["format"] == "openmmlab"
    assert info(path)["classes"] == 5


def test_detector_gives_its_backbone_with_the_last_norm(tmp_path):
    model = small_model(**FOUR_STAGES)
    arrays = openmmlab_arrays(model, "Swin")
    arrays = {name: x for name, x in arrays.items() if name.startswith("backbone.")}
    for stage in range(3):
        arrays[f"backbone.norm{stage}.weight"] = np.ones(8 * 2**stage, "float32")
    arrays["neck.lateral_convs.0.conv.weight"] = np.ones((2, 8, 1, 1), "float32")
    save_file(arrays, tmp_path / "x.safetensors")
    backbone = from_pretrained(
        tmp_path / "x.safetensors",
        include_top=False,
        pooling="avg",
        input_shape=(32, 32, 3),
    )
    expected = small_model(include_top=False, pooling="avg", **FOUR_STAGES)
    weights = model.get_weights()[:-2]  # without the head
    expected.set_weights(weights)
    np.testing.assert_array_equal(logits(backbone), logits(expected))
