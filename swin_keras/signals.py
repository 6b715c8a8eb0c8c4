"""SIGTERM and Ctrl-C as wishes, for work that ends in good order."""

import signal
import threading
from contextlib import contextmanager


@contextmanager
def signals_to(note):
    """Call `note(number, frame)` on SIGTERM and Ctrl-C instead of ending.

    Only the main thread can: in another one nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    previous = [signal.signal(number, note) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, previous, strict=True):
            signal.signal(number, handler)
