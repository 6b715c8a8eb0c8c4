"""The demo serves one model to this machine, and the browser runs it."""

import contextlib
import json
import os
import shutil
import socket
import struct
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import pytest
from PIL import Image

from swin_keras.cli.demo import litert_file, litertjs_folder
from swin_keras.demo.server import MAX_CONNECTIONS, make_server
from swin_keras.errors import ModelFileError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "saved_models" / "digits" / "model.tflite"
LITERTJS = Path(os.environ.get("LITERTJS", "node_modules/@litertjs"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""


@pytest.fixture
def server(tmp_path):
    (tmp_path / "secret").write_text("secret")
    with serving(MODEL, LITERTJS if LITERTJS.is_dir() else tmp_path) as server:
        yield server


@contextlib.contextmanager
def serving(model, runtime):
    server = make_server(model, runtime, port=0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
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
    "path",
    [
        "/litertjs/../secret",
        "/litertjs/%2e%2e/secret",
        "/etc/passwd",
        "/%00",
        "/litertjs/%00",
        "/litertjs/" + "a" * 300,
        "/" + "a" * 300,
        "/litertjs/%ff",
        "/litertjs/",
    ],
)
def test_nothing_else_is_served(server, path):
    assert get(server, path)[0] == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [("127.0.0.1", 200), ("localhost:8000", 200), ("evil.example", 403), ("", 403)],
)
def test_only_this_machine_s_own_names_are_answered(server, host, status):
    connection = HTTPConnection("127.0.0.1", server.server_port)
    with contextlib.closing(connection):
        connection.request("GET", "/card.json", headers={"Host": host})
        assert connection.getresponse().status == status


def test_a_request_that_does_not_come_is_given_up(server, monkeypatch):
    monkeypatch.setattr("swin_keras.demo.server.SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", server.server_port), 5) as slow:
        slow.settimeout(5)
        slow.sendall(b"GET / HTTP/1.0\r\nA")
        deadline = time.monotonic() + 5
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline:  # a byte at a time is no progress
                time.sleep(0.2)
                slow.sendall(b"a")
        assert time.monotonic() < deadline


def test_no_more_connections_are_held_than_a_browser_needs(server):
    address = ("127.0.0.1", server.server_port)
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(socket.create_connection(address, 5))
        last = stack.enter_context(socket.create_connection(address, 5))
        last.settimeout(5)
        assert last.recv(1) == b""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # they hung up, so there is room again
        with contextlib.suppress(ConnectionError):
            assert get(server, "/")[0] == 200
            return
    raise AssertionError("no answer")


def test_a_browser_that_hangs_up_is_not_worth_a_word(server, capfd):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", server.server_port), 5) as gone:
            gone.sendall(b"GET /model.tflite HTTP/1.0\r\nHost: localhost\r\n\r\n")
            at_once = struct.pack("ii", 1, 0)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    assert get(server, "/")[0] == 200
    assert capfd.readouterr().err == ""


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
def test_the_browser_names_the_same_class(server, tmp_path):
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
        sides = page.evaluate(
            "['whole', 'seen'].map(id => document.getElementById(id).width)"
        )
        hidden = tmp_path / "transparent.png"
        with Image.open(sample) as image:
            image = image.convert("RGB")
            image.putalpha(0)
            image.save(hidden)
        page.set_input_files("#file", hidden)
        page.wait_for_timeout(1000)
        without_alpha = page.get_attribute("body", "data-best")
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"no picture")
        page.set_input_files("#file", bad)
        page.wait_for_selector("body:not([data-best])")
        scores_after_bad = page.query_selector_all("#scores li")
        browser.close()
    assert best == without_alpha == "3"
    assert "ms in this browser" in status
    assert sides == [8, 16]  # the whole picture, and what the model sees
    assert scores_after_bad == []


@pytest.mark.slow
@pytest.mark.skipif(
    not CHROMIUM or not LITERTJS.is_dir(),
    reason="needs chromium and `npm install @litertjs/core`",
)
def test_the_browser_draws_where_it_sees_its_best_class(trained_run, tmp_path):
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra `browser`"
    )
    config = ExportConfig(
        saved_models_dir=str(tmp_path), formats=("litert",), explain=True, verify=False
    )
    model = export(trained_run.path, config) / "model.tflite"
    with serving(model, LITERTJS) as server, sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        assert not page.is_visible("#why")
        page.set_input_files("#file", ROOT / "tests" / "samples" / "3.png")
        page.wait_for_selector("body[data-best]", timeout=60_000)
        assert page.is_visible("#why")
        coloured = page.evaluate(
            """() => {
                const { width, height } = document.getElementById("why");
                const context = document.getElementById("why").getContext("2d");
                const { data } = context.getImageData(0, 0, width, height);
                const places = [...Array(width * height).keys()];
                return places.filter((i) => data[4 * i] > data[4 * i + 2] + 50).length;
            }"""
        )
        browser.close()
    assert 500 < coloured <= 224 * 224
