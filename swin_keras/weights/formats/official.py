"""The official code's layout, which detection (`backbone.`), SimMIM and others share.

`layers.{i}.downsample` ends stage i; query, key and value are one matrix. Heads of
segmentation stand beside the backbone. Swin-Unet's decoder counts its four stages
from the last one up, and its first has nothing but an expansion.
"""

import re

from swin_keras.weights.formats.layout import DENSE_HEADS, Format, Slot

_LAST = 3  # stage of Swin-Unet, from 0
_QKV = re.compile(r"(.*\.attn)\.([qkv])\.(weight|bias)")


def locate(name: str) -> Slot:
    """Find a tensor: query, key, value and decoders are not under their own names.

    >>> locate("layers.0.blocks.1.attn.v.bias")
    Slot(name='layers.0.blocks.1.attn.qkv.bias', part=2, parts=3)
    >>> locate("decoder.0.concat_back_dim.weight").name
    'concat_back_dim.3.weight'
    """
    name = re.sub(r"^decoder\.(\d+)\.", _in_decoder, name)
    name = name.replace("layers_up.0.upsample.", "layers_up.0.")
    name = re.sub(r"^layers_up\.(\d+)\.(concat_back_dim)", r"\2.\1", name)
    if match := _QKV.fullmatch(name):
        attention, letter, kind = match.groups()
        return Slot(f"{attention}.qkv.{kind}", "qkv".index(letter), 3)
    return Slot(name)


def _in_decoder(match):
    return f"layers_up.{_LAST - int(match[1])}."


OFFICIAL = Format(
    "official",
    anchor="patch_embed.proj.weight",
    locate=locate,
    recognize=lambda names: "patch_embed.proj.weight" in names,
    outside=DENSE_HEADS,
)
