"""The demo serves one model to this machine, and the browser runs it."""

import contextlib
import json
import os
import shutil
import threading
from http.client import HTTPConnection
from pathlib import Path

import pytest

from swin_keras.demo.command import litert_file, litertjs_folder
from swin_keras.demo.server import make_server
from swin_keras.errors import ModelFileError, UsageError

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "saved_models" / "digits" / "model.tflite"
LITERTJS = Path(os.environ.get("LITERTJS", "node_modules/@litertjs"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""


@pytest.fixture
def server(tmp_path):
    runtime = LITERTJS if LITERTJS.is_dir() else tmp_path
    (tmp_path / "secret").write_text("secret")
    server = make_server(MODEL, runtime, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def get(server, path):
    """Return an answer's status, headers and content."""
    connection = HTTPConnection("127.0.0.1", server.server_port)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()


def test_the_page_comes_with_the_model_and_its_names(server):
    status, headers, content = get(server, "/")
    assert status == 200
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert b"swin-keras" in content
    card = json.loads(get(server, "/card.json")[2])
    assert card["class_names"] == list("0123456789")
    model = get(server, "/model.tflite")[2]
    assert model == MODEL.read_bytes()


@pytest.mark.parametrize(
    "path", ["/litertjs/../secret", "/litertjs/%2e%2e/secret", "/etc/passwd"]
)
def test_nothing_else_is_served(server, path):
    assert get(server, path)[0] == 404


def test_a_missing_runtime_is_told_how_to_install(tmp_path):
    with pytest.raises(UsageError, match="npm install @litertjs/core"):
        litertjs_folder(str(tmp_path))


def test_a_model_that_browsers_cannot_run_is_refused(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"any")
    with pytest.raises(ModelFileError, match=r"runs \.tflite files"):
        litert_file(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(
    not CHROMIUM or not LITERTJS.is_dir(),
    reason="needs chromium and `npm install @litertjs/core`",
)
def test_the_browser_names_the_same_class(server):
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra `browser`"
    )
    sample = ROOT / "tests" / "samples" / "3.png"
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        page.set_input_files("#file", sample)
        page.wait_for_selector("body[data-best]", timeout=60_000)
        best = page.get_attribute("body", "data-best")
        status = page.text_content("#status")
        browser.close()
    assert best == "3"
    assert "ms in this browser" in status
