"""Tells the sizes of a checkpoint from its tensors, and of a model from its layers."""

import itertools
import math
import re

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.layers import SwinTransformerV2Block
from swin_keras.models import VARIANTS, SwinConfig, SwinV2Config
from swin_keras.weights.checkpoint import Checkpoint

SIZES = ("embed_dim", "depths", "num_heads", "patch_size", "mlp_ratio", "qkv_bias")


def checkpoint_config(checkpoint: Checkpoint) -> SwinConfig:
    """Return the configuration that a checkpoint was made with.

    What tensors do not tell, such as the image size, comes from `config.json`
    beside the file, or from the published variant of these sizes.

    Raises:
        WeightsError: If the tensors make no Swin Transformer.
    """
    try:
        sizes = tensor_sizes(checkpoint)
        is_v2 = checkpoint.has("layers.0.blocks.0.attn.logit_scale")
        sizes |= (_v2_windows if is_v2 else _v1_window)(checkpoint)
        sizes |= _stated(checkpoint.source.config)
        config_class = SwinV2Config if is_v2 else SwinConfig
        known = _published(config_class, sizes)
        if known and is_v2 and sizes.get("window_size", 0) in (0, known.window_size):
            sizes.setdefault("pretrained_window_size", known.pretrained_window_size)
        sizes.setdefault("window_size", (known or config_class()).window_size)
        if "input_shape" not in sizes:
            channels = checkpoint.shape("patch_embed.proj.weight")[1]
            sizes["input_shape"] = (*_image_size(known, sizes), channels)
        return config_class(**sizes)
    except (ValueError, IndexError, KeyError, TypeError, ZeroDivisionError) as error:
        raise WeightsError(
            f"{checkpoint.source.name} has tensors that make no Swin Transformer: "
            f"{error}"
        ) from error


def tensor_sizes(checkpoint: Checkpoint) -> dict:
    """Return the sizes that the shapes of tensors tell."""
    depths, num_heads = [], []
    for stage in itertools.count():
        blocks = itertools.takewhile(
            lambda block, stage=stage: checkpoint.has(
                f"layers.{stage}.blocks.{block}.norm1.weight"
            ),
            itertools.count(),
        )
        if not (depth := len(list(blocks))):
            break
        depths.append(depth)
        attention = f"layers.{stage}.blocks.0.attn"
        num_heads.append(
            checkpoint.shape(f"{attention}.relative_position_bias_table")[1]
            if checkpoint.has(f"{attention}.relative_position_bias_table")
            else checkpoint.shape(f"{attention}.logit_scale")[0]
        )
    embed_dim, _, patch_size, _ = checkpoint.shape("patch_embed.proj.weight")
    block = "layers.0.blocks.0"
    return {
        "embed_dim": embed_dim,
        "patch_size": patch_size,
        "depths": tuple(depths),
        "num_heads": tuple(num_heads),
        "mlp_ratio": checkpoint.shape(f"{block}.mlp.fc1.weight")[0] / embed_dim,
        "qkv_bias": checkpoint.has(f"{block}.attn.q.bias")
        or checkpoint.has(f"{block}.attn.q_bias"),
        "patch_norm": checkpoint.has("patch_embed.norm.weight"),
        "position_embedding": checkpoint.has("absolute_pos_embed"),
    }


def table_window(rows: int) -> int | None:
    """Return the side of the square window whose bias table has so many rows.

    >>> table_window(169), table_window(170)
    (7, None)
    """
    side = math.isqrt(rows)
    return (side + 1) // 2 if side * side == rows and side % 2 else None


def model_config(model) -> SwinConfig:
    """Return the configuration that a model of this package was built with."""
    layers = {layer.name: layer for layer in model.layers}
    patches = layers["patch_embedding"]
    blocks = [
        (*map(int, re.findall(r"\d+", name)), layer)
        for name, layer in layers.items()
        if re.fullmatch(r"stage_\d+_block_\d+", name)
    ]
    first = [block for _, number, block in blocks if number == 1]
    depths = [
        sum(stage == s for s, _, _ in blocks) for stage in range(1, 1 + len(first))
    ]
    sizes = {
        "input_shape": tuple(patches.input.shape[1:]),
        "patch_size": patches.patch_size,
        "embed_dim": patches.embed_dim,
        "patch_norm": patches.use_norm,
        "position_embedding": "position_embedding" in layers,
        "depths": tuple(depths),
        "num_heads": tuple(block.num_heads for block in first),
        "drop_path_rate": blocks[-1][-1].drop_path_rate,
    }
    for name in (
        *("window_size", "mlp_ratio", "qkv_bias", "mask_padding"),
        *("dropout_rate", "attention_dropout_rate"),
    ):
        sizes[name] = getattr(first[0], name)
    if isinstance(first[0], SwinTransformerV2Block):
        windows = tuple(block.pretrained_window_size for block in first)
        return SwinV2Config(**sizes, pretrained_window_size=windows)
    return SwinConfig(**sizes)


