"""What each command shows; the work itself is done by the package's functions."""

from swin_keras.commands.data import data
from swin_keras.commands.fit import evaluate, launch, train
from swin_keras.commands.info import convert, info
from swin_keras.commands.tune import tune
from swin_keras.commands.use import benchmark, demo, explain, export, predict

__all__ = [
    "benchmark",
    "convert",
    "data",
    "demo",
    "evaluate",
    "explain",
    "export",
    "info",
    "launch",
    "predict",
    "train",
    "tune",
]
