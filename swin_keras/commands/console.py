"""What the commands share: the console, tables, and a quiet TensorFlow."""

import os
import sys

import rich.box
from rich.console import Console
from rich.table import Table

IN_A_FILE = 140  # columns of a table where there is no terminal to fit

out = Console(highlight=False)
if not out.is_terminal:
    out = Console(highlight=False, width=IN_A_FILE)


def load_tensorflow():
    """Import TensorFlow without what it says of drivers and instruction sets.

    It writes to the process' standard error before it can be told not to; what
    Python raises is not touched.
    """
    sys.stderr.flush()
    terminal = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def make_table(*columns):
    """Return an empty table."""
    return Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False)
