"""What `config.json` says beside the weights: true, and possible here, or refused.

Otherwise numbers would load, and the model would answer, but not as it was trained.
"""

import math

from swin_keras.errors import WeightsError
from swin_keras.weights.project_config import backbone_statement, stated_shapes
from swin_keras.weights.source import Source

# What every published model has, and the only thing that our layers calculate.
_ONLY = {"hidden_act": ("gelu",), "layer_norm_eps": (1e-5,), "global_pool": ("avg",)}


def check_statements(source: Source, sizes: dict, has_head: bool) -> None:
    """Refuse a `config.json` that contradicts the tensors, or asks for other layers.

    Args:
        source: Where the checkpoint is from.
        sizes: What its tensors tell: fields of `SwinConfig`, and `channels`.
        has_head: Whether it has a head.

    Raises:
        WeightsError: If a statement is not so, or cannot be followed.
    """
    for name, stated in stated_shapes(source.config).items():
        if not _are_equal(name, stated, sizes):
            raise WeightsError(
                f"config.json beside {source.name} must belong to it. It says "
                f"{name}={stated!r:.100}, and the tensors have {name}={sizes[name]}. "
                "Get both again, or take the one away that is wrong."
            )
    for name, known in _ONLY.items():
        stated = backbone_statement(source.config).get(name)
        is_used = has_head or name != "global_pool"
        if stated is not None and is_used and stated not in known:
            raise WeightsError(
                f"{source.name} was made with {name}={stated!r:.100}, and layers of "
                f"this package have {known[0]!r} only: its answers would be others."
            )


def _are_equal(name, stated, sizes) -> bool:
    told = sizes[name]
    if name == "mlp_ratio":  # the hidden width is a whole number
        width = sizes["embed_dim"] * 2 ** (len(sizes["depths"]) - 1)
        stated, told = (int(width * ratio) for ratio in (stated, told))
    if isinstance(stated, int | float) and isinstance(told, int | float):
        return math.isclose(stated, told, rel_tol=1e-6)
    return stated == told
