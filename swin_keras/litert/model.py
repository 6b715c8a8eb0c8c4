"""A LiteRT file, run by a subprocess: see `litert_worker`."""

import contextlib
import json
import os
import signal
import subprocess
import threading
import weakref

import numpy as np

from swin_keras.cores import usable_cores
from swin_keras.errors import ModelFileError, ResourceError
from swin_keras.litert.worker import MAX_SECONDS, read_array, write_array
from swin_keras.model_files import require_whole
from swin_keras.processes import ended_by, module_command

SECONDS_TO_END = 10  # for a worker that has closed its pipes
ENDED_BY_OTHERS = (
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
)


class LiteRTModel:
    """A `.tflite` file, safe to ask from threads and after a fork.

    The file is opened once, and `opened` leads to it as long as the model lives: a
    worker that has to be started later runs the same one, even if another has
    taken its name by then.
    """

    form = "litert"

    def __init__(self, path, threads=None):
        require_whole(path)
        self.path = path
        self._threads = threads or usable_cores()
        self._file = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)
        self.opened = f"/dev/fd/{self._file}"
        self._workers = {}  # by the id of the process that asks
        about = self._worker().start()
        self.input_shape = tuple(about["input_shape"])
        self.outputs = {name: tuple(s) for name, s in about["outputs"].items()}

    def __call__(self, images):
        return self._worker().ask(images)

    def _worker(self) -> "_Worker":
        """Return this process' own worker: a fork must not use its parent's."""
        new = _Worker(self.path, self._file, self._threads)
        return self._workers.setdefault(os.getpid(), new)


class _Worker:
    """A process that answers one caller at a time; it starts when it is asked.

    One that has died, or was interrupted in the middle of an answer, is given
    up: the next call starts another.
    """

    def __init__(self, path, file, threads):
        self._path, self._file, self._threads = path, file, threads
        self._lock = threading.Lock()
        self._process = None

    def start(self) -> dict:
        """Start the process; return what it tells of the file."""
        with self._lock:
            return self._start()

    def ask(self, images) -> dict[str, np.ndarray]:
        with self._lock:
            if self._process is None:
                self._start()
            with self._talking() as process:
                write_array(process.stdin, images)
                self._require_answer(process)
                return {name: read_array(process.stdout) for name in self._names}

    def _start(self):
        file = f"/dev/fd/{self._file}"
        self._process = subprocess.Popen(  # noqa: S603  our own module
            module_command("swin_keras.litert.worker", file, self._threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # what lies in a buffer would be sent twice after a fork
            pass_fds=(self._file,),
        )
        self._end = weakref.finalize(self, _end, self._process, os.getpid())
        with self._talking() as process:
            about = self._require_answer(process)
        self._names = list(about["outputs"])
        return about

    @contextlib.contextmanager
    def _talking(self):
        """Give the process; whatever goes wrong in between is its end."""
        try:
            yield self._process
        except (OSError, ValueError) as error:  # the other end is gone
            raise self._death() from error
        except ModelFileError:
            raise
        except BaseException:
            self._give_up()
            raise

    def _require_answer(self, process) -> dict:
        answer = json.loads(process.stdout.readline())
        if "error" in answer:
            self._give_up()
            raise self._refusal(answer["error"])
        return answer

    def _give_up(self):
        self._process = None
        self._end()

    def _death(self):
        """Return the error that says what the process died of."""
        process = self._process
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
        self._give_up()
        code = process.returncode
        if code == -signal.SIGXCPU:
            return self._refusal(f"it took more than {MAX_SECONDS} s to load")
        if code >= 0:
            return self._refusal(f"it ended LiteRT, exit code {code}")
        if -code not in ENDED_BY_OTHERS:
            return self._refusal(f"it ended LiteRT by {signal.Signals(-code).name}")
        return ResourceError(
            f"The process that runs {self._path} must be left alone, and it was ended "
            f"{ended_by(-code)} Ask again: that starts a new one."
        )

    def _refusal(self, reason):
        return ModelFileError(
            "A .tflite file must be complete, take one image and use built-in "
            f"operations only. Received: {self._path} ({reason})."
        )


def _end(process, owner):
    """Let go of a worker; it has nothing to lose. A fork only closes its pipes."""
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            pipe.close()
    if os.getpid() == owner:
        process.kill()
        process.wait()
