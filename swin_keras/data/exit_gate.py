"""Calls of TensorFlow's threads into Python, all over before Python ends.

A thread that needs Python's lock while the interpreter ends waits for ever. Whoever
leaves an iterator of `tf.data` unfinished, as a script or a traceback does, then waits
for that thread when the iterator is freed: the process hangs.
"""

import atexit
import functools
import threading
import time

QUIET = 0.1  # seconds without a call, after which all that is read ahead is full
LIMIT = 30.0  # seconds that a call may take, before Python ends all the same


class ExitGate:
    """Lets calls through until Python ends, and waits then for those that run."""

    def __init__(self):
        self._lock = threading.Lock()
        self._running, self._last = 0, float("-inf")
        self._is_closed = False
        self._register = functools.cache(lambda: atexit.register(self.close))

    def guard(self, function, stand_in):
        """Return a function that does the same until Python ends.

        Args:
            function: May take long.
            stand_in: What is returned from then on. Nobody sees it.
        """
        self._register()  # now: what registered before, such as processes, ends later

        @functools.wraps(function)
        def call(*arguments):
            with self._lock:
                self._running += 1
            try:
                return stand_in if self._is_closed else function(*arguments)
            finally:
                with self._lock:
                    self._running -= 1
                    self._last = time.monotonic()

        return call

    def close(self):
        """Let no more calls through, and wait until none is running or about to."""
        self._is_closed = True
        end = time.monotonic() + LIMIT
        while (now := time.monotonic()) < end and (
            self._running or now - self._last < QUIET
        ):
            time.sleep(QUIET / 10)


GATE = ExitGate()
