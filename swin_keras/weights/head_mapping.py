"""Where each tensor of a head for segmentation or detection lives in our layers.

UPerNet's names are those of mmsegmentation, the all-MLP head's those of SegFormer.
The decoder of a U-Net goes by the stages that it mirrors, `decoder.0` for the first;
Swin-Unet counts its four from the other end, see `formats/official.py`. A detector's
are ours alone, `detector.one_logits`, since published ones have other layers.
"""

import re

import numpy as np

from swin_keras.layers import EdgeDistances
from swin_keras.weights.mapped_tensor import (
    MappedTensor,
    batch_norm,
    convolution,
    dense,
    is_a,
    norm,
    plain,
    transposed,
    under,
)

# What gives each class its score; what a segmenter's head consists of besides, which
# tells its kind; and all of it.
BY_CLASS = (
    "head.",
    "decode_head.conv_seg.",
    "decode_head.detail_seg.",
    "auxiliary_head.conv_seg.",
    "output.",
    "detector.many_class_logits.",
    "detector.one_logits.",
)
CLASS_WEIGHTS = (
    "head.weight",
    "decode_head.conv_seg.weight",
    "output.weight",
    "detector.one_logits.weight",
)
HEAD_BODIES = (
    "decode_head.psp_modules.",
    "decode_head.linear_fuse.",
    "decoder.",
    "norm_up.",
    "up.",
    "detector.",
)
HEADS = (*BY_CLASS, "decode_head.", "auxiliary_head.", *HEAD_BODIES)
# The convolution of the image itself; a head may have it or not.
DETAIL = ("decode_head.detail.", "decode_head.detail_seg.")
DETAIL_KERNEL = "decode_head.detail.conv.weight"
LEFT_OUT = "detector.many_centerness_logits."  # what a detector's export is without

# Convolutions with their batch normalization: our name, the published one, and the
# number from which ours counts.
_CONVOLUTIONS = (
    (r"head_pooling_(\d+)", "decode_head.psp_modules.{}.1", 1),
    (r"head_bottleneck", "decode_head.bottleneck", 0),
    (r"head_lateral_C(\d+)", "decode_head.lateral_convs.{}", 2),
    (r"head_pyramid_C(\d+)", "decode_head.fpn_convs.{}", 2),
    (r"head_fusion", "decode_head.fpn_bottleneck", 0),
    (r"head_mixing", "decode_head.linear_fuse", 0),
    (r"head_detail", "decode_head.detail", 0),  # ours alone
    (r"head_auxiliary", "auxiliary_head.convs.0", 0),
)

# A detector's pyramid and branches; an activation or a sum among them has no weights.
_OF_DETECTOR = re.compile(
    r"head_(pyramid_(?:lateral|output)_\d+|(?:many|one)_(?:class_|box_)?"
    r"(?:convolution_\d+|norm_\d+|logits|edges|centerness_logits|boxes_P\d+))"
)


def is_of_head(name: str) -> bool:
    """Whether a layer with weights of one of our heads has this name.

    >>> is_of_head("head_fusion_conv"), is_of_head("head_hidden")
    (True, False)
    """
    return name == _LOGITS or any(re.fullmatch(pattern, name) for pattern, *_ in _PARTS)


def head_mapping(layer):
    """Yield `(prefix, mapping)` of a head's layer; nothing for one without weights."""
    if layer.name == _LOGITS:
        # Swin-Unet's has no bias, and another name.
        prefix = "output" if layer.bias is None else "decode_head.conv_seg"
        is_finer = len(layer.kernel.shape) == 2
        yield prefix, _sub_pixel(layer) if is_finer else convolution(layer)
    for pattern, published, first, mapping in _PARTS:
        if match := re.fullmatch(pattern, layer.name):
            parts = (int(n) - first if n.isdigit() else n for n in match.groups())
            yield published.format(*parts), mapping(layer)


def _sub_pixel(layer):
    """Map a `SubPixelConvolution`, which is ours alone: classes first, pixels last."""
    (channels, _), (pixels, classes) = layer.kernel.shape, layer.bias.shape
    kernel = MappedTensor(
        layer.kernel,
        (classes, channels, pixels),
        lambda x: np.transpose(x, (1, 2, 0)).reshape(channels, -1),
        lambda x: x.reshape(channels, pixels, classes).transpose(2, 0, 1),
    )
    return {"weight": kernel, "bias": transposed(layer.bias)}


def _detector_part(layer):
    if is_a(layer, EdgeDistances):
        return {"scale": plain(layer.scale)}
    return norm(layer) if "_norm_" in layer.name else convolution(layer)


def _expanding(layer):
    expansion = under("expand", dense(layer.expansion))
    return {**expansion, **under("norm", norm(layer.norm))}


_LOGITS = "head_logits"
_PARTS = (  # as _CONVOLUTIONS, and what maps such a layer
    *((f"{own}_conv", f"{its}.conv", n, convolution) for own, its, n in _CONVOLUTIONS),
    *((f"{own}_norm", f"{its}.bn", n, batch_norm) for own, its, n in _CONVOLUTIONS),
    (r"head_detail_logits", "decode_head.detail_seg", 0, convolution),
    (r"head_auxiliary_logits", "auxiliary_head.conv_seg", 0, convolution),
    (r"head_projection_C(\d+)", "decode_head.linear_c{}.proj", 1, dense),
    (r"head_stage_(\d+)_skip", "decoder.{}.concat_back_dim", 1, dense),
    (r"head_stage_(\d+)_expanding", "decoder.{}.upsample", 1, _expanding),
    (r"head_expanding", "up", 0, _expanding),
    (r"head_norm", "norm_up", 0, norm),
    (_OF_DETECTOR, "detector.{}", 0, _detector_part),
)
