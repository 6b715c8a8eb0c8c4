"""Paths, addresses on the hub, and what is said when there is nothing there."""

import hashlib
import json
import socket
import sys
import time

import numpy as np
import pytest
from files import logits, save_checkpoint, small_model

from swin_keras.applications import create_model
from swin_keras.errors import WeightsError
from swin_keras.models import VARIANTS
from swin_keras.weights import from_pretrained, load_weights, save_huggingface
from swin_keras.weights.source import IMAGENET, find_source

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    """Lay out a cache as huggingface_hub does, with the network switched off."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    model = small_model()
    folder = save_huggingface(model, tmp_path / "saved")
    repository = tmp_path / "hub" / "models--someone--swin"
    snapshot = repository / "snapshots" / COMMIT
    for part in (snapshot, repository / "blobs", repository / "refs"):
        part.mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    for name in ("model.safetensors", "config.json"):
        content = (folder / name).read_bytes()
        blob = repository / "blobs" / hashlib.sha256(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / name).symlink_to(blob)
    return model, repository


@pytest.mark.parametrize("revision", ["", "@main", f"@{COMMIT}"])
def test_hub_works_offline_from_its_cache(hub_cache, revision):
    model, _ = hub_cache
    built = from_pretrained(f"hf://someone/swin{revision}")
    np.testing.assert_array_equal(logits(built), logits(model))


def test_damaged_file_in_the_cache_is_noticed(hub_cache):
    _, repository = hub_cache
    blob = max((repository / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    data = bytearray(blob.read_bytes())
    data[-2] ^= 1
    blob.write_bytes(data)
    with pytest.raises(WeightsError, match="SHA-256"):
        from_pretrained("hf://someone/swin")


def test_missing_network_is_one_sentence(hub_cache):
    with pytest.raises(
        WeightsError,
        match=r"hf://no/where could not be fetched: .*HF_HUB_OFFLINE.*with a network",
    ):
        load_weights(small_model(), "hf://no/where")


def test_imagenet_asks_the_hub_for_the_variant(hub_cache):
    with pytest.raises(
        WeightsError, match=r"timm/swin_tiny_patch4_window7_224.ms_in1k"
    ):
        create_model("swin_tiny", weights="imagenet", input_shape=(32, 32, 3))


def test_imagenet_knows_published_variants_only():
    assert set(IMAGENET) <= set(VARIANTS)
    with pytest.raises(WeightsError, match=r"no published .* 'swin_nano'.*swin_tiny"):
        create_model("swin_nano", weights="imagenet")


def test_hub_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(WeightsError, match=r"pip install 'swin-keras\[hub\]'"):
        find_source("hf://someone/swin")


@pytest.mark.parametrize("address", ["hf://swin", "hf://a/b/c", "hf://a/b@"])
def test_wrong_address_is_refused(address):
    with pytest.raises(WeightsError, match="hf://ORG/NAME"):
        find_source(address)


def test_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"must hold model\.safetensors"):
        find_source(tmp_path)


def test_missing_file_is_refused(tmp_path):
    words = r"There is no file .*x\.pth\. Weights must be a file of weights, the folder"
    with pytest.raises(WeightsError, match=words):
        find_source(tmp_path / "x.pth")


@pytest.mark.parametrize("weights", [True, 5, {}, ""])
def test_what_is_no_source_is_told_what_is(weights):
    words = "Weights must be a file .* run, .* 'hf://ORG/NAME', 'imagenet', or None"
    with pytest.raises(WeightsError, match=words):
        find_source(weights)


def test_nearly_imagenet_is_understood():
    with pytest.raises(WeightsError, match="Did you mean 'imagenet'"):
        find_source("imagnet")


@pytest.mark.timeout(20)
def test_hub_that_refuses_is_asked_once(tmp_path, monkeypatch, caplog):
    """The hub's own functions would try five times, and write a line for each."""
    constants = pytest.importorskip("huggingface_hub.constants")
    with socket.socket() as closed:  # a port where nobody listens
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    start = time.perf_counter()
    with pytest.raises(WeightsError, match=r"cannot be reached, and no copy is in its"):
        find_source("hf://no/where")
    assert time.perf_counter() - start < 10
    assert caplog.text == ""


def test_card_of_another_file_does_not_matter(tmp_path):
    (tmp_path / "card.json").write_text('{"files": {"other": {"sha256": "00"}}}')
    trained, model = small_model(), small_model(seed=1)
    save_checkpoint(tmp_path / "x.safetensors", trained)
    report = load_weights(model, tmp_path / "x.safetensors")
    assert report.loaded[0] == report.loaded[1]
    np.testing.assert_array_equal(logits(model), logits(trained))


def test_damaged_config_is_refused(tmp_path):
    save_checkpoint(tmp_path / "model.safetensors", small_model())
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match=r"config\.json is damaged"):
        from_pretrained(tmp_path)


@pytest.mark.parametrize("files", [[], None, {"model.safetensors": "12ab"}])
def test_a_card_of_another_kind_beside_weights_is_refused(files, tmp_path):
    folder = save_huggingface(small_model(), tmp_path / "out")
    (folder / "card.json").write_text(json.dumps({"files": files}))
    with pytest.raises(WeightsError, match="must be facts by file, then by name"):
        from_pretrained(folder)
