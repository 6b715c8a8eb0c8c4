"""A run that is heard, also in a program that has not set up logging."""

import logging
from contextlib import contextmanager

from swin_keras.screen import ScreenHandler


@contextmanager
def spoken(verbose: bool = True):
    """Show this package's lines, as the command line does, and take that back.

    Where a program has handlers of its own, these decide what is shown.

    Args:
        verbose: Whether to show them; if not, nothing changes.
    """
    logger = logging.getLogger("swin_keras")
    if not verbose or logger.hasHandlers():
        yield
        return
    with logged_by(ScreenHandler()):
        yield


@contextmanager
def logged_by(handler: logging.Handler):
    """Have a handler hear what this package logs, for the time of the context."""
    logger = logging.getLogger("swin_keras")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
