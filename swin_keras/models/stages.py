"""Patch embedding and stages, as functions of symbolic tensors."""

from typing import NamedTuple

import keras

from swin_keras.layers import (
    Dropout,
    LayerNormalization,
    PatchEmbedding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    SwinTransformerBlock,
    SwinTransformerV2Block,
)
from swin_keras.layers.map_size import as_pair
from swin_keras.models.config import SwinConfig, SwinV2Config

_LAYERS = {
    SwinConfig: (SwinTransformerBlock, PatchMerging),
    SwinV2Config: (SwinTransformerV2Block, PatchMergingV2),
}


class Stage(NamedTuple):
    """The feature map that a stage takes and the one that it gives, symbolic."""

    inputs: keras.KerasTensor
    outputs: keras.KerasTensor


def swin_stages(images, config: SwinConfig) -> list[Stage]:
    """Apply patch embedding and all stages.

    Args:
        images: Normalized images `(B, H, W, channels)`, symbolic.
        config: The sizes.

    Returns:
        The stages; a stage takes what merging made of the one before it.
    """
    _, merging_layer = _LAYERS[type(config)]
    x = embed_patches(images, config)
    stages = []
    for number in range(1, len(config.depths) + 1):
        if number > 1:
            x = merging_layer(
                config.kernel_initializer, name=f"stage_{number - 1}_merging"
            )(x)
        stages.append(Stage(x, stage_blocks(x, config, number)))
        x = stages[-1].outputs
    return stages


def embed_patches(images, config: SwinConfig):
    """Make tokens of pixels: `(B, H, W, channels) -> (B, H/4, W/4, C)`."""
    x = PatchEmbedding(
        config.patch_size,
        config.embed_dim,
        overlap=config.patch_overlap,
        use_norm=config.patch_norm,
        kernel_initializer=config.kernel_initializer,
        name="patch_embedding",
    )(images)
    if config.position_embedding:
        x = PositionEmbedding(name="position_embedding")(x)
    if config.dropout_rate:
        x = Dropout(config.dropout_rate, name="embedding_dropout")(x)
    return x


def stage_blocks(x, config: SwinConfig, stage: int, prefix: str = ""):
    """Apply the blocks of a stage: `(B, H, W, C) -> (B, H, W, C)`.

    Args:
        x: Feature map, symbolic.
        config: The sizes.
        stage: Which stage, from 1.
        prefix: What the layers' names begin with, where a decoder has the same
            blocks once more.
    """
    block_layer, _ = _LAYERS[type(config)]
    first = sum(config.depths[: stage - 1])
    shift_size = tuple(side // 2 for side in as_pair(config.window_size))
    for block in range(1, config.depths[stage - 1] + 1):
        x = block_layer(
            config.num_heads[stage - 1],
            window_size=config.window_size,
            shift_size=0 if block % 2 else shift_size,
            mlp_ratio=config.mlp_ratio,
            qkv_bias=config.qkv_bias,
            dropout_rate=config.dropout_rate,
            attention_dropout_rate=config.attention_dropout_rate,
            drop_path_rate=config.block_drop_path_rates[first + block - 1],
            mask_padding=config.mask_padding,
            window_fit=config.window_fit,
            remat=config.remat,
            kernel_initializer=config.kernel_initializer,
            **config.stage_options(stage),
            name=f"{prefix}stage_{stage}_block_{block}",
        )(x)
    return x


def normalized_maps(stages: list[Stage]) -> list:
    """Return each stage's output after a layer normalization of its own.

    The papers on detection and segmentation have these; published dense checkpoints
    carry them.
    """
    return [
        LayerNormalization(name=f"stage_{number}_norm")(stage.outputs)
        for number, stage in enumerate(stages, start=1)
    ]
