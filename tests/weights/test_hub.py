"""Models of the hub, from a server on this machine that answers as the hub does."""

import hashlib
import http.server
import json
import threading

import numpy as np
import pytest
from files import logits, small_model
from test_sharded import split

from swin_keras.errors import WeightsError
from swin_keras.weights import from_pretrained, save_huggingface

constants = pytest.importorskip("huggingface_hub.constants")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(http.server.BaseHTTPRequestHandler):
    """Gives files of `folder` under /ORG/NAME/resolve/REVISION/FILE."""

    def do_GET(self):
        self._answer(True)

    def do_HEAD(self):
        self._answer(False)

    def _answer(self, with_content):
        name = self.path.split("/resolve/main/")[-1]
        file = self.server.folder / name
        self.server.asked.append(name)
        if not file.is_file() or "/" in name:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        content = file.read_bytes()
        self.send_response(200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_content:
            self.wfile.write(content)

    def log_message(self, *words):
        pass


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Serve a folder as someone/swin; return the server."""
    (tmp_path / "served").mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.folder, server.asked = tmp_path / "served", []
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    url = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def serve(folder, kind=None, processor=None):
    """Write a model as Hugging Face has it; in two files and an index of a kind."""
    model = small_model()
    save_huggingface(model, folder)
    (folder / "card.json").unlink()
    (folder / "preprocessor_config.json").unlink()
    if kind:
        (folder / "model.safetensors").unlink()
        split(folder, model, kind)
    if processor:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return model


@pytest.mark.parametrize("kind", [None, "model.safetensors", "pytorch_model.bin"])
def test_all_files_of_a_model_are_fetched_and_then_found_without_a_network(
    hub, kind, monkeypatch
):
    model = serve(hub.folder, kind)
    built = from_pretrained("hf://someone/swin")
    np.testing.assert_array_equal(logits(built), logits(model))
    parts = {name for name in hub.asked if "-of-00002" in name}
    assert len(parts) == (2 if kind else 0)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    again = from_pretrained("hf://someone/swin")
    np.testing.assert_array_equal(logits(again), logits(model))
    assert hub.asked == []


def test_what_a_processor_states_is_fetched_and_followed(hub):
    model = serve(
        hub.folder, processor={"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    )
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    bare = from_pretrained(hub.folder, include_preprocessing=False)
    np.testing.assert_allclose(
        np.asarray(from_pretrained("hf://someone/swin")(images)),
        np.asarray(bare((images / 255 - 0.5) / 0.5)),
        atol=1e-5,
    )
    assert not np.allclose(np.asarray(model(images)), np.asarray(bare(images)))


def test_a_part_that_is_not_there_is_told(hub):
    serve(hub.folder, "model.safetensors")
    next(hub.folder.glob("*-00002-of*")).unlink()
    with pytest.raises(WeightsError, match=r"hf://someone/swin could not be fetched"):
        from_pretrained("hf://someone/swin")


@pytest.mark.parametrize("name", ["../../x.bin", "/etc/passwd", ".hidden"])
def test_an_index_names_no_files_elsewhere(hub, name):
    serve(hub.folder, "model.safetensors")
    path = next(hub.folder.glob("*.index.json"))
    path.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(WeightsError, match="must be one plain name"):
        from_pretrained("hf://someone/swin")
    assert not any("passwd" in word or "hidden" in word for word in hub.asked)


def test_a_model_without_weights_is_told(hub):
    (hub.folder / "config.json").write_text("{}")
    with pytest.raises(WeightsError, match="could not be fetched"):
        from_pretrained("hf://someone/swin")
