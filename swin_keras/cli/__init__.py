"""swin-keras: the command line."""

from swin_keras.cli.main import main

__all__ = ["main"]
