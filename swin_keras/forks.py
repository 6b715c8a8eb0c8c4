"""Forks: the threads of TensorFlow stay in the process that started them."""

import os
import sys

from swin_keras.errors import UsageError

_THREADS = "/proc/self/task"
_forked = False


def require_no_fork(what: str):
    """Refuse a fork of a process that has used TensorFlow.

    Whatever asks its threads for an answer there waits for ever. A fork of a process
    that has only imported TensorFlow starts its own.

    Args:
        what: What needs TensorFlow, as the sentence begins.

    Raises:
        UsageError: That says how processes are to be started.
    """
    if is_forked():
        raise UsageError(
            f"{what} needs TensorFlow, which runs in one process and not in forks of "
            "it. Received: a fork of a process that has used TensorFlow. Start "
            'processes with multiprocessing\'s "spawn", or use a .tflite file, which '
            "forks can share."
        )


def is_forked() -> bool:
    """Return whether this is a fork of a process that has used TensorFlow."""
    # A fork that imports this module only now is known by its single thread.
    threads = list(os.scandir(_THREADS)) if os.path.isdir(_THREADS) else []
    return _forked or (len(threads) == 1 and _is_used())


def _is_used() -> bool:
    """Return whether TensorFlow has started its threads in this process or a parent."""
    module = sys.modules.get("tensorflow.python.eager.context")
    if module is None:
        return False
    context = getattr(module, "_context", module)  # `None` until somebody asks for it
    return context is not None and (
        getattr(context, "_context_handle", module) is not None
    )


def _note():
    global _forked
    _forked = _forked or _is_used()


os.register_at_fork(after_in_child=_note)
