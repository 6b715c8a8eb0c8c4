"""Serves the page, the model and the runtime to this machine's browser only."""

import contextlib
import json
import mimetypes
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from swin_keras.drawing import colour_of
from swin_keras.model_files import read_card
from swin_keras.model_files.card import ModelCard
from swin_keras.tasks.detect import SHOWN

PAGE = Path(__file__).with_name("page")
HEADERS = {
    "Cache-Control": "no-store",
    # The browser gives threads only to pages that nothing else can reach.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Content-Type-Options": "nosniff",
}
# Another name for 127.0.0.1 is another site's, which must not read the model.
HOSTS = ("127.0.0.1", "localhost")
SECONDS = 10  # for a request to arrive, and for a part of an answer to be taken
PART = 2**20  # bytes
MAX_CONNECTIONS = 32  # a browser opens six


def make_server(model: Path, litertjs: Path, port: int) -> ThreadingHTTPServer:
    """Return a server on 127.0.0.1; 0 lets the system choose the port.

    It serves the model as the file holds it now, whatever takes its place.

    Args:
        model: The `.tflite` file to try.
        litertjs: Folder with LiteRT.js.
        port: The port.
    """
    files = {f"/{file.name}": file for file in PAGE.iterdir()}
    files["/"] = PAGE / "index.html"
    with open(model, "rb") as file:  # once: another export may take its name
        content = file.read()
        card = read_card(model, opened=f"/dev/fd/{file.fileno()}")
    held = {
        "/model.tflite": (content, "application/octet-stream"),
        "/card.json": (card.to_json().encode(), "application/json"),
        "/drawing.json": (drawing_of(card).encode(), "application/json"),
    }

    class Handler(BaseHTTPRequestHandler):
        timeout = SECONDS

        def do_GET(self):
            if self.headers.get("Host", "").split(":")[0].lower() not in HOSTS:
                return self.send_error(HTTPStatus.FORBIDDEN)
            self.server.arrived(self.connection)
            try:
                path = unquote(urlsplit(self.path).path)
            except ValueError:  # "http://[x"
                return self.send_error(HTTPStatus.BAD_REQUEST)
            if path in held:
                return self._send(*held[path])
            file = files.get(path) or _inside(litertjs, path)
            if file is None:
                return self.send_error(HTTPStatus.NOT_FOUND)
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            try:
                content = file.read_bytes()
            except OSError:  # it was removed meanwhile
                return self.send_error(HTTPStatus.NOT_FOUND)
            return self._send(content, kind)

        def _send(self, content, kind):
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(content), PART):  # each in `timeout` seconds
                self.wfile.write(content[start : start + PART])

        def handle(self):
            with contextlib.suppress(ConnectionError, TimeoutError):
                super().handle()

        def log_message(self, *_):
            pass

    return _Server(("127.0.0.1", port), Handler)


def drawing_of(card: ModelCard) -> str:
    """Return how answers are drawn, as `swin-keras predict --save` does, as JSON.

    `colours` has red, green and blue of each class, and `shown` the score from which
    on a box is shown.
    """
    colours = [colour_of(index) for index in range(len(card.class_names))]
    return json.dumps({"colours": colours, "shown": SHOWN})


class _Server(ThreadingHTTPServer):
    """A server that holds a bounded number of connections, each for a while."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self._clocks = {}  # of requests that have not arrived

    def verify_request(self, request, client_address):
        return self._room.acquire(blocking=False)

    def process_request_thread(self, request, client_address):
        # Over all lines of a request: a client that sends one byte in a while
        # would begin each line's time anew.
        clock = threading.Timer(SECONDS, _hang_up, [request])
        clock.daemon = True
        clock.start()
        self._clocks[request] = clock
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.arrived(request)
            self._room.release()

    def arrived(self, request):
        """Let an answer take its time: large models go over slow lines, too."""
        if clock := self._clocks.pop(request, None):
            clock.cancel()


def _hang_up(request):
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


def _inside(folder: Path, path: str) -> Path | None:
    """Return a file of the folder by its address `/litertjs/...`, and no other."""
    prefix = "/litertjs/"
    if not path.startswith(prefix):
        return None
    root = folder.resolve()
    try:
        file = (root / path.removeprefix(prefix)).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None
