"""Writes a model as a folder that PyTorch projects load, with equal logits."""

import hashlib
import json
import logging
import math
import shutil
import tempfile
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from swin_keras import __version__
from swin_keras.errors import ResourceError, UsageError
from swin_keras.files import expanded
from swin_keras.imagenet import imagenet_scaling
from swin_keras.models import SwinV2Config, is_segmenter
from swin_keras.models.layer_names import HEAD, PREPROCESSING
from swin_keras.names import as_names
from swin_keras.weights.differences import dense_windows, scaling
from swin_keras.weights.formats import HUGGINGFACE, TIMM, Format
from swin_keras.weights.matching import some
from swin_keras.weights.other_layers import (
    model_layers,
    other_layers,
    top_activation,
)
from swin_keras.weights.processor import huggingface_processor
from swin_keras.weights.project_config import Use, huggingface_config, timm_config
from swin_keras.weights.sizes import model_config, published_name
from swin_keras.weights.targets import check_huggingface, check_timm
from swin_keras.weights.tensor_mapping import tensor_mapping
from swin_keras.weights.upernet_config import (
    check_upernet,
    upernet_config,
    upernet_processor,
)

_log = logging.getLogger("swin_keras.weights")


def save_huggingface(model, folder, class_names=None, crop_fraction=1.0) -> Path:
    """Write a classifier, or a segmenter with UPerNet's head, for `transformers`.

    `AutoModelForImageClassification.from_pretrained(folder)` loads it, and
    `UperNetForSemanticSegmentation` a segmenter; they take normalized images and give
    logits. `pipeline("image-classification", folder)` takes pictures and gives names.

    Args:
        model: A classifier or segmenter of this package.
        folder: A new or empty folder.
        class_names: Names of the classes, in order.
        crop_fraction: Centre crop before resizing, as a share of the image.

    Returns:
        The folder.

    Raises:
        UsageError: If `transformers` cannot express the model, or the folder is not
            empty.
    """
    _require_all_ours(model)
    config = model_config(model)
    check_huggingface(config)
    if is_segmenter(model):
        check_upernet(model, config)
        for sentence in dense_windows(config):
            _log.warning("transformers' logits will differ. %s", sentence)
    use = _use(model, config, class_names, crop_fraction)
    classes = _num_classes(model)
    if is_segmenter(model):
        tensors = _with_counters(published_arrays(model, HUGGINGFACE, "backbone."))
        settings = upernet_config(model, config, classes, use)
        processor = upernet_processor(config, use)
    else:
        prefix = _huggingface_prefix(config)
        tensors = published_arrays(model, HUGGINGFACE, prefix)
        settings = huggingface_config(config, classes, use)
        processor = huggingface_processor(config, use)
    files = {"config.json": settings, "preprocessor_config.json": processor}
    return _write(folder, tensors, files)


def save_timm(model, folder, class_names=None, crop_fraction=1.0) -> Path:
    """Write a classifier for timm.

    `timm.create_model("local-dir:FOLDER", pretrained=True)` loads it; it takes
    normalized images and gives logits. `timm.data.resolve_data_config` finds what
    pictures go through.

    Args:
        model: A classifier of this package.
        folder: A new or empty folder.
        class_names: Names of the classes, in order.
        crop_fraction: Centre crop before resizing, as a share of the image.

    Returns:
        The folder.

    Raises:
        UsageError: If timm cannot express the model, or the folder is not empty.
    """
    _require_all_ours(model)
    config = model_config(model)
    check_timm(config)
    if is_segmenter(model):
        raise UsageError(f"timm has no segmenters. Received: {model.name!r}.")
    name = published_name(type(config), vars(config))
    use = _use(model, config, class_names, crop_fraction)
    settings = timm_config(config, _num_classes(model), use, name)
    tensors = published_arrays(model, TIMM)
    return _write(folder, tensors, {"config.json": settings})


