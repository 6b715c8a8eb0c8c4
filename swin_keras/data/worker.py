"""A process that loads batches for another one: see `workers`.

It ends when the other end of its socket closes, however that comes: a trainer
that was killed leaves no process behind.
"""

import functools
import itertools
import mmap
import os
import pickle
import signal
import socket
import sys
from multiprocessing.connection import Connection

import numpy as np

from swin_keras.errors import DataError


def main(link: int, memory: int):
    """Answer requests until there are no more.

    Args:
        link: Descriptor of a socket; messages are tuples, the word first.
        memory: Descriptor of the memory in which batches are handed over.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the trainer's to answer
    handles = socket.socket(fileno=os.dup(link))
    loaders = {}
    with Connection(link) as requests:
        while True:
            try:
                word, key, *rest = requests.recv()
                if word == "learn":
                    loaders[key] = _receive_loader(handles, *rest)
                elif word == "forget":
                    del loaders[key]
                else:
                    requests.send(_answer(loaders[key], *rest, memory))
            except (EOFError, OSError):
                return


def _answer(loader, step, shard, memory):
    """Load one shard of a step into the memory; return what is there."""
    try:
        arrays = [np.ascontiguousarray(values) for values in loader(step, shard)]
    except Exception as error:
        return "error", _portable(error)
    size = sum(values.nbytes for values in arrays)
    os.ftruncate(memory, max(size, 1))
    with mmap.mmap(memory, max(size, 1)) as room:
        for values in arrays:
            room.write(values.data.cast("B") if values.nbytes else b"")
    return "loaded", [(values.shape, values.dtype) for values in arrays]


def _portable(error: Exception) -> Exception:
    """Return an error that the other process can read."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  our own
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _receive_loader(handles: socket.socket, pickled: bytes, sizes: list[int]):
    """Return a loader whose arrays lie in memory that all processes share."""
    _, (shared,), _, _ = socket.recv_fds(handles, 1, 1)
    total = sum(sizes)
    room = mmap.mmap(shared, total, access=mmap.ACCESS_READ) if total else b""
    os.close(shared)
    ends = [0, *itertools.accumulate(sizes)]
    buffers = [memoryview(room)[a:b] for a, b in itertools.pairwise(ends)]
    try:
        return pickle.loads(pickled, buffers=buffers)  # noqa: S301  our own process
    except Exception as error:  # a class of the trainer's script, for example
        return functools.partial(_refuse, error)


def _refuse(error, step, shard):
    raise DataError(
        "What loads images in processes must be importable there: classes of modules, "
        f"not of a script ({error}). Use --workers 0."
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
