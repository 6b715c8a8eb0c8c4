"""timm's layout since 0.8: merging opens a stage, and the head is `head.fc`."""

import re

from swin_keras.weights.formats import official
from swin_keras.weights.formats.layout import Format, Slot


def locate(name: str) -> Slot:
    """Find a tensor.

    >>> locate("layers.0.downsample.norm.weight").name
    'layers.1.downsample.norm.weight'
    """
    name = re.sub(
        r"^layers\.(\d+)\.downsample",
        lambda match: f"layers.{int(match[1]) + 1}.downsample",
        name,
    )
    return official.locate(re.sub(r"^head\.", "head.fc.", name))


def _recognize(names) -> bool:
    merging_opens = any(name.startswith("layers.1.downsample.") for name in names)
    merging_ends = any(name.startswith("layers.0.downsample.") for name in names)
    return "patch_embed.proj.weight" in names and (
        "head.fc.weight" in names or (merging_opens and not merging_ends)
    )


TIMM = Format("timm", "patch_embed.proj.weight", locate, _recognize)
