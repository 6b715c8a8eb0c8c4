"""The layouts that checkpoints are published in, one file for each.

They differ in names, in what is fused, in where merging stands and in the order of
what it merges; never in the numbers. Each file says where in its layout a tensor of
ours is found.
"""

from swin_keras.weights.formats.huggingface import HUGGINGFACE
from swin_keras.weights.formats.keras import KERAS
from swin_keras.weights.formats.layout import Format, Slot
from swin_keras.weights.formats.official import OFFICIAL
from swin_keras.weights.formats.openmmlab import OPENMMLAB, OPENMMLAB_V2
from swin_keras.weights.formats.timm import TIMM
from swin_keras.weights.formats.torchvision import TORCHVISION

LAYOUTS = (TORCHVISION, HUGGINGFACE, KERAS, OPENMMLAB, OPENMMLAB_V2, TIMM, OFFICIAL)

__all__ = [
    "HUGGINGFACE",
    "KERAS",
    "LAYOUTS",
    "OFFICIAL",
    "OPENMMLAB",
    "OPENMMLAB_V2",
    "TIMM",
    "TORCHVISION",
    "Format",
    "Slot",
]
