"""The layouts that checkpoints are published in, one file for each.

They differ in names, in what is fused, and in where merging stands; never in the
numbers. Each file says where in its layout a tensor of ours is found.
"""

from swin_keras.weights.formats.huggingface import HUGGINGFACE
from swin_keras.weights.formats.keras import KERAS
from swin_keras.weights.formats.layout import Format, Slot
from swin_keras.weights.formats.official import OFFICIAL
from swin_keras.weights.formats.timm import TIMM
from swin_keras.weights.formats.torchvision import TORCHVISION

FORMATS = (TORCHVISION, HUGGINGFACE, KERAS, TIMM, OFFICIAL)

__all__ = [
    "FORMATS",
    "HUGGINGFACE",
    "KERAS",
    "OFFICIAL",
    "TIMM",
    "TORCHVISION",
    "Format",
    "Slot",
]
