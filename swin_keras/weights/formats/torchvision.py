"""torchvision's layout: numbers for names, stages and mergings in one sequence.

Its V2 has a bias for keys that it sets to zero at run time; no tensor of ours
lies there, and zeros are written.
"""

import re

from swin_keras.weights.formats import official
from swin_keras.weights.formats.layout import Format, Slot, rename

_NAMES = {
    r"^patch_embed\.proj": "features.0.0",
    r"^patch_embed\.norm": "features.0.2",
    r"mlp\.fc1": "mlp.0",
    r"mlp\.fc2": "mlp.3",
}


def locate(name: str) -> Slot:
    """Find a tensor.

    >>> locate("layers.2.blocks.5.mlp.fc2.weight").name
    'features.5.5.mlp.3.weight'
    >>> locate("layers.0.blocks.0.attn.v_bias")
    Slot(name='features.1.0.attn.qkv.bias', part=2, parts=3)
    """
    name = rename(name, _NAMES)
    name = re.sub(
        r"^layers\.(\d+)\.(blocks|downsample)",
        lambda match: (
            f"features.{2 * int(match[1]) + 1}"
            if match[2] == "blocks"
            else f"features.{2 * int(match[1]) + 2}"
        ),
        name,
    )
    return official.locate(re.sub(r"attn\.([qv])_bias", r"attn.\1.bias", name))


TORCHVISION = Format(
    "torchvision",
    anchor="features.0.0.weight",
    locate=locate,
    recognize=lambda names: "features.0.0.weight" in names,
)
