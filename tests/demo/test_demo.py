"""The demo serves one model to this machine, and the browser runs it."""

import base64
import contextlib
import dataclasses
import io
import json
import os
import re
import shlex
import shutil
import socket
import struct
import threading
import time
import warnings
import zipfile
from http.client import HTTPConnection
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from swin_keras.applications import SwinDetector, SwinSegmenter
from swin_keras.cli import main
from swin_keras.cli.demo import litert_file, litertjs_folder
from swin_keras.demo.server import MAX_CONNECTIONS, PAGE, make_server
from swin_keras.drawing import colour_of, draw_mask
from swin_keras.errors import ModelFileError, UsageError
from swin_keras.exporting.config import ExportConfig
from swin_keras.exporting.export import export
from swin_keras.inference.predictor import Predictor
from swin_keras.model_files import CARD_IN_ZIP, read_card, save_keras
from swin_keras.model_files.card import ModelCard
from swin_keras.model_files.card_in_file import embed_card
from swin_keras.models import (
    DetectionHead,
    SegmentationHead,
    SwinConfig,
)
from swin_keras.scores.class_maps import class_map
from swin_keras.tasks.detect import SHOWN

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "saved_models" / "digits" / "model.tflite"
LITERTJS = Path(os.environ.get("LITERTJS", "node_modules/@litertjs"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or ""

CLASSES = ("background", "dog", "bird")
TOY = SwinConfig(
    input_shape=(64, 96, 3),
    patch_size=4,
    embed_dim=16,
    depths=(1, 1),
    num_heads=(2, 4),
    window_size=4,
)


@pytest.fixture
def server(tmp_path):
    with serving(MODEL, LITERTJS if LITERTJS.is_dir() else tmp_path) as server:
        yield server


@contextlib.contextmanager
def serving(model, runtime):
    server = make_server(model, runtime, port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
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


@pytest.fixture
def guarded(tmp_path):
    """Serve a folder that has a file beside it, and a link that leads to it."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    (runtime / "core.js").write_text("core")
    (tmp_path / "secret").write_text("secret")
    (runtime / "link").symlink_to(tmp_path / "secret")
    (runtime / "up").symlink_to(tmp_path)
    with serving(MODEL, runtime) as server:
        yield server


@pytest.mark.parametrize(
    "path",
    [
        "/litertjs/../secret",
        "/litertjs/%2e%2e/secret",
        "/litertjs/%2E%2E%2Fsecret",
        "/litertjs/x/../../secret",
        "/litertjs/link",
        "/litertjs/up/secret",
        "/litertjs/{folder}/secret",
        "/litertjs/%252e%252e/secret",
        "/../secret",
        "/etc/passwd",
        "/%00",
        "/litertjs/%00",
        "/litertjs/" + "a" * 300,
        "/" + "a" * 300,
        "/litertjs/%ff",
        "/litertjs/",
    ],
)
def test_nothing_else_is_served(guarded, tmp_path, path):
    assert get(guarded, "/litertjs/core.js")[2] == b"core"
    assert get(guarded, path.format(folder=tmp_path))[0] == 404


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


def test_a_large_file_goes_over_a_slow_line(tmp_path, monkeypatch):
    """In all it takes longer than a request may."""
    monkeypatch.setattr("swin_keras.demo.server.SECONDS", 0.5)
    (tmp_path / "large.bin").write_bytes(bytes(24 * 2**20))
    with serving(MODEL, tmp_path) as server:
        address = ("127.0.0.1", server.server_port)
        with socket.create_connection(address, 5) as slow:
            slow.sendall(b"GET /litertjs/large.bin HTTP/1.0\r\nHost: localhost\r\n\r\n")
            count, start = 0, time.monotonic()
            while part := slow.recv(2**18):
                count += len(part)
                time.sleep(0.02)
    assert time.monotonic() - start > 1
    assert count > 24 * 2**20


def test_addresses_that_are_none_and_files_that_are_gone_are_answered(tmp_path, capfd):
    runtime = tmp_path / "runtime.js"
    runtime.touch()
    with serving(MODEL, tmp_path) as server:
        address = ("127.0.0.1", server.server_port)
        with socket.create_connection(address, 5) as connection:
            connection.sendall(b"GET http://[x HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert b" 400 " in connection.recv(1000).splitlines()[0]
        assert get(server, "/litertjs/runtime.js")[0] == 200
        runtime.unlink()
        assert get(server, "/litertjs/runtime.js")[0] == 404
    assert capfd.readouterr().err == ""


def test_a_model_is_served_with_its_own_names_after_another_took_its_place(tmp_path):
    model, other = tmp_path / "model.tflite", tmp_path / "other.tflite"
    shutil.copy(MODEL, model)
    card = read_card(MODEL)
    names = card.class_names[::-1]
    with_card(other, class_names=names)
    with serving(model, tmp_path) as server:
        os.replace(other, model)
        assert read_card(model).class_names == names
        served = tmp_path / "served.tflite"
        served.write_bytes(get(server, "/model.tflite")[2])
        told = json.loads(get(server, "/card.json")[2])["class_names"]
    assert tuple(told) == read_card(served).class_names == card.class_names


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


def test_a_runtime_may_lie_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "js" / "core" / "wasm").mkdir(parents=True)
    assert litertjs_folder("~/js") == tmp_path / "js"


def test_a_missing_runtime_is_told_how_to_install(tmp_path):
    with pytest.raises(UsageError, match="npm install @litertjs/core"):
        litertjs_folder(str(tmp_path))


def test_the_page_draws_as_predict_does(server):
    drawing = json.loads(get(server, "/drawing.json")[2])
    assert drawing["colours"] == [list(colour_of(index)) for index in range(10)]
    assert drawing["shown"] == SHOWN
    for file in PAGE.iterdir():
        assert get(server, f"/{file.name}")[2] == file.read_bytes()


def with_card(path, **changes):
    """Write the model with another card inside; return its path."""
    path.write_bytes(MODEL.read_bytes())
    card = dataclasses.replace(read_card(MODEL), **changes)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of two members of one name the last counts
        archive.writestr(CARD_IN_ZIP, card.to_json())
    return path


def test_a_file_of_feature_maps_is_refused(tmp_path):
    path = with_card(tmp_path / "model.tflite", task="features", class_names=())
    with pytest.raises(ModelFileError, match=r"class names.*is for features"):
        litert_file(path)


def test_deep_greys_are_said_to_be_cut(tmp_path, caplog):
    litert_file(with_card(tmp_path / "model.tflite", grey_range=(0.0, 4095.0)))
    assert "greys of more than 8 bits, from 0 to 4095" in caplog.text


def test_a_file_for_several_pictures_at_a_time_is_refused(tmp_path):
    path = with_card(tmp_path / "model.tflite", litert_batch_size=8)
    with pytest.raises(ModelFileError, match=r"one picture at a time.*takes 8"):
        litert_file(path)
    path = with_card(tmp_path / "any.tflite", litert_batch_size=0)
    assert litert_file(path) == path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": {"input_shape": [8, 8, 4]}}, "which takes 4 channels"),
        ({"normalizes": False}, "does not normalize them itself"),
        ({"outputs": {"outputs": [10]}}, "ends in no softmax or sigmoid"),
    ],
)
def test_a_model_that_the_page_would_show_wrong_is_refused(tmp_path, changes, words):
    path = with_card(tmp_path / "model.tflite", **changes)
    with pytest.raises(ModelFileError, match=words):
        litert_file(path)


def test_a_model_that_browsers_cannot_run_is_refused(tmp_path):
    (tmp_path / "best.keras").write_bytes(b"any")
    with pytest.raises(ModelFileError, match=r"runs \.tflite files"):
        litert_file(tmp_path)


def toy_classifier(path):
    """Save a classifier of two classes, which an export takes."""
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    outputs = keras.layers.Dense(2, activation="softmax")(x)
    card = ModelCard("toy", "toy", {"input_shape": [8, 8, 3]}, ("cat", "dog"))
    save_keras(keras.Model(inputs, outputs), path, card)


def test_the_command_that_is_advised_makes_what_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run, taken = Path("runs/toy"), Path("saved_models/toy")
    for folder in (run, taken):
        folder.mkdir(parents=True)
    toy_classifier(run / "best.keras")
    with pytest.raises(ModelFileError, match="--name toy-2"):
        litert_file(run)
    taken.rmdir()
    with pytest.raises(ModelFileError, match=r"`swin-keras export runs/toy`\.$"):
        litert_file(run)
    assert main(["export", str(run), "--formats", "saved_model"]) == 0
    for given in (taken, taken / "model.keras"):
        with pytest.raises(ModelFileError) as refused:
            litert_file(given)
        words = shlex.split(re.search("`swin-keras (.*)`", str(refused.value))[1])
        assert main(words) == 0
        made = Path("saved_models", words[-1])
        assert litert_file(made) == made / "model.tflite"
    with pytest.raises(
        ModelFileError, match=r"Give an export that has a \.tflite file"
    ):
        litert_file(taken / "saved_model")


@contextlib.contextmanager
def browsing(server):
    """Give the page of a server in Chromium, ready for a picture."""
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the extra `browser`"
    )
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                "--use-fake-device-for-media-stream",
            ],
        )
        page = browser.new_page(permissions=["camera"])
        page.goto(f"http://127.0.0.1:{server.server_port}")
        page.wait_for_selector("body[data-ready]", timeout=60_000)
        yield page
        browser.close()


def show(page, picture):
    """Give the page a picture; return the best class and all rows of its list."""
    page.set_input_files("#file", picture)
    page.wait_for_selector("body[data-best]", timeout=60_000)
    rows = [row.inner_text().split("\n") for row in page.query_selector_all(".row")]
    return page.get_attribute("body", "data-best"), [tuple(row) for row in rows]


def pixels_of(page, canvas):
    """Return what a canvas of the page shows, uint8 `(H, W, 4)`."""
    content = page.evaluate(
        "id => document.getElementById(id).toDataURL('image/png')", canvas
    )
    with Image.open(io.BytesIO(base64.b64decode(content.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGBA"))


in_chromium = pytest.mark.skipif(
    not CHROMIUM or not LITERTJS.is_dir(),
    reason="needs chromium and `npm install @litertjs/core`",
)


@pytest.mark.slow
@in_chromium
def test_the_browser_names_the_same_class(server, tmp_path):
    sample = ROOT / "tests" / "samples" / "3.png"
    hidden = tmp_path / "transparent.png"
    with Image.open(sample) as image:
        image = image.convert("RGB")
        image.putalpha(0)
        image.save(hidden)
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    with browsing(server) as page:
        best, _ = show(page, sample)
        status = page.text_content("#status")
        sides = page.evaluate(
            "['whole', 'seen'].map(id => document.getElementById(id).width)"
        )
        page.set_input_files("#file", hidden)
        page.wait_for_timeout(1000)
        without_alpha = page.get_attribute("body", "data-best")
        page.set_input_files("#file", bad)
        page.wait_for_selector("body:not([data-best])")
        scores_after_bad = page.query_selector_all("#scores li")
    assert best == without_alpha == "3"
    assert "ms in this browser" in status
    assert sides == [8, 16]  # the whole picture, and what the model sees
    assert scores_after_bad == []


@pytest.mark.slow
@in_chromium
def test_the_browser_shows_the_last_of_two_pictures(server, tmp_path):
    """The first is large: it is still decoded, or looked at, when the second comes."""
    with Image.open(ROOT / "tests" / "samples" / "3.png") as image:
        image.resize((4000, 4000)).save(tmp_path / "large.png")
    with browsing(server) as page:
        for _ in range(3):
            page.set_input_files("#file", tmp_path / "large.png")
            page.set_input_files("#file", ROOT / "tests" / "samples" / "7.png")
            page.wait_for_timeout(2000)
            assert page.get_attribute("body", "data-best") == "7"
            assert page.evaluate("document.getElementById('whole').width") == 8


@pytest.mark.slow
@in_chromium
def test_the_browser_shows_neither_a_late_error_nor_a_late_answer(server, tmp_path):
    good, bad = ROOT / "tests" / "samples" / "7.png", tmp_path / "bad.png"
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    content = bytearray((tmp_path / "large.png").read_bytes())
    content[-100_000:-90_000] = bytes(10_000)  # is found near the end
    bad.write_bytes(content)
    with browsing(server) as page:
        for _ in range(3):
            page.set_input_files("#file", bad)
            page.set_input_files("#file", good)
            page.wait_for_timeout(1500)
            assert page.get_attribute("body", "data-best") == "7"
            assert "ms in this browser" in page.text_content("#status")
            bad.write_bytes(b"no picture")
            page.set_input_files("#file", tmp_path / "large.png")
            page.set_input_files("#file", bad)
            page.wait_for_timeout(1500)
            assert page.get_attribute("body", "data-best") is None
            assert "no picture that can be shown" in page.text_content("#status")
            bad.write_bytes(content)


@pytest.mark.slow
@in_chromium
def test_the_browser_s_camera_stops_however_it_is_left(server):
    good = ROOT / "tests" / "samples" / "7.png"
    is_off = """Promise.all(streams).then((all) => all.every(
        (one) => one.getTracks().every((track) => track.readyState === "ended")))"""
    with browsing(server) as page:
        page.evaluate(
            """() => {
                const devices = navigator.mediaDevices;
                const open = devices.getUserMedia.bind(devices);
                window.streams = [];
                devices.getUserMedia = (what) => {
                    window.streams.push(open(what));
                    return window.streams.at(-1);
                };
            }"""
        )
        page.click("#start")
        page.wait_for_selector("body[data-best]", timeout=60_000)
        assert not page.evaluate(is_off)
        page.click("#stop")
        page.wait_for_timeout(500)
        assert page.evaluate(is_off)
        for _ in range(3):  # a picture comes while the camera is asked for
            page.click("#start")
            page.set_input_files("#file", good)
            page.wait_for_timeout(1500)
            assert page.evaluate(is_off)
            assert page.get_attribute("body", "data-best") == "7"
            assert page.is_enabled("#start")
        assert page.evaluate("streams.length") == 4


@pytest.mark.slow
@in_chromium
def test_the_browser_draws_where_it_sees_its_best_class(trained_run, tmp_path):
    config = ExportConfig(
        saved_models_dir=str(tmp_path), formats=("litert",), explain=True, verify=False
    )
    model = export(trained_run.path, config) / "model.tflite"
    with serving(model, LITERTJS) as server, browsing(server) as page:
        assert not page.is_visible("#why")
        show(page, ROOT / "tests" / "samples" / "3.png")
        assert page.is_visible("#why")
        why = pixels_of(page, "why").astype(int)
    coloured = (why[..., 0] > why[..., 2] + 50).sum()
    assert 500 < coloured <= 224 * 224


def litert_of(model, task, folder):
    """Export a model with random weights as a task's LiteRT file."""
    path = folder / f"{task}.keras"
    model.save(path)
    embed_card(
        path, ModelCard(task, "toy", dataclasses.asdict(TOY), CLASSES, task=task)
    )
    config = ExportConfig(
        saved_models_dir=str(folder / "saved_models"), formats=("litert",), verify=False
    )
    return export(path, config) / "model.tflite"


def blobs(path):
    """Write a picture with places of all colours, in the model's own size."""
    small = np.random.default_rng(1).integers(0, 256, (4, 6, 3), np.uint8)
    image = Image.fromarray(small).resize((96, 64), Image.Resampling.BICUBIC)
    image.save(path)
    return path


@pytest.mark.slow
@in_chromium
def test_the_browser_colours_the_mask_that_predict_gives(tmp_path):
    trained = SwinSegmenter(TOY, SegmentationHead("mlp", channels=8), classes=3)
    softmax = keras.layers.Activation("softmax", name="probabilities")
    model = keras.Model(trained.input, softmax(trained.output))
    for weight in model.weights:
        weight.assign(weight + 0.1 * np.random.default_rng(0).normal(size=weight.shape))
    file, picture = litert_of(model, "segment", tmp_path), blobs(tmp_path / "a.png")
    (expected,) = Predictor(file).predict([picture])
    assert len(expected.scores) > 1
    probabilities = np.random.default_rng(0).random((3, 5, 4)).astype("float32")
    with serving(file, LITERTJS) as server, browsing(server) as page:
        best, rows = show(page, picture)
        whole = pixels_of(page, "whole")[..., :3]
        mask = page.evaluate(
            """async values => {
                const { classMap } = await import("/masks.js");
                return Array.from(classMap(values, [3, 5, 4], 31, 17));
            }""",
            probabilities.ravel().tolist(),
        )
    np.testing.assert_array_equal(
        np.reshape(mask, (31, 17)), class_map(probabilities, (31, 17))
    )
    assert best == expected.scores[0][0]
    assert rows == [(name, f"{100 * share:.1f} %") for name, share in expected.scores]
    with Image.open(picture) as image:
        drawn = draw_mask(image, expected.mask, CLASSES, legend=False)
    difference = np.abs(whole.astype(int) - np.asarray(drawn))
    assert (difference.max(-1) <= 1).mean() > 0.99  # edges may move by a pixel


@pytest.mark.slow
@in_chromium
def test_the_browser_draws_the_boxes_that_predict_gives(tmp_path):
    head = DetectionHead(channels=8, convolutions=1, first_stage=1, extra_levels=1)
    model = SwinDetector(TOY, classes=3, head=head)
    for weight in model.weights:
        weight.assign(weight + 0.1 * np.random.default_rng(0).normal(size=weight.shape))
        if weight.path.endswith("class_logits/bias"):
            weight.assign(-1.9 * np.ones(weight.shape))  # the best are just shown
    file, picture = litert_of(model, "detect", tmp_path), blobs(tmp_path / "a.png")
    (expected,) = Predictor(file).predict([picture])
    assert len(expected.boxes) > 1
    with serving(file, LITERTJS) as server, browsing(server) as page:
        best, rows = show(page, picture)
        whole = pixels_of(page, "whole")[..., :3]
    assert best == expected.scores[0][0]
    assert rows == [(name, f"{100 * score:.1f} %") for name, score in expected.scores]
    assert whole.shape[1] == 640  # enlarged, so that names can be read
    boxes = expected.boxes.clip(0, (96, 64, 96, 64)) * 640 / 96
    left, top, _, bottom = boxes[0]
    line = whole[int((top + bottom) / 2), int(np.ceil(left))]
    assert tuple(line) == colour_of(CLASSES.index(best))


@pytest.mark.slow
@in_chromium
def test_boxes_in_the_black_beyond_a_picture_are_left_out(server):
    # The picture is the middle fifth of a letter-boxed input.
    boxes = [[0, 0.1, 0.3, 0.4], [0.3, 0.2, 0.5, 0.4], [0.7, 0.1, 1, 0.5]]
    with browsing(server) as page:
        found = page.evaluate(
            """async boxes => {
                const { boxAnswer } = await import("/boxes.js");
                return boxAnswer(
                    { boxes, classes: [0, 1, 0], scores: [0.9, 0.8, 0.7], count: [3] },
                    {
                        card: { class_names: ["cat", "dog"] },
                        colours: [[1, 2, 3], [4, 5, 6]],
                        shown: 0.3,
                        place: { x: 0, y: -2, width: 1, height: 5 },
                    },
                ).rows;
            }""",
            np.ravel(boxes).tolist(),
        )
    assert [row["label"] for row in found] == ["dog"]
    assert found[0]["box"] == pytest.approx([0.2, 0, 0.4, 0.5])
