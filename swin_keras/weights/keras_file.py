"""Reads what Keras wrote for a model of this package, under published names.

A `.keras` file is a zip with the layers' configurations and an HDF5 file of their
variables; a `.weights.h5` file is the latter alone. Keras numbers layers by their
class, so that the eighth block of one model is another's ninth; the name of each
layer stands in the file, too, and decides here. No code of the file is run.
"""

import json
import math
import re
import zipfile
from functools import partial
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.layers import (
    EdgeDistances,
    PatchEmbedding,
    PatchExpanding,
    PatchMerging,
    PatchMergingV2,
    PositionEmbedding,
    SwinTransformerBlock,
    SwinTransformerV2Block,
)
from swin_keras.models.config import SwinConfig
from swin_keras.models.layer_names import (
    PATCH_EMBEDDING,
    POSITION_EMBEDDING,
    PREPROCESSING,
    pooling_number,
    stage_part,
)
from swin_keras.weights.head_mapping import is_of_head
from swin_keras.weights.layer_sizes import layers_config
from swin_keras.weights.other_layers import other_layers, top_activation
from swin_keras.weights.tensor_file import StoredTensor, damaged_file
from swin_keras.weights.tensor_mapping import layer_mapping

_WEIGHTS = "model.weights.h5"
_MAX_JSON = 2**25  # bytes; a model of 1,000 layers has 1 MB
_CLASSES = {
    "edge_distances": EdgeDistances,
    "patch_embedding": PatchEmbedding,
    "position_embedding": PositionEmbedding,
    "padded_swin_transformer_block": SwinTransformerBlock,
    "swin_transformer_block": SwinTransformerBlock,
    "swin_transformer_v2_block": SwinTransformerV2Block,
    "patch_expanding": PatchExpanding,
    "patch_merging": PatchMerging,
    "patch_merging_v2": PatchMergingV2,
}
# Of this package are also these layers of Keras, by their names.
_NAMED = re.compile(r"norm|head|stage_\d+_norm")
_IS_NORM = re.compile(r"_norm(_\d+)?$")
_NORM, _DENSE = ("gamma", "beta"), ("kernel", "bias")
_BATCH_NORM = (*_NORM, "moving_mean", "moving_variance")
_VARIABLES = {  # of each layer, in the order in which Keras writes them
    **dict.fromkeys(("norm", "norm1", "norm2"), _NORM),
    **dict.fromkeys(("embedding", "reduction", "qkv", "projection", "head"), _DENSE),
    **dict.fromkeys(("mlp_expand", "mlp_reduce"), _DENSE),
    "expansion": _DENSE,
    "position_bias": ("relative_position_bias_table",),
    "position_embedding": ("embedding",),
    "attention": ("q_bias", "v_bias", "logit_scale"),
}


class StoredLayer:
    """A layer as far as a file tells: its name, its class, its variables.

    Args:
        name: Its name; children go by the attribute that holds them.
        stands_for: The class of ours, or `None`.
    """

    bias = q_bias = None  # as in Keras, where a layer has none

    def __init__(self, name: str, stands_for: type | None = None):
        self.name = name
        self.stands_for = stands_for

    @property
    def use_norm(self) -> bool:
        return hasattr(self, "norm")


def list_keras(path: Path, patches=None) -> dict[str, StoredTensor]:
    """List the tensors of a file that Keras wrote, under their published names.

    Layers that are not of this package go by `/name/number`. A position embedding
    keeps its grid, `(1, H, W, C)`.

    Args:
        path: A `.keras` or `.weights.h5` file.
        patches: `(side, channels)` of the model's patches, overlap included. Of a
            `.weights.h5` file, it tells how a flat kernel is to be understood.

    Raises:
        WeightsError: If the file is no such file, or holds what it may not.
    """
    config = keras_config(path)
    if config:
        side = config.patch_size + 2 * config.patch_overlap
        patches = side, config.input_shape[2]
    layers, tensors = _stored_layers(_open_weights(path))
    for layer in layers:
        if layer.stands_for is PatchEmbedding:
            layer.kernel_size = _kernel_side(layer.embedding.kernel.shape[0], patches)
        for name, mapped in layer_mapping(layer).items():
            tensors[name] = StoredTensor(
                mapped.shape, mapped.variable.dtype, mapped.read
            )
        if layer.stands_for is PositionEmbedding:
            tensors["absolute_pos_embed"] = layer.embedding
    return tensors


