"""The layout of mmpretrain, mmdetection 3 and mmsegmentation 1: stages, `w_msa`, `ffn`.

Merging ends a stage in Swin and opens one in Swin V2. It takes its four tokens as
`torch.nn.Unfold` does: channel by channel, where others take token by token.
"""

import re

import numpy as np

from swin_keras.weights.formats import official, timm
from swin_keras.weights.formats.layout import DENSE_HEADS, Format, Slot, rename

_ANCHOR = "patch_embed.projection.weight"
_NAMES = {
    r"^patch_embed\.proj\.": "patch_embed.projection.",
    r"^layers\.": "stages.",
    r"\.attn\.": ".attn.w_msa.",
    r"\.mlp\.fc1\.": ".ffn.layers.0.0.",
    r"\.mlp\.fc2\.": ".ffn.layers.1.",
    r"^norm\.": "norm3.",
    r"^head\.(?:fc\.)?": "head.fc.",
}
_UNFOLDED = re.compile(r"\.downsample\.(reduction|norm)\.")


def locate(name: str) -> Slot:
    """Find a tensor of Swin.

    >>> locate("layers.2.blocks.5.attn.v.weight")
    Slot(name='stages.2.blocks.5.attn.w_msa.qkv.weight', part=2, parts=3)
    >>> locate("layers.0.downsample.norm.weight").name
    'stages.0.downsample.norm.weight'
    """
    return _located(official.locate(name), _UNFOLDED.search(name))


def locate_v2(name: str) -> Slot:
    """Find a tensor of Swin V2, whose merging normalizes what is merged already.

    >>> locate_v2("layers.0.downsample.norm.weight").name
    'stages.1.downsample.norm.weight'
    """
    return _located(timm.locate(name), name.endswith("downsample.reduction.weight"))


def _located(slot, is_unfolded):
    order = _from_unfold if is_unfolded else np.asarray
    return Slot(rename(slot.name, _NAMES), slot.part, slot.parts, order)


def _from_unfold(x: np.ndarray) -> np.ndarray:
    """Order the last axis token by token, and those column by column: `(..., 4C)`."""
    channels = x.shape[-1] // 4
    by_channel = x.reshape(*x.shape[:-1], channels, 2, 2)  # row and column last
    return np.moveaxis(by_channel, (-1, -2), (-3, -2)).reshape(x.shape)


def _is_v2(names):
    return "stages.0.blocks.0.attn.w_msa.logit_scale" in names


OPENMMLAB = Format(
    "openmmlab",
    _ANCHOR,
    locate,
    recognize=lambda names: (
        "stages.0.blocks.0.attn.w_msa.qkv.weight" in names and not _is_v2(names)
    ),
    outside=("head.fc.", *DENSE_HEADS),
)
OPENMMLAB_V2 = Format(
    "openmmlab",
    _ANCHOR,
    locate_v2,
    recognize=_is_v2,
    outside=("head.fc.", *DENSE_HEADS),
)
