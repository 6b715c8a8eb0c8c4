"""Processes that load batches, so that reading images is not bound to one core.

Python runs one thread at a time. What a step holds is a function of its number,
so processes that share nothing but the loader compute the same batches as threads
would; `tf.data` keeps their order. Nothing has a name in the file system: memory
and sockets are gone when the last process is, however it ends.
"""

import contextlib
import mmap
import os
import pickle
import queue
import socket
import subprocess
import threading
import weakref
from itertools import count
from multiprocessing.connection import Connection

import numpy as np

from swin_keras.data.batch_loader import BatchLoader
from swin_keras.errors import DataError, ResourceError
from swin_keras.processes import module_command

MAX_DEATHS = 2  # of processes at the same images, before it is the images' fault


class Workers:
    """Processes that load shards of steps, for any number of loaders.

    They start with a request and end with `close`, or with the object; a request
    after `close` starts new ones.

    Args:
        processes: How many.

    Example:

    ```python
    with Workers(8) as workers:
        model.fit(batches(loader, epochs=10, workers=workers))
    ```
    """

    def __init__(self, processes: int):
        self.processes = processes
        self._idle = None
        self._starts = threading.Lock()
        self._running = set()
        self._keys = count()
        self._shared = weakref.WeakValueDictionary()  # by loader, while one is used
        self._living = set()  # their keys
        weakref.finalize(self, _end, self._running)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        """End the processes; what still waits for them ends by an error."""
        with self._starts:
            self._idle = None
            _end(self._running)

    def share(self, loader: BatchLoader):
        """Return a function of step and shard that has a process call the loader.

        The loader's arrays are held once more, for all processes and all functions of
        equal loaders, until the last of these functions is gone.

        Raises, when it is called:
            DataError: If an image cannot be read, or ends the processes.
            ResourceError: If no process can be started.
        """
        shared = self._shared_loader(loader)

        def load(step: int, shard: int = 0):
            for _ in range(MAX_DEATHS):
                answer = self._ask(shared, step, shard)
                if answer is not None:
                    return answer
            raise DataError(
                f"The processes that loaded step {step} died. Its images must fit into "
                f"the memory: {', '.join(loader.names(step)[:3])}, ... Use fewer "
                "--workers, or look for a file that ends Python."
            )

        return load

    def _shared_loader(self, loader):
        same = _hashable(loader)
        shared = self._shared.get(same)
        if shared is None:
            shared = _SharedLoader(next(self._keys), loader)
            self._shared[same] = shared
            self._living.add(shared.key)
            weakref.finalize(shared, self._living.discard, shared.key)
        return shared

    def _ask(self, shared, step, shard):
        """Return images and targets, or `None` if the process died over them."""
        idle = self._started()
        worker = idle.get()
        try:
            worker.forget_all_but(self._living)
            return worker.load(shared, step, shard)
        except (EOFError, OSError) as error:
            if self._idle is not idle:
                raise DataError("Loading images was ended.") from error
            self._running.discard(worker)
            worker.end()
            worker = self._start()
            return None
        finally:
            idle.put(worker)

    def _started(self):
        with self._starts:
            if self._idle is None:
                idle = queue.LifoQueue()  # the process that is warm goes first
                for _ in range(self.processes):
                    idle.put(self._start())
                self._idle = idle
        return self._idle

    def _start(self):
        try:
            worker = _Worker()
        except OSError as error:
            raise ResourceError(
                f"A process that loads images must start ({error.strerror}). Use fewer "
                "--workers."
            ) from error
        self._running.add(worker)
        return worker


def _end(running):
    while running:
        running.pop().end()


def _hashable(loader):
    """Return the loader, or its number if it holds a list, say, and has no hash."""
    try:
        hash(loader)
    except TypeError:
        return id(loader)
    return loader


class _SharedLoader:
    """A loader as bytes, its arrays in memory that processes share."""

    def __init__(self, key, loader):
        self.key = key
        self.loader = loader  # lives as long, so that nothing else has its number
        buffers = []
        self._pickled = pickle.dumps(loader, protocol=5, buffer_callback=buffers.append)
        arrays = [buffer.raw() for buffer in buffers]
        self._sizes = [array.nbytes for array in arrays]
        self._memory = os.memfd_create("swin_keras")
        free = weakref.finalize(self, _free, self._memory)
        free.atexit = False  # processes may be reading then
        with open(self._memory, "wb", closefd=False) as file:
            file.writelines(arrays)

    def send(self, worker: "_Worker"):
        worker.requests.send(("learn", self.key, self._pickled, self._sizes))
        socket.send_fds(worker.handles, [b"."], [self._memory])


def _free(memory):
    """Give memory back at once, though processes may have it mapped still."""
    os.ftruncate(memory, 0)
    os.close(memory)


class _Worker:
    """One process, and the memory in which it hands batches over."""

    def __init__(self):
        self.handles, theirs = socket.socketpair()
        self.requests = Connection(os.dup(self.handles.fileno()))
        self._memory = os.memfd_create("swin_keras")
        self._known = set()
        descriptors = (theirs.fileno(), self._memory)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own module
                module_command("swin_keras.data.worker", *descriptors),
                stdin=subprocess.DEVNULL,
                pass_fds=descriptors,
            )

    def forget_all_but(self, living: set):
        """Have the process forget the loaders whose keys are not among these."""
        for key in self._known - living:
            self.requests.send(("forget", key))
            self._known.discard(key)

    def load(self, shared: _SharedLoader, step: int, shard: int):
        """Return images and targets; end by an OSError or EOFError with the process."""
        if shared.key not in self._known:
            shared.send(self)
            self._known.add(shared.key)
        self.requests.send(("load", shared.key, step, shard))
        word, *answer = self.requests.recv()
        if word == "error":
            raise answer[0]
        (layout,) = answer
        arrays = [np.empty(shape, dtype) for shape, dtype in layout]
        size = sum(values.nbytes for values in arrays)
        if size:
            with mmap.mmap(self._memory, size, access=mmap.ACCESS_READ) as room:
                for values in arrays:
                    if values.nbytes:
                        values.data.cast("B")[:] = room.read(values.nbytes)
        return arrays

    def end(self):
        """End the process, and free what belongs to it; twice does nothing more."""
        memory, self._memory = self._memory, None
        with contextlib.suppress(OSError):
            self.requests.close()
            self.handles.close()
        if memory is not None:  # its number may be another file's by now
            os.close(memory)
        self._process.kill()
        self._process.wait()
