"""`config.json` of Hugging Face and timm: what it states is read, and written."""

import re
from dataclasses import dataclass

import numpy as np

from swin_keras.errors import WeightsError
from swin_keras.layers.map_size import as_pair
from swin_keras.models import SwinConfig, SwinV2Config
from swin_keras.weights.source import IMAGENET

_POSITIONS = "position_embedding"


@dataclass(frozen=True)
class Use:
    """How a classifier is used: what its images go through, what its answers mean.

    Args:
        class_names: Names of its classes, in order; may be empty.
        mean: Of each channel, for images of 0 to 1.
        std: Of each channel.
        crop: Side of the centre crop, as a share of the largest that has the
            model's aspect ratio.
        activation: Name of what its logits go through.
    """

    class_names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    crop: float = 1.0
    activation: str = "softmax"


def backbone_statement(config: dict) -> dict:
    """Return what `config.json` says of the backbone, where it is part of a model."""
    nested = config.get("backbone_config")
    return nested if isinstance(nested, dict) else config


def stated_sizes(config: dict) -> dict:
    """Return what a file of ours states, or `config.json` and no tensor tells."""
    config = backbone_statement(config)
    if "swin_keras" in config:
        return config["swin_keras"]
    if config.get("pretrained_cfg"):
        return _stated_by_timm(config)
    if not str(config.get("model_type", "")).startswith("swin"):
        return {}
    # What is left out is what `transformers` takes then.
    height, width = np.broadcast_to(config.get("image_size", 224), 2).tolist()
    stated = {
        "input_shape": (height, width, config.get("num_channels", 3)),
        "window_size": config.get("window_size", 7),
        "dropout_rate": config.get("hidden_dropout_prob", 0.0),
        "attention_dropout_rate": config.get("attention_probs_dropout_prob", 0.0),
        "drop_path_rate": config.get("drop_path_rate", 0.1),
    }
    if config["model_type"] == "swinv2":
        windows = tuple(config.get("pretrained_window_sizes", (0,)))
        stated["pretrained_window_size"] = windows if any(windows) else 0
    return stated


def stated_activation(config: dict) -> str:
    """Return what a file says that a classifier's logits go through.

    >>> stated_activation({"problem_type": "multi_label_classification"})
    'sigmoid'
    """
    if "activation" in config:  # a `.keras` file's
        return config["activation"]
    is_multi = config.get("problem_type") == "multi_label_classification"
    return "sigmoid" if is_multi else "softmax"


def stated_others(config: dict) -> list[str]:
    """Return the layers in a `.keras` file that are not of this package, with class.

    >>> stated_others({"others": {"temperature": "Rescaling"}})
    ['temperature (Rescaling)']
    """
    return [f"{name} ({kind})" for name, kind in config.get("others", {}).items()]


def stated_class_names(config: dict) -> tuple[str, ...]:
    """Return the names of the classes that are stated, in order; perhaps none.

    >>> stated_class_names({"id2label": {"1": "dog", "0": "cat"}})
    ('cat', 'dog')

    Raises:
        WeightsError: If they are neither a list nor numbered from 0 on.
    """
    names = config.get("label_names") or config.get("id2label") or []
    if isinstance(names, dict):
        numbers = [str(number) for number in range(len(names))]
        if set(map(str, names)) != set(numbers):
            raise WeightsError(
                "`id2label` of a config.json must number the classes from 0 on. "
                f"Received: {', '.join(map(str, names))!r:.200}."
            )
        names = {str(key): name for key, name in names.items()}
        names = [names[number] for number in numbers]
    if not isinstance(names, list | tuple):
        raise WeightsError(
            "The class names of a config.json must be a list, or `id2label`. "
            f"Received: {names!r:.200}."
        )
    names = tuple(str(name) for name in names)
    # What Hugging Face writes where nothing is known.
    return () if names == _placeholders(len(names)) else names


def _placeholders(classes):
    return tuple(f"LABEL_{number}" for number in range(classes))


def _stated_by_timm(config):
    channels, *size = config["pretrained_cfg"].get("input_size", (3, 224, 224))
    arguments = config.get("model_args") or {}
    height, width = np.broadcast_to(arguments.get("img_size", size), 2).tolist()
    stated = {"input_shape": (height, width, arguments.get("in_chans", channels))}
    name = re.search(r"window(?:12to)?(\d+)", config.get("architecture", ""))
    if "window_size" in arguments:
        stated["window_size"] = arguments["window_size"]
    elif name:
        stated["window_size"] = int(name[1])
    if "swinv2" in config.get("architecture", ""):
        windows = tuple(arguments.get("pretrained_window_sizes", (0,)))
        if "window12to" in config["architecture"] and not any(windows):
            windows = (12, 12, 12, 6)
        stated["pretrained_window_size"] = windows if any(windows) else 0
    return stated


