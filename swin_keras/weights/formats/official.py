"""The official code's layout; also detection's (`backbone.`) and SimMIM's (`encoder.`).

`layers.{i}.downsample` ends stage i; query, key and value are one matrix.
"""

import re

from swin_keras.weights.formats.layout import Format, Slot

_QKV = re.compile(r"(.*\.attn)\.([qkv])\.(weight|bias)")


def locate(name: str) -> Slot:
    """Find a tensor: only query, key and value are not under their own names.

    >>> locate("layers.0.blocks.1.attn.v.bias")
    Slot(name='layers.0.blocks.1.attn.qkv.bias', part=2, parts=3)
    """
    if match := _QKV.fullmatch(name):
        attention, letter, kind = match.groups()
        return Slot(f"{attention}.qkv.{kind}", "qkv".index(letter), 3)
    return Slot(name)


OFFICIAL = Format(
    "official",
    anchor="patch_embed.proj.weight",
    locate=locate,
    recognize=lambda names: "patch_embed.proj.weight" in names,
)
