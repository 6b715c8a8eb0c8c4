"""What the commands share: the console, tables, and a quiet TensorFlow."""

import contextlib
import shlex
from pathlib import Path

import rich.box
from rich.console import Console
from rich.table import Table

from swin_keras.gpus import has_gpu, may_have_gpu
from swin_keras.options import path_word
from swin_keras.processes import find_devices
from swin_keras.screen import plain

IN_A_FILE = 140  # columns of a table where there is no terminal to fit


class PlainConsole(Console):
    """A console to which texts are texts: no markup, no codes of a terminal."""

    def __init__(self, **options):
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def print(self, *objects, **options):
        # A line is for a shell or a log: where it is broken is theirs to decide.
        options.setdefault("soft_wrap", all(isinstance(o, str) for o in objects))
        super().print(*objects, **options)

    def on_broken_pipe(self):
        raise BrokenPipeError  # the reader has seen enough: `main` ends quietly

    def render_str(self, text, **options):
        return super().render_str(plain(text), **options)


out = PlainConsole()
if not out.is_terminal:
    out = PlainConsole(width=IN_A_FILE)


def load_tensorflow():
    """Import TensorFlow, and have it look for devices."""
    from swin_keras.training.xla_flags import leave_out_triton

    leave_out_triton()
    find_devices()


@contextlib.contextmanager
def keeping_compiled():
    """Keep what XLA compiles on a GPU within this context, for the next time.

    As `train` does by default. Where there is no GPU, nothing is loaded or written.
    """
    if not may_have_gpu():
        yield
        return
    from swin_keras.training.compile_cache import CompileCache
    from swin_keras.training.xla_flags import leave_out_triton

    leave_out_triton()  # what is kept depends on it
    cache = CompileCache()
    with cache if cache.announce() and has_gpu() else contextlib.nullcontext():
        yield


def make_table(*columns):
    """Return an empty table."""
    table = Table(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")  # of two long paths the ends differ
    return table


def command(*words) -> str:
    """Return a command that a shell takes as it is meant, as one line."""
    texts = (path_word(word) if isinstance(word, Path) else word for word in words)
    return shlex.join(["swin-keras", *texts])
