"""Finds the files behind a path, an `hf://` address or `"imagenet"`."""

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from swin_keras.errors import WeightsError
from swin_keras.weights.byte_runs import check_regular
from swin_keras.weights.tensor_file import damaged_file

_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", *_INDEXES, "model.keras")
_LARGEST_JSON = 16 * 2**20  # bytes; 22k class names have 2 MB
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?")

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
    """A file of weights on this machine, and what its `config.json` says.

    Args:
        path: The file.
        name: What to call it in messages: what the user gave.
        config: The content of `config.json` beside it; empty without one.
        processor: That of `preprocessor_config.json`.
    """

    path: Path
    name: str
    config: dict
    processor: dict = field(default_factory=dict)


def find_source(address, variant: str | None = None) -> Source:
    """Find a file of weights, fetch it if it is remote, and check its SHA-256.

    Args:
        address: Path of a file or of a folder with `model.safetensors` or
            `pytorch_model.bin`; `hf://ORG/NAME[@REVISION]`; or `"imagenet"`.
        variant: The variant for which `"imagenet"` asks.

    Returns:
        The `Source`.

    Raises:
        WeightsError: If there is no such file, or it is not the one that its
            `card.json` describes.
    """
    name = str(address)
    if name == "imagenet":
        return find_source(_imagenet(variant))
    if name.startswith("hf://"):
        path = _fetch(name)
    elif (path := Path(address).expanduser()).is_dir():
        path = _weights_in(path)
    elif not path.exists():
        raise WeightsError(f"There is no file {path}. Check the path.")
    check_regular(path)
    check_sha256(path)
    beside = ("config.json", "preprocessor_config.json")
    return Source(path, name, *(_read_json(path.with_name(file)) for file in beside))


def check_sha256(path: Path):
    """Compare a file with the SHA-256 at hand, in `card.json` or the hub's cache.

    Raises:
        WeightsError: If they differ.
    """
    files = _read_json(path.with_name("card.json")).get("files", {})
    expected = files.get(path.name, {}).get("sha256")
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


def _imagenet(variant):
    if variant not in IMAGENET:
        raise WeightsError(
            f"There are no published ImageNet weights for {variant!r}. There are for "
            f"{', '.join(IMAGENET)}."
        )
    return f"hf://{IMAGENET[variant]}"


def _weights_in(folder: Path) -> Path:
    for name in _WEIGHT_FILES:
        if (folder / name).exists():
            return folder / name
    raise WeightsError(
        f"The folder {folder} must hold {' or '.join(_WEIGHT_FILES)}. Name the file "
        "itself if it is called otherwise."
    )


def _fetch(address: str) -> Path:
    """Return the local copy of a model on the Hugging Face hub."""
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise WeightsError(
            f"A model on the hub is written hf://ORG/NAME or hf://ORG/NAME@REVISION. "
            f"Received: {address}."
        )
    repository, revision = match.groups()
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise WeightsError(
            f"{address} needs the package huggingface_hub: "
            "pip install 'swin-keras[hub]'."
        ) from error

    def fetch(name):
        return Path(hf_hub_download(repository, name, revision=revision))

    try:
        try:
            path = fetch("model.safetensors")
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError:
            path = fetch("pytorch_model.bin")
        fetch("config.json")
    except Exception as error:
        raise WeightsError(
            f"{address} could not be fetched ({_first_line(error)}). Check its "
            "name and the network; what was fetched once is found without one."
        ) from error
    return path


def _first_line(error) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:160]}"


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
