"""What the commands share: the console, tables, and a quiet TensorFlow."""

import rich.box
from rich.console import Console
from rich.table import Table

from swin_keras.exporting.quiet import quiet

IN_A_FILE = 140  # columns of a table where there is no terminal to fit

out = Console(highlight=False)
if not out.is_terminal:
    out = Console(highlight=False, width=IN_A_FILE)


def load_tensorflow():
    """Import TensorFlow without what it says of drivers and instruction sets.

    It writes to the process' standard error before it can be told not to; what
    Python raises is not touched.
    """
    with quiet():
        import tensorflow as tf

        tf.config.list_physical_devices()


def make_table(*columns):
    """Return an empty table."""
    return Table(*columns, box=rich.box.SIMPLE_HEAD, pad_edge=False)
