"""Fetches a model from the Hugging Face hub, or finds it in the hub's cache."""

import re
from pathlib import Path

from swin_keras.errors import WeightsError, first_line
from swin_keras.weights.sharded_file import read_index
from swin_keras.weights.tensor_file import damaged_file

_SECONDS = 5  # until a hub that does not answer counts as out of reach
_ADDRESS = re.compile(r"hf://([\w.-]+/[\w.-]+?)(?:@([\w./-]+))?")


def fetch(address: str, names) -> Path:
    """Return the local copy of a model's weights; what is said of them lies beside.

    That is `config.json`, `preprocessor_config.json` where there is one, and for an
    index the files that it names.

    Args:
        address: `hf://ORG/NAME[@REVISION]`.
        names: What the file of weights may be called; the first that is there counts.

    Raises:
        WeightsError: If it is no such address, there is no such model, or the hub
            cannot be reached and no copy is on this machine.
    """
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise WeightsError(
            f"A model on the hub is written hf://ORG/NAME or hf://ORG/NAME@REVISION. "
            f"Received: {address}."
        )
    try:
        from huggingface_hub import constants as hub
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError
    except ImportError as error:
        raise WeightsError(
            f"{address} needs the package huggingface_hub: "
            "pip install 'swin-keras[hub]'."
        ) from error
    repository, revision = match.groups()
    from_cache = hub.HF_HUB_OFFLINE or not _is_in_reach(repository, revision)

    def get(name):
        path = hf_hub_download(
            repository, name, revision=revision, local_files_only=from_cache
        )
        return Path(path)

    def get_if_there(name):
        try:
            return get(name)
        except EntryNotFoundError as error:
            if isinstance(error, LocalEntryNotFoundError) and not from_cache:
                raise  # it is there, and the hub is out of reach now
            return None

    try:
        get("config.json")
        *first, last = names
        path = next(filter(None, map(get_if_there, first)), None) or get(last)
        get_if_there("preprocessor_config.json")
        for name in _parts_of(path):
            get(name)
    except WeightsError:
        raise
    except LocalEntryNotFoundError as error:
        reason = "cannot be reached"
        if hub.HF_HUB_OFFLINE:
            reason = "must not be asked (HF_HUB_OFFLINE is set)"
        raise WeightsError(
            f"{address} could not be fetched: the Hugging Face hub {reason}, and no "
            "copy is in its cache on this machine. Fetch it once with a network, or "
            "give a file that you have."
        ) from error
    except Exception as error:
        raise WeightsError(
            f"{address} could not be fetched ({type(error).__name__}: "
            f"{first_line(error)[:160]}). Check its name; what was fetched once is "
            "found without a network."
        ) from error
    return path


def _parts_of(path) -> list[str]:
    if not path.name.endswith(".index.json"):
        return []
    with damaged_file(path):
        return sorted(set(read_index(path).values()))


def _is_in_reach(repository, revision) -> bool:
    """Ask once: the hub's own functions try again for half a minute."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    url = hf_hub_url(repository, "config.json", revision=revision)
    try:
        get_hf_file_metadata(url, timeout=_SECONDS)
    except HfHubHTTPError as error:  # an answer, such as that there is no file
        return error.response.status_code < 500
    except Exception:  # of the many libraries that may lie between
        return False
    return True
