"""Processes of our own: how they are started."""

import sys


def module_command(module: str, *words) -> list[str]:
    """Return the command that runs a module of this package in a subprocess.

    Python puts the current folder first among the places it imports from when
    it runs a module; `-P` leaves it out. A `json.py` beside downloaded pictures
    is not ours to run.

    Args:
        module: Its full name, such as `"swin_keras.litert_worker"`.
        words: Its arguments, of any type.
    """
    return [sys.executable, "-P", "-m", module, *map(str, words)]
