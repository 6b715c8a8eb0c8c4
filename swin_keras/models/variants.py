"""The published variants, and one small one: a table, no logic.

Sizes are those of the paper's table 7 and of the published configurations;
`drop_path_rate` is the one they were trained with on ImageNet-1k.
"""

from fnmatch import fnmatchcase

from swin_keras.errors import UsageError, nearest_name
from swin_keras.models.config import SwinConfig

_BASE = {"embed_dim": 128, "depths": (2, 2, 18, 2), "num_heads": (4, 8, 16, 32)}
_LARGE = {"embed_dim": 192, "depths": (2, 2, 18, 2), "num_heads": (6, 12, 24, 48)}
_AT_384 = {"input_shape": (384, 384, 3), "window_size": 12}

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
    ),
    "swin_tiny": SwinConfig(drop_path_rate=0.2),
    "swin_small": SwinConfig(depths=(2, 2, 18, 2), drop_path_rate=0.3),
    "swin_base": SwinConfig(**_BASE, drop_path_rate=0.5),
    "swin_base_384": SwinConfig(**_BASE, **_AT_384, drop_path_rate=0.5),
    "swin_large": SwinConfig(**_LARGE, drop_path_rate=0.2),
    "swin_large_384": SwinConfig(**_LARGE, **_AT_384, drop_path_rate=0.2),
}


def list_models(pattern: str = "*") -> list[str]:
    """List the names of variants that match a pattern with wildcards.

    >>> list_models("*384")
    ['swin_base_384', 'swin_large_384']
    """
    return [name for name in VARIANTS if fnmatchcase(name, pattern)]


def variant_config(name: str) -> SwinConfig:
    """Return the configuration of a variant.

    Raises:
        UsageError: If there is no such variant; the message names the nearest.
    """
    if name not in VARIANTS:
        raise UsageError(
            f"There is no variant {name!r}.{nearest_name(name, VARIANTS)} "
            f"Variants: {', '.join(VARIANTS)}."
        )
    return VARIANTS[name]
