"""Finds the file behind a path, a run, an `hf://` address or `"imagenet"`."""

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from swin_keras.errors import WeightsError, nearest_name
from swin_keras.files import expanded
from swin_keras.model_files import read_card
from swin_keras.weights.byte_runs import check_regular
from swin_keras.weights.hub import fetch
from swin_keras.weights.keras_file import keras_statement
from swin_keras.weights.tensor_file import KERAS_KINDS, damaged_file, file_kind

ACCEPTED = (
    "a file of weights, the folder of a run, an export or a checkpoint, "
    "'hf://ORG/NAME', 'imagenet', or None where a model is built"
)
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
HUB_FILES = ("model.safetensors", "pytorch_model.bin", *_INDEXES)
_WEIGHT_FILES = (*HUB_FILES, "best.keras", "model.keras")
_FOR_RUNNING = (".tflite", ".onnx", ".pb")
_LARGEST_JSON = 16 * 2**20  # bytes; 22k class names have 2 MB

# The checkpoint whose published ImageNet-1k accuracy belongs to the variant.
IMAGENET = {
    "swin_tiny": "timm/swin_tiny_patch4_window7_224.ms_in1k",
    "swin_small": "timm/swin_small_patch4_window7_224.ms_in1k",
    "swin_base": "timm/swin_base_patch4_window7_224.ms_in1k",
    "swin_base_384": "timm/swin_base_patch4_window12_384.ms_in1k",
    "swin_large": "timm/swin_large_patch4_window7_224.ms_in22k_ft_in1k",
    "swin_large_384": "timm/swin_large_patch4_window12_384.ms_in22k_ft_in1k",
    "swinv2_tiny": "timm/swinv2_tiny_window8_256.ms_in1k",
    "swinv2_tiny_window16": "timm/swinv2_tiny_window16_256.ms_in1k",
    "swinv2_small": "timm/swinv2_small_window8_256.ms_in1k",
    "swinv2_small_window16": "timm/swinv2_small_window16_256.ms_in1k",
    "swinv2_base": "timm/swinv2_base_window8_256.ms_in1k",
    "swinv2_base_window16": "timm/swinv2_base_window16_256.ms_in1k",
    "swinv2_base_192to256": ("timm/swinv2_base_window12to16_192to256.ms_in22k_ft_in1k"),
    "swinv2_base_192to384": ("timm/swinv2_base_window12to24_192to384.ms_in22k_ft_in1k"),
    "swinv2_large": "timm/swinv2_large_window12to16_192to256.ms_in22k_ft_in1k",
    "swinv2_large_192to384": (
        "timm/swinv2_large_window12to24_192to384.ms_in22k_ft_in1k"
    ),
}


@dataclass(frozen=True)
class Source:
    """A file of weights on this machine, and what is said of it.

    Args:
        path: The file.
        name: What to call it in messages: what the user gave.
        config: The content of `config.json` beside it, or of a file of ours what
            `keras_statement` and its card tell; empty if nothing is said.
        processor: The content of `preprocessor_config.json`.
    """

    path: Path
    name: str
    config: dict
    processor: dict = field(default_factory=dict)


def imagenet_address(variant: str) -> str:
    """Return where the published ImageNet weights of a variant are.

    Raises:
        WeightsError: If there are none.
    """
    if variant not in IMAGENET:
        raise WeightsError(
            f"There are no published ImageNet weights for {variant!r}. There are for "
            f"{', '.join(IMAGENET)}."
        )
    return f"hf://{IMAGENET[variant]}"


def find_source(address, variant: str | None = None) -> Source:
    """Find a file of weights, fetch it if it is remote, and check its SHA-256.

    Args:
        address: Path of a file, or of a folder with `model.safetensors` or
            `pytorch_model.bin`, of a run or of an export;
            `hf://ORG/NAME[@REVISION]`; or `"imagenet"`.
        variant: The variant for which `"imagenet"` asks.

    Returns:
        The `Source`.

    Raises:
        WeightsError: If there is no such file, or it is not the one that its
            `card.json` describes.
    """
    if not isinstance(address, str | os.PathLike) or not str(address).strip():
        raise WeightsError(f"Weights must be {ACCEPTED}. Received: {address!r}.")
    name = str(address)
    if name == "imagenet":
        return find_source(imagenet_address(variant))
    if name.startswith("hf://"):
        path = fetch(name, HUB_FILES)
    elif (path := expanded(address)).is_dir():
        path = _weights_in(path)
    elif not path.exists():
        raise WeightsError(
            f"There is no file {path}.{nearest_name(name, ['imagenet'])} "
            f"Weights must be {ACCEPTED}."
        )
    if path.suffix in _FOR_RUNNING:
        raise WeightsError(
            f"{path} is a form for running, whose weights cannot be taken out. Give "
            "the model.keras that its export made beside it, or the run."
        )
    check_regular(path)
    check_sha256(path)
    if file_kind(path) in KERAS_KINDS:
        return Source(path, name, _statement(path))
    beside = ("config.json", "preprocessor_config.json")
    return Source(path, name, *(_read_json(path.with_name(file)) for file in beside))


def _statement(path: Path) -> dict:
    """Return what a file that Keras wrote says, and its card."""
    with damaged_file(path):
        statement, card = keras_statement(path), read_card(path)
    if card:
        names, crop = list(card.class_names), card.crop_fraction
        statement |= {"label_names": names, "crop_fraction": crop}
    return statement


def check_sha256(path: Path):
    """Compare a file with the SHA-256 at hand, in `card.json` or the hub's cache.

    Raises:
        WeightsError: If they differ.
    """
    card = path.with_name("card.json")
    files = _read_json(card).get("files", {})
    about = files.get(path.name, {}) if isinstance(files, dict) else None
    if not isinstance(about, dict):
        raise WeightsError(f"`files` of {card} must be facts by file, then by name.")
    expected = about.get("sha256")
    blob = path.resolve().name
    if expected is None and re.fullmatch(r"[0-9a-f]{64}", blob):
        expected = blob  # the hub's cache names files by their hash
    if expected is None:
        return
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != expected:
        raise WeightsError(
            f"{path} is damaged or was changed: its SHA-256 begins {actual[:8]}, and "
            f"must begin {expected[:8]}. Fetch or export it again."
        )


def _weights_in(folder: Path) -> Path:
    for name in _WEIGHT_FILES:
        if (folder / name).exists():
            return folder / name
    if (folder / "checkpoints").is_dir():
        raise WeightsError(
            f"The run {folder} has no best.keras yet: it is written when the first "
            "epoch has been validated. Let the run continue until then."
        )
    raise WeightsError(
        f"The folder {folder} must hold {' or '.join(_WEIGHT_FILES)}. Name the file "
        "itself if it is called otherwise."
    )


def _read_json(path: Path) -> dict:
    if not path.exists():
        return {}
    check_regular(path)
    with damaged_file(path):
        if path.stat().st_size > _LARGEST_JSON:
            raise WeightsError("it is far too large for a description of a model")
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict):
            raise WeightsError("it must hold a JSON object")
        return content