def keras_config(path: Path) -> SwinConfig | None:
    """Return the configuration of the model in a `.keras` file, from its layers.

    `None` for a `.weights.h5` file, and for models of others.
    """
    layers = _layer_configs(path)
    if PATCH_EMBEDDING not in layers:
        return None
    with damaged_file(path):
        shape = layers[PATCH_EMBEDDING]["input_shape"][1:]
        return layers_config(layers, shape)


def keras_statement(path: Path) -> dict:
    """Return what a `.keras` file says of its model, as `config.json` would.

    `swin_keras` holds the fields of its `SwinConfig`, `mean` and `variance` those
    of the normalization in it, `activation` that of its top, `pool_scales` the cells
    of pyramid pooling, and `others` the layers that a model of this package has not.
    """
    config = keras_config(path)
    if config is None:
        return {}
    layers = _layer_configs(path)
    scaling = layers.get(PREPROCESSING, {})
    return {
        "swin_keras": vars(config),
        "mean": scaling.get("mean"),
        "variance": scaling.get("variance"),
        "activation": top_activation(layers),
        "pool_scales": [
            layers[name]["size"]
            for name in sorted(filter(pooling_number, layers), key=pooling_number)
        ],
        "others": other_layers(layers),
    }


def _layer_configs(path) -> dict[str, dict]:
    """Return each layer's configuration, its class, and the shape it was built for."""
    if not zipfile.is_zipfile(path):
        return {}
    with damaged_file(path), zipfile.ZipFile(path) as archive:
        if "config.json" not in archive.namelist():
            return {}
        if archive.getinfo("config.json").file_size > _MAX_JSON:
            raise WeightsError("its config.json is too large for a model")
        model = json.loads(archive.read("config.json"))
        return {
            layer["config"]["name"]: layer["config"]
            | layer.get("build_config", {})
            | {"class_name": layer["class_name"], "package": _package(layer)}
            for layer in model["config"].get("layers", [])
            if "name" in layer["config"]
        }


def _package(layer) -> str:
    """Return the package of a layer's class; none for what a script defines."""
    return str(layer.get("module") or "").partition(".")[0]


def _open_weights(path) -> h5py.File:
    """Open the HDF5 file, in place: nothing is unpacked."""
    if not zipfile.is_zipfile(path):
        return h5py.File(path, "r")
    archive = zipfile.ZipFile(path)
    if _WEIGHTS not in archive.namelist():
        raise WeightsError(
            "it is a zip archive, and no .keras file: it has no weights in it"
        )
    if archive.getinfo(_WEIGHTS).compress_type != zipfile.ZIP_STORED:
        raise WeightsError(
            "its weights are compressed, as Keras does not write them. Unpack the "
            "archive, and give its model.weights.h5"
        )
    with archive.open(_WEIGHTS) as file:
        while file.read(2**20):
            pass  # the end compares the checksum
    return h5py.File(archive.open(_WEIGHTS), "r")


