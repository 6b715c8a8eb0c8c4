"""A run that is heard, also in a program that has not set up logging."""

import logging
from contextlib import contextmanager

from swin_keras.screen import ScreenHandler


@contextmanager
def spoken(verbose: bool = True):
    """Show this package's lines, as the command line does, and take that back.

    Where a program has handlers of its own, these decide what is shown.

    Args:
        verbose: Whether to show them; if not, the program hears of the work what it
            would hear at any other time.
    """
    logger = logging.getLogger("swin_keras")
    if not verbose:
        with _hearing(logger, _Onwards(logger)), _apart(logger):
            yield
    elif logger.hasHandlers():
        yield
    else:
        with _apart(logger), logged_by(ScreenHandler()):
            yield


@contextmanager
def _apart(logger):
    """Keep lines from the handlers above, also from those that TensorFlow makes."""
    propagate, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = propagate


class _Onwards(logging.Handler):
    """Tell the handlers above what they hear now, whatever else is listened to."""

    def __init__(self, logger):
        super().__init__(logger.getEffectiveLevel())
        self.above = logger.parent if logger.propagate else None

    def emit(self, record):
        if self.above:
            self.above.callHandlers(record)


@contextmanager
def logged_by(handler: logging.Handler):
    """Have a handler hear what this package logs, for the time of the context."""
    logger = logging.getLogger("swin_keras")
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        with _hearing(logger, handler):
            yield
    finally:
        logger.setLevel(level)
        handler.close()


@contextmanager
def _hearing(logger, handler):
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
