"""The backbone: four stages and their feature maps."""

import keras

from swin_keras.layers import (
    Dropout,
    PatchEmbedding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    SwinTransformerBlock,
    SwinTransformerV2Block,
)
from swin_keras.layers.windows import as_pair
from swin_keras.models.config import SwinConfig, SwinV2Config
from swin_keras.models.variants import as_config

_LAYERS = {
    SwinConfig: (SwinTransformerBlock, PatchMerging),
    SwinV2Config: (SwinTransformerV2Block, PatchMergingV2),
}


def SwinBackbone(config: SwinConfig | str | None = None, name="swin_backbone", **sizes):
    """Build a Swin Transformer that returns the feature map of each stage.

    `(B, H, W, channels)` to, at 224 x 224 with patches of 4 and Swin-T's width,
    `{"C2": (B, 56, 56, 96), "C3": (B, 28, 28, 192), "C4": (B, 14, 14, 384),
    "C5": (B, 7, 7, 768)}`: what feature pyramid networks for detection and
    segmentation take. The names are those of strides 4 to 32; the first stage
    is always `"C2"`. No normalization follows the stages.

    Inputs are normalized images; see `normalize` in `classifier.py`.

    Args:
        config: A `SwinConfig` or `SwinV2Config`, or the name of a variant; `None` is
            Swin-T.
        name: Name of the model.
        **sizes: Fields of `SwinConfig` to change.

    Returns:
        A functional `keras.Model` with a dictionary of feature maps as output.

    Raises:
        UsageError: If the sizes cannot make a model.

    Example:

    >>> backbone = SwinBackbone(input_shape=(64, 96, 3), embed_dim=24, depths=(1, 1),
    ...     num_heads=(2, 4))
    >>> {level: feature.shape[1:] for level, feature in backbone.output.items()}
    {'C2': (16, 24, 24), 'C3': (8, 12, 48)}
    """
    config = as_config(config).replace(**sizes)
    inputs = keras.Input(config.input_shape, name="images")
    return keras.Model(inputs, feature_maps(inputs, config), name=name)


def feature_maps(x, config: SwinConfig) -> dict:
    """Apply patch embedding and all stages; return each stage's output by name.

    Args:
        x: Normalized images `(B, H, W, channels)`, symbolic.
        config: The sizes.

    Returns:
        `{"C2": (B, H/4, W/4, C), "C3": (B, H/8, W/8, 2C), ...}`.
    """
    x = PatchEmbedding(
        config.patch_size,
        config.embed_dim,
        overlap=config.patch_overlap,
        use_norm=config.patch_norm,
        kernel_initializer=config.kernel_initializer,
        name="patch_embedding",
    )(x)
    if config.position_embedding:
        x = PositionEmbedding(name="position_embedding")(x)
    if config.dropout_rate:
        x = Dropout(config.dropout_rate, name="embedding_dropout")(x)

    block_layer, merging_layer = _LAYERS[type(config)]
    features = {}
    drop_path_rates = iter(config.block_drop_path_rates)
    shift_size = tuple(side // 2 for side in as_pair(config.window_size))
    for stage, depth in enumerate(config.depths, start=1):
        if stage > 1:
            x = merging_layer(
                config.kernel_initializer, name=f"stage_{stage - 1}_merging"
            )(x)
        for block in range(1, depth + 1):
            x = block_layer(
                config.num_heads[stage - 1],
                window_size=config.window_size,
                shift_size=0 if block % 2 else shift_size,
                mlp_ratio=config.mlp_ratio,
                qkv_bias=config.qkv_bias,
                dropout_rate=config.dropout_rate,
                attention_dropout_rate=config.attention_dropout_rate,
                drop_path_rate=next(drop_path_rates),
                mask_padding=config.mask_padding,
                window_fit=config.window_fit,
                remat=config.remat,
                kernel_initializer=config.kernel_initializer,
                **config.stage_options(stage),
                name=f"stage_{stage}_block_{block}",
            )(x)
        features[f"C{stage + 1}"] = x
    return features