def stated_shapes(config: dict) -> dict:
    """Return the sizes that `config.json` states and tensors tell as well.

    They are fields of `SwinConfig`, and `channels`.
    """
    stated = config = backbone_statement(config)
    names = {"num_channels": "channels", "use_absolute_embeddings": _POSITIONS}
    if config.get("pretrained_cfg"):
        stated, names = config.get("model_args") or {}, {"in_chans": "channels"}
    elif not str(config.get("model_type", "")).startswith("swin"):
        return {}
    names |= {name: name for name in ("embed_dim", "mlp_ratio", "qkv_bias")}
    names |= {name: name for name in ("depths", "num_heads", "patch_size")}
    shapes = {ours: stated[name] for name, ours in names.items() if name in stated}
    for name in ("depths", "num_heads"):
        if name in shapes:
            shapes[name] = tuple(shapes[name])
    if isinstance(shapes.get("patch_size"), list):
        shapes["patch_size"], *_ = shapes["patch_size"]
    return shapes


def huggingface_config(config: SwinConfig, classes: int, use: Use) -> dict:
    """Make the `config.json` of a classifier for `transformers`."""
    is_v2 = isinstance(config, SwinV2Config)
    height, width, channels = config.input_shape
    names = use.class_names or _placeholders(classes)
    settings = {
        "architectures": [f"Swin{'v2' * is_v2}ForImageClassification"],
        "model_type": "swinv2" if is_v2 else "swin",
        "image_size": height if height == width else [height, width],
        "num_channels": channels,
        "patch_size": config.patch_size,
        "embed_dim": config.embed_dim,
        "hidden_size": config.stage_channels[-1],
        "depths": list(config.depths),
        "num_heads": list(config.num_heads),
        "window_size": as_pair(config.window_size)[0],
        "mlp_ratio": config.mlp_ratio,
        "qkv_bias": config.qkv_bias,
        "use_absolute_embeddings": config.position_embedding,
        "hidden_dropout_prob": config.dropout_rate,
        "attention_probs_dropout_prob": config.attention_dropout_rate,
        "drop_path_rate": config.drop_path_rate,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-5,
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
        "dtype": "float32",
    }
    if classes > 1:  # of one class it is told by their number
        kind = "multi" if use.activation == "sigmoid" else "single"
        settings["problem_type"] = f"{kind}_label_classification"
    if is_v2:
        settings["pretrained_window_sizes"] = list(config.pretrained_windows)
    return settings


def timm_config(config: SwinConfig, classes: int, use: Use, name=None) -> dict:
    """Make the `config.json` of a classifier for timm; `name` is the variant's."""
    is_v2 = isinstance(config, SwinV2Config)
    height, width, channels = config.input_shape
    architecture = IMAGENET.get(name, IMAGENET["swinv2_tiny" if is_v2 else "swin_tiny"])
    arguments = {
        "img_size": [height, width],
        "patch_size": config.patch_size,
        "in_chans": channels,
        "embed_dim": config.embed_dim,
        "depths": list(config.depths),
        "num_heads": list(config.num_heads),
        "window_size": config.window_size,
        "mlp_ratio": config.mlp_ratio,
        "qkv_bias": config.qkv_bias,
    }
    if is_v2:
        arguments["pretrained_window_sizes"] = list(config.pretrained_windows)
    settings = {
        "architecture": architecture.removeprefix("timm/").split(".")[0],
        "num_classes": classes,
        "num_features": config.stage_channels[-1],
        "model_args": arguments,
        "pretrained_cfg": {
            "input_size": [channels, height, width],
            "fixed_input_size": True,
            "mean": list(use.mean),
            "std": list(use.std),
            "interpolation": "bicubic",
            "crop_pct": use.crop,
            "crop_mode": "center",
            "pool_size": list(config.stage_sizes[-1]),
            "first_conv": "patch_embed.proj",
            "classifier": "head.fc",
        },
    }
    if use.activation == "sigmoid" and classes > 1:
        # timm gives logits and reads no such word; whoever loads the folder may.
        settings["problem_type"] = "multi_label_classification"
    if use.class_names:
        settings["label_names"] = list(use.class_names)
    return settings