def _stored_layers(file) -> tuple[list[StoredLayer], dict[str, StoredTensor]]:
    """Return the layers of this package, and the variables of all others."""
    keys = {}  # Keras' key of each layer: its name
    variables = {}
    inner = None  # the layer that is a model of this package, within another

    def visit(path, item):  # of links, only those within the file come here
        parts = path.split("/")
        if parts[0] == "layers" and parts[2:] == ["vars"]:
            keys[parts[1]] = str(item.attrs.get("name", parts[1]))
        if parts[2:3] == ["layers"] and parts[-2:] == [PATCH_EMBEDDING, "vars"]:
            nonlocal inner
            inner = parts[1:-3:2]
        if isinstance(item, h5py.Dataset) and parts[-1].isdigit():
            variables[path] = _stored(item)

    file.visititems(visit)
    if len(set(keys.values())) < len(keys):
        raise WeightsError("two of its layers have the same name")
    if inner and "patch_embedding" not in keys:
        raise WeightsError(_nested_in_words(file, inner))
    layers, others = {}, {}
    for path, variable in variables.items():
        top, key, *parts = path.split("/")
        class_name = re.sub(r"_\d+$", "", key)
        kind = _CLASSES.get(class_name)
        name = keys.get(key)
        if top == "layers" and kind is None and _needs_own_class(name or ""):
            raise WeightsError(
                f"its layer {name!r} is a {class_name!r}, which is no class of this "
                "package: what it computes is not known here. Let "
                "`keras.models.load_model` load the model as it is"
            )
        is_ours = kind or _NAMED.fullmatch(name or "") or is_of_head(name or "")
        if top != "layers" or not is_ours:
            others[f"/{path}"] = variable
            continue
        layer = layers.setdefault(key, StoredLayer(name, kind))
        for part in parts[:-2]:
            layer = vars(layer).setdefault(part, StoredLayer(part))
        vars(layer).setdefault("numbered", {})[int(parts[-1])] = variable
    for layer in layers.values():
        _name_variables(layer)
    return list(layers.values()), others


def _needs_own_class(name) -> bool:
    """Whether a layer of this name is always of a class of this package."""
    part = stage_part(name.removeprefix("head_"))
    is_first = name in (PATCH_EMBEDDING, POSITION_EMBEDDING)
    return is_first or (part is not None and part.kind != "norm")


def _nested_in_words(file, keys) -> str:
    """Say how to get at a model within others, whose keys lead to it."""
    path, steps = "", ""
    for key in keys:
        path += f"/layers/{key}"
        name = str(file[f"{path}/vars"].attrs.get("name", key))
        steps += f".get_layer({name!r})"
    return (
        f"its Swin Transformer lies inside another model, as the layer {name!r}. Save "
        f"that alone: keras.models.load_model(FILE){steps}.save('swin.keras')"
    )


def _name_variables(layer):
    numbered = vars(layer).pop("numbered", {})
    known = _VARIABLES.get(layer.name, ())
    if layer.stands_for is EdgeDistances:
        known = ("scale",)
    elif layer.name.startswith(("stage_", "head_")) and not layer.stands_for:
        known = _BATCH_NORM if _IS_NORM.search(layer.name) else _DENSE
    if len(numbered) > len(known) or sorted(numbered) != list(range(len(numbered))):
        raise WeightsError(
            f"its layer {layer.name!r} has {len(numbered)} variables, and may have "
            f"{len(known)}. A quantized model gives no weights"
        )
    if layer.name == "attention":  # those before the last are left out
        known = known[len(known) - len(numbered) :]
    for number, name in zip(sorted(numbered), known, strict=False):
        setattr(layer, name, numbered[number])
    for child in list(vars(layer).values()):
        if isinstance(child, StoredLayer):
            _name_variables(child)


def _stored(dataset) -> StoredTensor:
    """Describe a dataset; it must lie in the file, and be as long as it says."""
    is_elsewhere = dataset.is_virtual or dataset.external
    if is_elsewhere or dataset.id.get_storage_size() < dataset.nbytes:
        raise WeightsError(f"{dataset.name} does not lie in the file")
    dtype = str(dataset.attrs.get("dtype", dataset.dtype.name))
    return StoredTensor(dataset.shape, dtype, partial(_read, dataset, dtype))


def _read(dataset, dtype) -> np.ndarray:
    array = dataset[()]
    return array.view(ml_dtypes.bfloat16) if dtype == "bfloat16" else array


def _kernel_side(values, patches) -> int:
    """Infer the side of a patch from its number of values, if only one is likely."""
    if patches and patches[0] ** 2 * patches[1] == values:
        return patches[0]
    likely = {
        side: channels
        for channels in range(1, 5)
        if (side := math.isqrt(values // channels)) > 1 and side**2 * channels == values
    }
    if len(likely) == 1:
        return next(iter(likely))
    raise WeightsError(
        f"its patches have {values} values, which do not determine their side and "
        "channels. Give the .keras file, which does"
    )
