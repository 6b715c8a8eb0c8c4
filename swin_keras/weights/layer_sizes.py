"""Infers a model's sizes from the configurations of its layers, built or in a file."""

from swin_keras.models.config import SwinConfig, config_from_dict
from swin_keras.models.layer_names import (
    PATCH_EMBEDDING,
    POSITION_EMBEDDING,
    stage_part,
)

_OF_BLOCKS = (
    "window_size",
    "window_fit",
    "mlp_ratio",
    "qkv_bias",
    "mask_padding",
    "dropout_rate",
    "attention_dropout_rate",
    "remat",
    "kernel_initializer",
)


def layers_config(layers: dict[str, dict], input_shape) -> SwinConfig:
    """Return the configuration that a model of this package was built with.

    Args:
        layers: For each layer's name, what its `get_config` returns.
        input_shape: `(height, width, channels)` of the images.

    Raises:
        KeyError: If a layer is missing, so that the model is another's.
    """
    patches = layers[PATCH_EMBEDDING]
    stages = {}
    for name, config in layers.items():
        part = stage_part(name)
        if part and part.kind == "block":
            stages.setdefault(part.stage, {})[part.block] = config
    depths = tuple(len(stages[stage]) for stage in sorted(stages))
    first = [stages[stage + 1][1] for stage in range(len(depths))]
    last = stages[len(depths)][depths[-1]]
    sizes = {
        "input_shape": tuple(input_shape),
        "patch_size": patches["patch_size"],
        "patch_overlap": patches["overlap"],
        "embed_dim": patches["embed_dim"],
        "patch_norm": patches["use_norm"],
        "position_embedding": POSITION_EMBEDDING in layers,
        "depths": depths,
        "num_heads": tuple(block["num_heads"] for block in first),
        "drop_path_rate": last["drop_path_rate"],
        **{name: first[0][name] for name in _OF_BLOCKS},
    }
    if "pretrained_window_size" in last:
        windows = tuple(block["pretrained_window_size"] for block in first)
        is_one = len(set(windows)) == 1
        sizes["pretrained_window_size"] = windows[0] if is_one else windows
    return config_from_dict(sizes)
