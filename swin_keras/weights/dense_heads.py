"""Infers the head of a segmenter or a detector from its tensors."""

import itertools

from swin_keras.errors import WeightsError
from swin_keras.models import DetectionHead, SegmentationHead
from swin_keras.weights.checkpoint import Checkpoint
from swin_keras.weights.head_mapping import CLASS_WEIGHTS, DETAIL_KERNEL, LEFT_OUT

_PUBLISHED_POOLS = (1, 2, 3, 6)
_LEVELS = range(2, 32)  # of a pyramid: P2 is the first that there can be
_LAST_OF_HEAD = {  # a tensor that only this kind of head has, with its channels first
    "upernet": "decode_head.fpn_bottleneck.conv.weight",
    "mlp": "decode_head.linear_fuse.conv.weight",
}
_LOGITS = "decode_head.conv_seg.weight"
_AUXILIARY = "auxiliary_head.convs.0.conv.weight"  # of one convolution


def checkpoint_head(checkpoint: Checkpoint) -> SegmentationHead | DetectionHead | None:
    """Return the head of a checkpoint; `None` if it is a classifier or a backbone.

    Raises:
        WeightsError: If it is of a segmenter that this package lacks.
    """
    return _segmentation_head(checkpoint) or _detection_head(checkpoint)


def head_classes(checkpoint: Checkpoint) -> int:
    """Return how many classes a checkpoint's head tells apart, whatever its kind."""
    name = next(name for name in CLASS_WEIGHTS if checkpoint.has(name))
    return checkpoint.shape(name)[0]


def is_of_dense_code(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is of code that pads every map to whole windows.

    That of mmsegmentation and all that follow it lets padding be attended, and keeps
    window and shift where a map is no larger. Swin-Unet's does neither.
    """
    return checkpoint.has(_LOGITS) and not checkpoint.is_keras


def is_exported_detector(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint is a detector without what exports leave out."""
    is_there = checkpoint.has(f"{LEFT_OUT}weight")
    return checkpoint.has("detector.one_logits.weight") and not is_there


def _segmentation_head(checkpoint):
    if checkpoint.has("up.expand.weight"):
        return SegmentationHead("unet")
    for kind, name in _LAST_OF_HEAD.items():
        if checkpoint.has(name):
            sizes = {"channels": checkpoint.shape(name)[0]}
            if kind == "upernet":
                sizes["pool_sizes"] = _pool_sizes(checkpoint)
            if checkpoint.has(_AUXILIARY):
                sizes["auxiliary_channels"] = checkpoint.shape(_AUXILIARY)[0]
            if checkpoint.has(_LOGITS):
                sizes["sub_pixel"] = len(checkpoint.shape(_LOGITS)) == 3
            if checkpoint.has(DETAIL_KERNEL):
                sizes["detail_channels"] = checkpoint.shape(DETAIL_KERNEL)[0]
                if not sizes.get("sub_pixel"):
                    raise WeightsError(
                        f"{checkpoint.source.name} is damaged: it has logits of the "
                        "image itself, and none for each pixel beside them."
                    )
            return SegmentationHead(kind, **sizes)
    if checkpoint.has(_LOGITS):
        raise WeightsError(
            f"{checkpoint.source.name} is a segmenter whose head is none of "
            "UPerNet's, SegFormer's and Swin-Unet's. Its backbone loads into "
            "`SwinSegmenter(...)` or `SwinBackbone(..., include_norms=True)` with "
            "`new_head=True`."
        )
    return None


def _pool_sizes(checkpoint):
    stated = checkpoint.source.config.get("pool_scales")
    names = (f"decode_head.psp_modules.{n}.1.conv.weight" for n in itertools.count())
    count = len(list(itertools.takewhile(checkpoint.has, names)))
    is_list = isinstance(stated, list | tuple) and all(type(n) is int for n in stated)
    if stated and not is_list:
        raise WeightsError(
            "`pool_scales` of a config.json must be a list of whole numbers. Received: "
            f"{stated!r:.200}."
        )
    sizes = tuple(stated) if stated else _PUBLISHED_POOLS
    if len(sizes) != count:
        raise WeightsError(
            f"{checkpoint.source.name} pools {count} maps, whose sizes must be stated. "
            f"Stated: {stated}."
        )
    return sizes


def _detection_head(checkpoint):
    """Return ours: published detectors have others, and give a backbone alone."""
    merged, levels = (_levels(checkpoint, part) for part in ("lateral", "output"))
    if not merged or merged[0] not in levels:
        return None
    kernel = checkpoint.shape(f"detector.pyramid_output_{merged[0]}.weight")
    name = "detector.many_class_convolution_{}.weight"
    convolutions = (checkpoint.has(name.format(n)) for n in itertools.count(1))
    count = len(list(itertools.takewhile(bool, convolutions)))
    has_norm = checkpoint.has("detector.one_norm_1.weight")
    return DetectionHead(
        channels=min(kernel[:2]),  # no more than the file has numbers for
        convolutions=count,
        norm="layer" if has_norm else "none",
        first_stage=merged[0] - 1,
        extra_levels=max(0, len(levels) - len(merged)),
    )


def _levels(checkpoint, part) -> list[int]:
    return [
        level
        for level in _LEVELS
        if checkpoint.has(f"detector.pyramid_{part}_{level}.weight")
    ]
