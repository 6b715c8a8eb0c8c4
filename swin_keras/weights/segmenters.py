"""Infers the head of a segmenter from its tensors, and builds what it belongs to."""

import itertools

from swin_keras.errors import WeightsError
from swin_keras.models import SegmentationHead
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.head_places import CLASS_WEIGHTS

_PUBLISHED_POOLS = (1, 2, 3, 6)
_LAST_OF_HEAD = {  # a tensor that only this kind of head has, with its channels first
    "upernet": "decode_head.fpn_bottleneck.conv.weight",
    "mlp": "decode_head.linear_fuse.conv.weight",
}


def checkpoint_head(checkpoint: Checkpoint) -> SegmentationHead | None:
    """Return the segmentation head of a checkpoint; `None` if it has none.

    Raises:
        WeightsError: If it is one that this package lacks.
    """
    if checkpoint.has("up.expand.weight"):
        return SegmentationHead("unet")
    for kind, name in _LAST_OF_HEAD.items():
        if checkpoint.has(name):
            sizes = {"channels": checkpoint.shape(name)[0]}
            if kind == "upernet":
                sizes["pool_sizes"] = _pool_sizes(checkpoint)
            if has_auxiliary(checkpoint):
                name = "auxiliary_head.convs.0.conv.weight"
                sizes["auxiliary_channels"] = checkpoint.shape(name)[0]
            return SegmentationHead(kind, **sizes)
    if checkpoint.has("decode_head.conv_seg.weight"):
        raise WeightsError(
            f"{checkpoint.source.name} is a segmenter whose head is none of "
            "UPerNet's, SegFormer's and Swin-Unet's. Its backbone loads into "
            "`SwinSegmenter(...)` or `SwinBackbone(..., include_norms=True)` with "
            "`new_head=True`."
        )
    return None


def head_classes(checkpoint: Checkpoint) -> int:
    """Return how many classes a checkpoint's head tells apart, whatever its kind."""
    name = next(name for name in CLASS_WEIGHTS if checkpoint.has(name))
    return checkpoint.shape(name)[0]


def is_of_dense_code(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of code that pads every map to whole windows.

    That of mmsegmentation and all that follow it lets padding be attended, and keeps
    window and shift where a map is no larger. Swin-Unet's does neither.
    """
    name = "decode_head.conv_seg.weight"
    return checkpoint.has(name) and not checkpoint.is_keras


def has_auxiliary(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint has an auxiliary head of one convolution."""
    return checkpoint.has("auxiliary_head.convs.0.conv.weight")


def _pool_sizes(checkpoint):
    stated = checkpoint.source.config.get("pool_scales")
    names = (f"decode_head.psp_modules.{n}.1.conv.weight" for n in itertools.count())
    count = len(list(itertools.takewhile(checkpoint.has, names)))
    sizes = tuple(stated) if stated else _PUBLISHED_POOLS
    if len(sizes) != count:
        raise WeightsError(
            f"{checkpoint.source.name} pools {count} maps, whose sizes must be stated. "
            f"Stated: {stated}."
        )
    return sizes
