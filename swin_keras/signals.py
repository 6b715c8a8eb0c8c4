"""SIGTERM and Ctrl-C as wishes, for work that ends in good order."""

import logging
import signal
import threading
from contextlib import contextmanager

from swin_keras.errors import Interrupted

log = logging.getLogger(__name__)


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


class StopSignals:
    """Whether the process was asked to end, and by which signal.

    Work that has nothing to save is ended at once.
    """

    def __init__(self):
        self.signal = signal.SIGTERM  # what workers report that another stopped
        self.asked = False
        self._waits = False

    @contextmanager
    def heard(self):
        """Listen to SIGTERM and Ctrl-C; what they end, ends by `Interrupted`."""
        with signals_to(self.ask):
            try:
                yield
            except KeyboardInterrupt:
                raise Interrupted(self.signal) from None

    @contextmanager
    def noted(self):
        """Only note the wish: this work looks for it, and saves what it has."""
        self._waits = True
        try:
            yield
        finally:
            self._waits = False
        if self.asked:
            raise KeyboardInterrupt

    def ask(self, number, frame=None):
        """Note the wish; a second Ctrl-C ends the process at once."""
        is_first, self.asked, self.signal = not self.asked, True, number
        if is_first and self._waits:
            log.info("stopping after this step, with a checkpoint")
        elif is_first or number == signal.SIGINT:
            raise KeyboardInterrupt