def published_arrays(model, layout: Format, prefix="") -> dict[str, np.ndarray]:
    """Return a model's weights as a format has them.

    Parts without a tensor of ours, such as the key bias of torchvision's V2, are 0.
    """
    arrays = {}
    for name, mapped in tensor_mapping(model).items():
        slot = layout.locate(name)
        value = mapped.read().astype("float32")
        shape = (len(value) * slot.parts, *value.shape[1:])
        whole = arrays.setdefault(slot.name, np.zeros(shape, "float32"))
        whole[slot.part * len(value) : (slot.part + 1) * len(value)] = value
    return {
        name if name.startswith(layout.outside) else prefix + name: (
            np.ascontiguousarray(x)
        )
        for name, x in arrays.items()
    }


def _require_all_ours(model):
    """Refuse a model with layers that the other projects have no place for.

    Raises:
        WeightsError: If the model has no Swin Transformer in it.
        UsageError: That names their weights, or themselves if they have none.
    """
    mapped = {id(one.variable) for one in tensor_mapping(model).values()}
    weights = [
        weight.path
        for layer in model.layers
        for weight in layer.weights
        if layer.name != PREPROCESSING and id(weight) not in mapped
    ]
    told = {path.partition("/")[0] for path in weights}
    layers = other_layers(model_layers(model)).items()
    without = [f"{name} ({kind})" for name, kind in layers if name not in told]
    if others := weights + without:
        raise UsageError(
            "A folder for other projects holds the layers that they have. Received: "
            f"{model.name!r}, which has others, too: {some(others)}."
        )


def _with_counters(arrays):
    """Add what torch counts in each batch normalization, as if never trained."""
    counters = {
        name.replace("running_mean", "num_batches_tracked"): np.zeros((), "int64")
        for name in arrays
        if name.endswith(".running_mean")
    }
    return arrays | counters


def _huggingface_prefix(config):
    return "swinv2." if isinstance(config, SwinV2Config) else "swin."


def _num_classes(model) -> int:
    if is_segmenter(model):
        return model.get_layer("head_logits").filters
    names = [layer.name for layer in model.layers]
    if HEAD not in names:
        raise UsageError(
            "A folder for other projects holds a classifier. Received: "
            f"{model.name!r}, which has no head; build it with `include_top=True`."
        )
    return model.get_layer(HEAD).units


def _use(model, config, class_names, crop_fraction) -> Use:
    """Gather what others must know to use a model as it is used here.

    Raises:
        UsageError: If the names are not as many as the classes, or there is no
            such share of an image.
    """
    names, classes = as_names(class_names), _num_classes(model)
    if names and len(names) != classes:
        raise UsageError(
            f"`class_names` must name each of the model's {classes} classes. "
            f"Received: {len(names)} names."
        )
    if not 0 < crop_fraction <= 1:
        raise UsageError(
            f"`crop_fraction` must be in (0, 1]. Received: {crop_fraction}."
        )
    mean, std = imagenet_scaling(config.input_shape[2])
    if own := scaling(model):
        mean, std = own[0], map(math.sqrt, own[1])
    activation = top_activation(model_layers(model)) or "softmax"
    if activation not in ("softmax", "sigmoid"):
        _log.warning(
            "Folders for other projects tell of softmax and sigmoid only: the logits "
            "of this model come back, and not its activation, %r.",
            activation,
        )
    return Use(
        class_names=names,
        mean=tuple(round(value / 255, 6) for value in mean),
        std=tuple(round(value / 255, 6) for value in std),
        crop=crop_fraction,
        activation=activation,
    )


def _write(folder, tensors, files) -> Path:
    """Write into a new folder: whole, or not at all."""
    folder = expanded(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            f"{folder} is not an empty folder. Choose another: no file is overwritten."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        save_file(tensors, draft / "model.safetensors", metadata={"format": "pt"})
        for name, content in files.items():
            (draft / name).write_text(json.dumps(content, indent=2) + "\n")
        card = {"made_with": f"swin-keras {__version__}", "files": _hashes(draft)}
        (draft / "card.json").write_text(json.dumps(card, indent=2) + "\n")
        draft.chmod(0o755)
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except BaseException as error:
        shutil.rmtree(draft, ignore_errors=True)
        if isinstance(error, OSError | SafetensorError):  # a full disk is either
            raise ResourceError(f"{folder} cannot be written: {error}.") from error
        raise
    return folder


def _hashes(folder):
    return {
        path.name: {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.iterdir())
    }
