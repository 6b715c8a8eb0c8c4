"""Where each published tensor lives in our layers.

Names are those of the official code, with query, key and value apart. Numbers are
the same up to order: dense kernels are transposed, a patch's kernel is flat, and
merging takes its four tokens row by row instead of column by column.
"""

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.layers import (
    PatchEmbedding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    SwinTransformerBlock,
)
from swin_keras.models.conventions import require_float_weights
from swin_keras.models.layer_names import HEAD, NORM, stage_part
from swin_keras.weights.head_mapping import head_mapping
from swin_keras.weights.mapped_tensor import (
    MappedTensor,
    dense,
    is_a,
    norm,
    plain,
    transposed,
    under,
)


def tensor_mapping(model) -> dict[str, MappedTensor]:
    """List the published tensors of a model that this package built.

    Args:
        model: A classifier or backbone, of Swin or Swin V2.

    Returns:
        Published name to tensor of ours, in the order of the layers.

    Raises:
        WeightsError: If the model has no Swin Transformer in it.
        UsageError: If its weights are quantized.
    """
    require_float_weights(model, "given weights, or saved for others,")
    mapping = {}
    for layer in model.layers:
        mapping |= layer_mapping(layer)
    if "patch_embed.proj.weight" not in mapping:
        raise WeightsError(
            "Published weights go into a model of this package, such as SwinTiny() or "
            f"SwinBackbone(). Received: {model.name!r}, which has no patch embedding."
        )
    return mapping


def layer_mapping(layer) -> dict[str, MappedTensor]:
    """List the published tensors of one layer, or of what a file tells of it."""
    return {
        f"{prefix}.{name}".strip("."): mapped
        for prefix, mapping in _of_layer(layer)
        for name, mapped in mapping.items()
    }


def _of_layer(layer):
    """Yield `(prefix, mapping)` of a layer; nothing for one without weights."""
    is_head = layer.name.startswith("head_")
    part = stage_part(layer.name.removeprefix("head_"))
    if is_a(layer, PatchEmbedding):
        yield "patch_embed.proj", _patches(layer)
        if layer.use_norm:
            yield "patch_embed.norm", norm(layer.norm)
    elif is_a(layer, PositionEmbedding):
        yield "absolute_pos_embed", _positions(layer)
    elif part and is_a(layer, SwinTransformerBlock):
        layers = "decoder" if is_head else "layers"
        yield f"{layers}.{part.stage - 1}.blocks.{part.block - 1}", _block(layer)
    elif part and is_a(layer, PatchMerging):
        yield f"layers.{part.stage - 1}.downsample", _merging(layer)
    elif is_head:
        yield from head_mapping(layer)
    elif part and part.kind == "norm":
        yield f"norm{part.stage - 1}", norm(layer)
    elif layer.name == NORM:
        yield "norm", norm(layer)
    elif layer.name == HEAD:
        yield "head", dense(layer)


def _patches(layer):
    side = layer.kernel_size
    values, width = layer.embedding.kernel.shape
    channels = values // side**2

    def to_keras(kernel):
        return np.transpose(kernel, (2, 3, 1, 0)).reshape(values, width)

    def to_published(kernel):
        return kernel.reshape(side, side, channels, width).transpose(3, 2, 0, 1)

    shape = (width, channels, side, side)
    kernel = MappedTensor(layer.embedding.kernel, shape, to_keras, to_published)
    return {"weight": kernel, "bias": plain(layer.embedding.bias)}


def _positions(layer):
    shape = tuple(layer.embedding.shape)
    _, height, width, channels = shape
    flat = (1, height * width, channels)
    return {
        "": MappedTensor(
            layer.embedding, flat, lambda x: x.reshape(shape), lambda x: x.reshape(flat)
        )
    }


def _block(layer):
    return {
        **under("norm1", norm(layer.norm1)),
        **under("attn", _attention(layer.attention)),
        **under("norm2", norm(layer.norm2)),
        **under("mlp.fc1", dense(layer.mlp_expand)),
        **under("mlp.fc2", dense(layer.mlp_reduce)),
    }


def _attention(layer):
    mapping = {}
    for part, letter in enumerate("qkv"):
        mapping[f"{letter}.weight"] = transposed(layer.qkv.kernel, part=part, parts=3)
        if layer.qkv.bias is not None:
            mapping[f"{letter}.bias"] = plain(layer.qkv.bias, part=part, parts=3)
    if hasattr(layer, "logit_scale"):
        if getattr(layer, "q_bias", None) is not None:
            mapping["q_bias"] = plain(layer.q_bias)
            mapping["v_bias"] = plain(layer.v_bias)
        mapping["logit_scale"] = plain(layer.logit_scale)
        mapping |= under("cpb_mlp.0", dense(layer.position_bias.mlp_expand))
        mapping |= under("cpb_mlp.2", dense(layer.position_bias.mlp_reduce))
    else:
        table = layer.position_bias.relative_position_bias_table
        mapping["relative_position_bias_table"] = plain(table)
    return {**mapping, **under("proj", dense(layer.projection))}


def _merging(layer):
    shape = tuple(reversed(layer.reduction.kernel.shape))

    def to_keras(kernel):
        return _swap_tokens(kernel.T)

    def to_published(kernel):
        return _swap_tokens(kernel).T

    kernel = MappedTensor(layer.reduction.kernel, shape, to_keras, to_published)
    mapping = {"reduction.weight": kernel}
    for name, variable in (("weight", layer.norm.gamma), ("bias", layer.norm.beta)):
        mapping[f"norm.{name}"] = (
            plain(variable)
            if is_a(layer, PatchMergingV2)  # its norm comes after the tokens
            else MappedTensor(
                variable, tuple(variable.shape), _swap_tokens, _swap_tokens
            )
        )
    return mapping


def _swap_tokens(x):
    """Exchange the second and third of four blocks of rows: its own inverse."""
    top_left, second, third, bottom_right = np.split(x, 4)
    return np.concatenate([top_left, third, second, bottom_right])
