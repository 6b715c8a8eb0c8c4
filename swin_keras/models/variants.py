"""The published variants, and one small one: a table, no logic.

Sizes are those of the paper's table 7 and of the published configurations;
`drop_path_rate` is the one they were trained with on ImageNet-1k.
"""

from fnmatch import fnmatchcase

from swin_keras.errors import UsageError, nearest_name
from swin_keras.models.config import SwinConfig, SwinV2Config

_SMALL = {"depths": (2, 2, 18, 2)}
_BASE = {"embed_dim": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32)}
_LARGE = {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48)}
_AT_384 = {"input_shape": (384, 384, 3), "window_size": 12}
_V2_AT_192 = {"input_shape": (192, 192, 3), "window_size": 12}
# Fine-tuned at a larger size and window than pretrained, where a window was 12
# and in the last stage the whole map of 6.
_FROM_192 = {"pretrained_window_size": (12, 12, 12, 6), "drop_path_rate": 0.2}
_V2_TO_256 = {"window_size": 16, **_FROM_192}
_V2_TO_384 = {"input_shape": (384, 384, 3), "window_size": 24, **_FROM_192}

VARIANTS = {
    # For images of about 32 pixels: 2 x 2 patches, 4 x 4 windows, three stages.
    "swin_nano": SwinConfig(
        input_shape=(32, 32, 3),
        patch_size=2,
        embed_dim=32,
        depths=(2, 2, 2),
        num_heads=(2, 4, 8),
        window_size=4,
        mlp_ratio=2.0,
        drop_path_rate=0.05,
        kernel_initializer="glorot_normal",
    ),
    "swin_tiny": SwinConfig(drop_path_rate=0.2),
    "swin_small": SwinConfig(**_SMALL, drop_path_rate=0.3),
    "swin_base": SwinConfig(**_BASE, drop_path_rate=0.5),
    "swin_base_384": SwinConfig(**_BASE, **_AT_384, drop_path_rate=0.5),
    "swin_large": SwinConfig(**_LARGE, drop_path_rate=0.2),
    "swin_large_384": SwinConfig(**_LARGE, **_AT_384, drop_path_rate=0.2),
    "swinv2_tiny": SwinV2Config(drop_path_rate=0.2),
    "swinv2_tiny_window16": SwinV2Config(window_size=16, drop_path_rate=0.2),
    "swinv2_small": SwinV2Config(**_SMALL, drop_path_rate=0.3),
    "swinv2_small_window16": SwinV2Config(**_SMALL, window_size=16, drop_path_rate=0.3),
    "swinv2_base": SwinV2Config(**_BASE, drop_path_rate=0.5),
    "swinv2_base_window16": SwinV2Config(**_BASE, window_size=16, drop_path_rate=0.5),
    "swinv2_base_192": SwinV2Config(**_BASE, **_V2_AT_192, drop_path_rate=0.2),
    "swinv2_base_192to256": SwinV2Config(**_BASE, **_V2_TO_256),
    "swinv2_base_192to384": SwinV2Config(**_BASE, **_V2_TO_384),
    "swinv2_large_192": SwinV2Config(**_LARGE, **_V2_AT_192, drop_path_rate=0.2),
    # There is no large model of window 8: the plain name is the one of 256.
    "swinv2_large": SwinV2Config(**_LARGE, **_V2_TO_256),
    "swinv2_large_192to384": SwinV2Config(**_LARGE, **_V2_TO_384),
}


def list_models(pattern: str = "*") -> list[str]:
    """List the names of variants that match a pattern with wildcards.

    >>> list_models("swin_*384")
    ['swin_base_384', 'swin_large_384']
    """
    return [name for name in VARIANTS if fnmatchcase(name, pattern)]


def as_config(config: SwinConfig | str | None) -> SwinConfig:
    """Return a configuration; a name is that of a variant, `None` is Swin-T.

    Raises:
        UsageError: If it is neither, or there is no such variant.
    """
    if isinstance(config, str):
        return variant_config(config)
    if not isinstance(config, SwinConfig | None):
        raise UsageError(
            "`config` must be a SwinConfig, a SwinV2Config or the name of a variant. "
            f"Received: {config!r}."
        )
    return config or SwinConfig()


def variant_config(name: str) -> SwinConfig:
    """Return the configuration of a variant.

    Raises:
        UsageError: If there is no such variant; the message names the nearest.
    """
    if not isinstance(name, str) or name not in VARIANTS:
        raise UsageError(
            f"There is no variant {name!r}.{nearest_name(name, VARIANTS)} "
            f"Variants: {', '.join(VARIANTS)}."
        )
    return VARIANTS[name]
