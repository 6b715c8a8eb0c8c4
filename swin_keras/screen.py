"""What is said on the screen, with nothing in it that a terminal would obey."""

import contextlib
import logging
import sys

from swin_keras.names import printable


def plain(text) -> str:
    """Return a text with its lines, all other control characters written out.

    Names of files and classes come from others: an escape sequence in one must
    not move the cursor or colour what follows.
    """
    return "\n".join(printable(line) for line in str(text).split("\n"))


def complain(text):
    """Report on standard error what is wrong."""
    with contextlib.suppress(OSError):  # nobody reads it any more
        print(plain(f"swin-keras: {text}"), file=sys.stderr)


class PlainFormatter(logging.Formatter):
    """A formatter for log lines that hold names from outside."""

    def format(self, record):
        return plain(super().format(record))


class ScreenHandler(logging.Handler):
    """Write to standard error as it is now: a progress bar may stand in for it.

    Where nobody reads any more (a closed terminal, a `tee` that has ended), work
    goes on unseen: a run has its own `log.txt`.
    """

    def __init__(self):
        super().__init__()
        self.setFormatter(PlainFormatter("%(message)s"))

    def emit(self, record):
        with contextlib.suppress(OSError):
            print(self.format(record), file=sys.stderr)


def counted(number: int, noun: str) -> str:
    """Return a number and a noun, which has an s but for one.

    >>> counted(1, "epoch"), counted(0, "image")
    ('1 epoch', '0 images')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


def duration(seconds: float) -> str:
    """Return a time as people read it.

    >>> duration(12.3), duration(600), duration(36000)
    ('12 s', '10 min', '10.0 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"
