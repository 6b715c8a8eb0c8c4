"""Where each published tensor lives in our layers.

Names are those of the official code, with query, key and value apart. Numbers are
the same up to order: dense kernels are transposed, a patch's kernel is flat, and
merging takes its four tokens row by row instead of column by column.
"""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.layers import (
    PatchEmbedding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    SwinTransformerBlock,
)
from swin_keras.models.layer_names import HEAD, NORM, stage_part
from swin_keras.weights.tensor_file import StoredTensor


@dataclass(frozen=True)
class Place:
    """A published tensor as the whole or a part of a Keras variable.

    Args:
        variable: The variable, of a model or as it lies in a file.
        shape: Shape of the tensor as published.
        to_keras: From the published array to the variable's order.
        to_published: Back.
        part: Which part of the variable, along its last axis.
        parts: How many equal parts it has.
    """

    variable: keras.Variable | StoredTensor
    shape: tuple[int, ...]
    to_keras: Callable = np.asarray
    to_published: Callable = np.asarray
    part: int = 0
    parts: int = 1

    @property
    def index(self):
        """Where in the variable's array the part is."""
        width = self.variable.shape[-1] // self.parts if self.variable.shape else 0
        return (..., slice(self.part * width, (self.part + 1) * width))

    def read(self) -> np.ndarray:
        """Return the tensor in its published form."""
        if isinstance(self.variable, StoredTensor):
            value = self.variable.read()
        else:
            value = keras.ops.convert_to_numpy(self.variable)
        return self.to_published(value[self.index])


def published_places(model) -> dict[str, Place]:
    """List the published tensors of a model that this package built.

    Args:
        model: A classifier or backbone, of Swin or Swin V2.

    Returns:
        Name to place, in the order of the layers.

    Raises:
        WeightsError: If the model has no Swin Transformer in it.
    """
    places = {}
    for layer in model.layers:
        places |= layer_places(layer)
    if "patch_embed.proj.weight" not in places:
        raise WeightsError(
            "Published weights go into a model of this package, such as SwinTiny() or "
            f"SwinBackbone(). Received: {model.name!r}, which has no patch embedding."
        )
    return places


def layer_places(layer) -> dict[str, Place]:
    """List the published tensors of one layer, or of what a file tells of it."""
    return {
        f"{prefix}.{name}".strip("."): place
        for prefix, places in _of_layer(layer)
        for name, place in places.items()
    }


def _of_layer(layer):
    """Yield `(prefix, places)` of a layer; nothing for one without weights."""
    part = stage_part(layer.name)
    if _is(layer, PatchEmbedding):
        yield "patch_embed.proj", _patches(layer)
        if layer.use_norm:
            yield "patch_embed.norm", _norm(layer.norm)
    elif _is(layer, PositionEmbedding):
        yield "absolute_pos_embed", _positions(layer)
    elif part and _is(layer, SwinTransformerBlock):
        yield f"layers.{part.stage - 1}.blocks.{part.block - 1}", _block(layer)
    elif part and _is(layer, PatchMerging):
        yield f"layers.{part.stage - 1}.downsample", _merging(layer)
    elif layer.name == NORM:
        yield "norm", _norm(layer)
    elif layer.name == HEAD:
        yield "head", _dense(layer)


def _is(layer, kind: type) -> bool:
    """Whether a layer is, or in a file stands for, one of a class."""
    return issubclass(getattr(layer, "stands_for", None) or type(layer), kind)


def _plain(variable, **part) -> Place:
    shape = (*variable.shape[:-1], variable.shape[-1] // part.get("parts", 1))
    return Place(variable, shape, **part)


def _transposed(variable, **part) -> Place:
    rows, columns = variable.shape
    shape = (columns // part.get("parts", 1), rows)
    return Place(variable, shape, np.transpose, np.transpose, **part)


def _norm(layer):
    return {"weight": _plain(layer.gamma), "bias": _plain(layer.beta)}


def _dense(layer):
    places = {"weight": _transposed(layer.kernel)}
    if layer.bias is not None:
        places["bias"] = _plain(layer.bias)
    return places


def _under(prefix, places):
    return {f"{prefix}.{name}": place for name, place in places.items()}


def _patches(layer):
    side = layer.kernel_size
    values, width = layer.embedding.kernel.shape
    channels = values // side**2

    def to_keras(kernel):
        return np.transpose(kernel, (2, 3, 1, 0)).reshape(values, width)

    def to_published(kernel):
        return kernel.reshape(side, side, channels, width).transpose(3, 2, 0, 1)

    shape = (width, channels, side, side)
    kernel = Place(layer.embedding.kernel, shape, to_keras, to_published)
    return {"weight": kernel, "bias": _plain(layer.embedding.bias)}


def _positions(layer):
    shape = tuple(layer.embedding.shape)
    _, height, width, channels = shape
    flat = (1, height * width, channels)
    return {
        "": Place(
            layer.embedding, flat, lambda x: x.reshape(shape), lambda x: x.reshape(flat)
        )
    }


def _block(layer):
    return {
        **_under("norm1", _norm(layer.norm1)),
        **_under("attn", _attention(layer.attention)),
        **_under("norm2", _norm(layer.norm2)),
        **_under("mlp.fc1", _dense(layer.mlp_expand)),
        **_under("mlp.fc2", _dense(layer.mlp_reduce)),
    }


def _attention(layer):
    places = {}
    for part, letter in enumerate("qkv"):
        places[f"{letter}.weight"] = _transposed(layer.qkv.kernel, part=part, parts=3)
        if layer.qkv.bias is not None:
            places[f"{letter}.bias"] = _plain(layer.qkv.bias, part=part, parts=3)
    if hasattr(layer, "logit_scale"):
        if getattr(layer, "q_bias", None) is not None:
            places["q_bias"] = _plain(layer.q_bias)
            places["v_bias"] = _plain(layer.v_bias)
        places["logit_scale"] = _plain(layer.logit_scale)
        places |= _under("cpb_mlp.0", _dense(layer.position_bias.mlp_expand))
        places |= _under("cpb_mlp.2", _dense(layer.position_bias.mlp_reduce))
    else:
        table = layer.position_bias.relative_position_bias_table
        places["relative_position_bias_table"] = _plain(table)
    return {**places, **_under("proj", _dense(layer.projection))}


def _merging(layer):
    shape = tuple(reversed(layer.reduction.kernel.shape))

    def to_keras(kernel):
        return _swap_tokens(kernel.T)

    def to_published(kernel):
        return _swap_tokens(kernel).T

    kernel = Place(layer.reduction.kernel, shape, to_keras, to_published)
    places = {"reduction.weight": kernel}
    for name, variable in (("weight", layer.norm.gamma), ("bias", layer.norm.beta)):
        places[f"norm.{name}"] = (
            _plain(variable)
            if _is(layer, PatchMergingV2)  # its norm comes after the tokens
            else Place(variable, tuple(variable.shape), _swap_tokens, _swap_tokens)
        )
    return places


def _swap_tokens(x):
    """Exchange the second and third of four blocks of rows: its own inverse."""
    top_left, second, third, bottom_right = np.split(x, 4)
    return np.concatenate([top_left, third, second, bottom_right])
