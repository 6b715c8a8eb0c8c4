"""Processes: how ours are started, how they end in good order, how they are quiet."""

import contextlib
import functools
import io
import logging
import os
import signal
import sys
import threading
import warnings

from swin_keras.cores import usable_cores
from swin_keras.errors import Interrupted

log = logging.getLogger(__name__)
_SILENCE = threading.RLock()  # of the one thread that keeps this process quiet


def module_command(module: str, *words) -> list[str]:
    """Return the command that runs a module of this package in a subprocess.

    Python puts the current folder first among the places it imports from when
    it runs a module; `-P` leaves it out. A `json.py` beside downloaded pictures
    is not ours to run.

    Args:
        module: Its full name, such as `"swin_keras.litert.worker"`.
        words: Its arguments, of any type.
    """
    return [sys.executable, "-P", "-m", module, *map(str, words)]


@contextlib.contextmanager
def signals_to(note):
    """Call `note(number, frame)` on SIGTERM, Ctrl-C and SIGHUP instead of ending.

    SIGHUP comes when the terminal is closed; `nohup` has it ignored, and so it stays.
    Only the main thread can: in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    previous = [signal.signal(number, note) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)


@contextlib.contextmanager
def obeying_interrupts():
    """Obey Ctrl-C within this context also where what runs in it loses it.

    Python ignores what is raised in a callback, of which its imports have many; and a
    module that is imported may catch it, or make another error of it. Nothing changes
    where somebody else has an answer to Ctrl-C.
    """
    usual = signal.default_int_handler
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    asked = False

    def ask(number, frame):
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    except Exception:
        if not asked:
            raise
    finally:
        signal.signal(signal.SIGINT, usual)
    if asked:
        raise KeyboardInterrupt


def end_with_starter(at_once: bool = False):
    """End this process once what started it has ended, however it did.

    Its standard input must be a pipe that the starter holds open and writes nothing to.

    Args:
        at_once: Whether it just ends, or is asked to by SIGTERM.
    """

    def wait():
        os.read(0, 1)
        if at_once:
            os._exit(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def ended_by(number: int) -> str:
    """Return by which signal a process was ended, as the end of a sentence."""
    name = signal.Signals(number).name
    hint = " Systems do so when memory runs out." if name == "SIGKILL" else ""
    return f"by {name}.{hint}"


class StopSignals:
    """Whether the process was asked to end, and by which signal.

    Work that has nothing to save is ended at once.
    """

    def __init__(self):
        self.signal = signal.SIGTERM  # what workers report that another stopped
        self.asked = False
        self._waits = False

    @contextlib.contextmanager
    def handled(self):
        """Handle signals to end: work that they end raises `Interrupted`."""
        with signals_to(self.ask):
            try:
                yield
            except KeyboardInterrupt:
                raise Interrupted(self.signal) from None

    @contextlib.contextmanager
    def deferred(self):
        """Only record a stop request: this work looks for one and saves what it has."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        if self.asked:
            raise KeyboardInterrupt

    def ask(self, number, frame=None):
        """Record a stop request; a second Ctrl-C ends the process at once."""
        is_first, self.asked, self.signal = not self.asked, True, number
        if is_first and self._waits:
            log.info("stopping after this step, with a checkpoint")
        elif is_first or number == signal.SIGINT:
            raise KeyboardInterrupt


def import_keras():
    """Import Keras without what TensorFlow says of drivers and instruction sets.

    It writes to the process' standard error before it can be told not to; what Python
    raises is not touched. Who imports either first, or sets `TF_CPP_MIN_LOG_LEVEL` to
    0 or 1, gets what is said.
    """
    if not {"keras", "tensorflow"} & sys.modules.keys():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with obeying_interrupts(), _unless_asked():
            import keras  # noqa: F401


@functools.cache  # what others print in the meantime would be lost, too
def find_devices():
    """Have TensorFlow look for devices, without what it says of those it misses.

    Of a GPU it will take the memory that it needs, and no more. It is left alone where
    Keras runs on something else.
    """
    import_keras()
    import keras

    if keras.backend.backend() != "tensorflow":
        return
    with obeying_interrupts(), _unless_asked():
        import tensorflow as tf

        use_own_cores()
        tf.config.list_physical_devices()
        let_memory_grow()


def use_own_cores():
    """Have TensorFlow start no more threads than a container's CPU limit has cores for.

    It counts the cores that the process may run on. What it was told, or began with,
    stays.
    """
    import tensorflow as tf

    threading_of, cores = tf.config.threading, usable_cores()
    if cores == len(os.sched_getaffinity(0)):
        return
    with contextlib.suppress(RuntimeError):  # in use
        if not threading_of.get_intra_op_parallelism_threads():
            threading_of.set_intra_op_parallelism_threads(cores)
        if not threading_of.get_inter_op_parallelism_threads():
            threading_of.set_inter_op_parallelism_threads(cores)


def let_memory_grow():
    """Let GPUs give memory as it is needed, so that two programs can share one.

    TensorFlow else takes nearly all of it at once. What has begun to work keeps what
    it was told.
    """
    import tensorflow as tf

    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError, ValueError):  # in use, or divided
            tf.config.experimental.set_memory_growth(gpu, True)


def _unless_asked():
    is_asked = os.environ.get("TF_CPP_MIN_LOG_LEVEL") in ("0", "1")
    return contextlib.nullcontext() if is_asked else quiet()


@contextlib.contextmanager
def same_logging():
    """Leave a program without logging as it is: abseil sets it up at its first line.

    TensorFlow and TensorFlow Datasets log with it. Every line of ours would then be
    shown, and twice where it is shown already.
    """
    is_bare = not logging.root.handlers
    try:
        yield
    finally:
        if is_bare:
            logging.root.handlers.clear()


@contextlib.contextmanager
def quiet():
    """Within this context, nothing is printed: not from Python, not from C++.

    Threads take turns, since each puts back what it found.
    """
    with _SILENCE, _quiet():
        yield


@contextlib.contextmanager
def _quiet():
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError, ValueError):  # a service has closed it
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
