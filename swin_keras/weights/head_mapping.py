"""Where each tensor of a head for segmentation or detection lives in our layers.

UPerNet's names are those of mmsegmentation, the all-MLP head's those of SegFormer.
The decoder of a U-Net goes by the stages that it mirrors, `decoder.0` for the first;
Swin-Unet counts its four from the other end, see `formats/official.py`. A detector's
are ours alone, `detector.one_logits`, since published ones have other layers.
"""

import re

import numpy as np

from swin_keras.layers import EdgeDistances, PatchExpanding
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


def head_mapping(layer):
    """Yield `(prefix, mapping)` of a head's layer; nothing for one without weights."""
    name = layer.name
    for pattern, published, first in _CONVOLUTIONS:
        if match := re.fullmatch(rf"{pattern}_(conv|norm)", name):
            prefix = published.format(*(int(n) - first for n in match.groups()[:-1]))
            is_norm = match.groups()[-1] == "norm"
            yield (
                (f"{prefix}.bn", batch_norm(layer))
                if is_norm
                else (f"{prefix}.conv", convolution(layer))
            )
    if name == "head_logits":
        # Swin-Unet's has no bias, and another name.
        prefix = "output" if layer.bias is None else "decode_head.conv_seg"
        is_finer = len(layer.kernel.shape) == 2
        yield prefix, _sub_pixel(layer) if is_finer else convolution(layer)
    elif name == "head_detail_logits":
        yield "decode_head.detail_seg", convolution(layer)
    elif name == "head_auxiliary_logits":
        yield "auxiliary_head.conv_seg", convolution(layer)
    elif match := _OF_DETECTOR.fullmatch(name):
        yield f"detector.{match[1]}", _detector_part(layer)
    elif match := re.fullmatch(r"head_projection_C(\d+)", name):
        yield f"decode_head.linear_c{int(match[1]) - 1}.proj", dense(layer)
    elif match := re.fullmatch(r"head_stage_(\d+)_skip", name):
        yield f"decoder.{int(match[1]) - 1}.concat_back_dim", dense(layer)
    elif match := re.fullmatch(r"head_stage_(\d+)_expanding", name):
        yield f"decoder.{int(match[1]) - 1}.upsample", _expanding(layer)
    elif is_a(layer, PatchExpanding):
        yield "up", _expanding(layer)
    elif name == "head_norm":
        yield "norm_up", norm(layer)


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