def variant_of(config: SwinConfig) -> str | None:
    """Return the name of the published variant with these widths and depths."""
    for name, known in VARIANTS.items():
        same_class = type(known) is type(config)
        if same_class and all(getattr(known, s) == getattr(config, s) for s in SIZES):
            return name
    return None


def _v1_window(checkpoint):
    table = "layers.0.blocks.0.attn.relative_position_bias_table"
    window = table_window(checkpoint.shape(table)[0])
    if window is None:
        raise ValueError("the window of its bias table is not square")
    return {"window_size": window}


def _v2_windows(checkpoint):
    """Read windows off the coordinates that official and torchvision files hold."""
    tables = [
        checkpoint.buffer(f"layers.{stage}.blocks.0.attn.relative_coords_table")
        for stage in range(len(tensor_sizes(checkpoint)["depths"]))
    ]
    if any(table is None for table in tables):
        return {}
    windows = [(table.shape[1] + 1) // 2 for table in tables]
    # The last coordinate is log8(8 * (window - 1) / (pretrained - 1) + 1).
    pretrained = [
        round(1 + 8 * (window - 1) / (8 ** float(table[0, -1, -1, 0]) - 1))
        for window, table in zip(windows, tables, strict=True)
    ]
    if pretrained == windows:
        pretrained = [0]
    return {
        "window_size": windows[0],
        "pretrained_window_size": tuple(pretrained) if any(pretrained) else 0,
    }


def _stated(config: dict) -> dict:
    """Return the sizes that a `config.json` of Hugging Face or timm states."""
    if "pretrained_cfg" in config:
        return _stated_by_timm(config)
    if not str(config.get("model_type", "")).startswith("swin"):
        return {}
    height, width = np.broadcast_to(config["image_size"], 2).tolist()
    stated = {
        "input_shape": (height, width, config.get("num_channels", 3)),
        "window_size": config["window_size"],
        "dropout_rate": config.get("hidden_dropout_prob", 0.0),
        "attention_dropout_rate": config.get("attention_probs_dropout_prob", 0.0),
        "drop_path_rate": config.get("drop_path_rate", 0.1),
    }
    if config["model_type"] == "swinv2":
        windows = tuple(config.get("pretrained_window_sizes", (0,)))
        stated["pretrained_window_size"] = windows if any(windows) else 0
    return stated


def _stated_by_timm(config):
    channels, height, width = config["pretrained_cfg"]["input_size"]
    stated = {"input_shape": (height, width, channels)}
    arguments = config.get("model_args", {})
    name = re.search(r"window(?:12to)?(\d+)", config.get("architecture", ""))
    if "window_size" in arguments:
        stated["window_size"] = arguments["window_size"]
    elif name:
        stated["window_size"] = int(name[1])
    if "swinv2" in config.get("architecture", ""):
        windows = tuple(arguments.get("pretrained_window_sizes", (0,)))
        if "window12to" in config["architecture"] and not any(windows):
            windows = (12, 12, 12, 6)
        stated["pretrained_window_size"] = windows if any(windows) else 0
    return stated


def _published(config_class, sizes) -> SwinConfig | None:
    """Return the variant of these sizes; of several, the one with this window."""
    known = [
        config
        for config in VARIANTS.values()
        if type(config) is config_class
        and all(getattr(config, name) == sizes[name] for name in SIZES)
    ]
    window = sizes.get("window_size")
    return max(known, key=lambda config: config.window_size == window, default=None)


def _image_size(known, sizes):
    """Return the published image size, or one whose last stage is one window."""
    if known and known.window_size == sizes["window_size"]:
        return known.input_shape[:2]
    reduction = sizes["patch_size"] * 2 ** (len(sizes["depths"]) - 1)
    return (sizes["window_size"] * reduction,) * 2
