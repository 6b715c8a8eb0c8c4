"""What a model consists of: shapes, parameters and multiply-adds, stage by stage."""

import math
from dataclasses import dataclass

import keras

from swin_keras.layers import (
    MapMixing,
    PatchEmbedding,
    PatchExpanding,
    PatchMerging,
    SubPixelConvolution,
    SwinTransformerBlock,
)
from swin_keras.layers.map_size import as_pair
from swin_keras.layers.windows import fit_window
from swin_keras.models.layer_names import stage_part
from swin_keras.screen import counted

# Names of weights that never learn: moving averages, and what layers were adapted to.
STATISTICS = {"moving_mean", "moving_variance", "mean", "variance", "count"}


@dataclass(frozen=True)
class Part:
    """One part of a model.

    Args:
        name: "patch_embedding", "stage_1", "stage_1_merging", ..., "head", and of
            some segmenters "head_auxiliary".
        detail: What it consists of, in words.
        output_shape: Shape of its output without the batch.
        parameters: Number of values that are learned, whether or not they are frozen.
        macs: Multiply-adds of its matrix products, for one image.
    """

    name: str
    detail: str
    output_shape: tuple[int, ...]
    parameters: int
    macs: int


def summarize(model) -> list[Part]:
    """List the parts of a Swin model in the order of the data.

    >>> from swin_keras import SwinTiny
    >>> parts = summarize(SwinTiny())
    >>> parts[1].name, parts[1].output_shape, parts[2].name, parts[2].output_shape
    ('stage_1', (56, 56, 96), 'stage_1_merging', (28, 28, 192))
    >>> round(sum(part.macs for part in parts) / 1e9, 2)
    4.49
    """
    groups, calls = {}, _calls(model)
    for layer in model.layers:
        if layer.count_params():
            groups.setdefault(_part_of(layer.name), []).append(layer)
    return [_part(name, layers, calls) for name, layers in groups.items()]


def _calls(model) -> dict[str, float]:
    """Return what all calls of a layer cost, in its first, where there are several.

    Convolutions of a detector are shared by all levels of its pyramid; each call costs
    as much as its map has places.
    """
    if not getattr(model, "operations", None):  # only a functional model has them
        return {}
    calls = {}
    for layer in model.get_config().get("layers", ()):  # a subclass tells none
        tensors = [call["args"][0] for call in layer["inbound_nodes"] if call["args"]]
        if len(tensors) > 1 and all(isinstance(one, dict) for one in tensors):
            shapes = [one["config"]["shape"] for one in tensors]
            places = [math.prod(shape[1:-1]) for shape in shapes]
            calls[layer["config"]["name"]] = sum(places) / places[0]
    return calls


def _part_of(layer_name):
    """Return the part that a layer belongs to: a stage, or all of a head."""
    for part in ("head_auxiliary", "head"):
        if layer_name.startswith(f"{part}_"):
            return part
    part = stage_part(layer_name)
    is_block = part and part.kind == "block"
    return f"stage_{part.stage}" if is_block else layer_name


def _part(name, layers, calls):
    weights = [weight for layer in layers for weight in layer.weights]
    learned = [weight for weight in weights if weight.name not in STATISTICS]
    return Part(
        name=name,
        detail=_detail(layers) if name.startswith("stage_") else "",
        output_shape=tuple(_first_output(layers[-1]).shape[1:]),
        parameters=sum(math.prod(weight.shape) for weight in learned),
        macs=round(sum(layer_macs(x) * calls.get(x.name, 1) for x in layers)),
    )


def _detail(layers):
    blocks = [layer for layer in layers if isinstance(layer, SwinTransformerBlock)]
    if not blocks:
        return ""
    first = blocks[0]
    (height, width), _ = _fitted(first)
    shifted = sum(any(_shift(block)) for block in blocks)
    return (
        f"{counted(len(blocks), 'block')} ({shifted} shifted), "
        f"{counted(first.num_heads, 'head')}, "
        f"window {height} x {width}"
    )


def _first_output(layer):
    return keras.tree.flatten(layer.output)[0]


def _shift(block):
    return _fitted(block)[1]


def layer_macs(layer) -> int:
    """Count the multiply-adds of a layer's first call, for one image.

    Those of its matrix products.
    """
    if isinstance(layer, SwinTransformerBlock):
        return _block_macs(layer)
    if isinstance(layer, MapMixing):
        return layer.units * sum(math.prod(x.shape[1:]) for x in layer.input)
    dense = layer
    if isinstance(layer, PatchEmbedding):
        dense = layer.embedding
    elif isinstance(layer, PatchMerging):
        dense = layer.reduction
    elif isinstance(layer, PatchExpanding | SubPixelConvolution):
        dense = getattr(layer, "expansion", layer)
        return math.prod(layer.input.shape[1:-1]) * math.prod(dense.kernel.shape)
    if not hasattr(dense, "kernel"):
        return 0
    return math.prod(_first_output(layer).shape[1:-1]) * math.prod(dense.kernel.shape)


def _block_macs(block):
    _, height, width, channels = block.input.shape
    window, _ = _fitted(block)
    tokens_in_window = math.prod(window)
    padded = math.prod(
        -(-side // size) * size
        for side, size in zip((height, width), as_pair(window), strict=True)
    )
    attention = padded * (4 * channels**2 + 2 * tokens_in_window * channels)
    hidden = int(channels * block.mlp_ratio)
    return attention + height * width * 2 * channels * hidden


def _fitted(block):
    """Return the window and the shift that a block has on its map."""
    return fit_window(
        block.input.shape[1:3], block.window_size, block.shift_size, block.window_fit
    )
