"""Writes the checkpoints beside it: each project's own, small, with its logits.

Needs the extra `parity`. Whoever has no torch still compares with these numbers.

python tests/weights/golden/make_golden.py
"""

import pathlib
import sys
import types

import numpy as np

HERE = pathlib.Path(__file__).parent
SIZES = {
    "input_shape": (32, 32, 3),
    "patch_size": 2,
    "embed_dim": 8,
    "depths": (2, 1),
    "num_heads": (1, 2),
    "window_size": 4,
    "mlp_ratio": 2.0,
}
CLASSES = 3
VERSIONS = {"v1": {}, "v2": {"pretrained_windows": (0, 0)}}


def strengthened(model):
    """Make matrices so large that narrow layers, too, change what they are given."""
    for name, parameter in model.named_parameters():
        is_table = "bias_table" in name or "logit_scale" in name
        if parameter.ndim > 1 and not is_table:
            parameter.data *= 10
    return model


def main():
    sys.path.insert(0, str(HERE.parent))
    import references

    images = references.images(*SIZES["input_shape"])
    answers = {"images": images.astype("float16")}
    images = answers["images"].astype("float32")
    for version, more in VERSIONS.items():
        config = types.SimpleNamespace(**SIZES, **more)
        for project, make in references.MODELS.items():
            name = f"{project}_{version}"
            model = strengthened(make(config, classes=CLASSES))
            references.save(model, HERE / name)
            answers[name], _ = references.outputs(model, images)
    np.savez_compressed(HERE / "logits.npz", **answers)


if __name__ == "__main__":
    main()
