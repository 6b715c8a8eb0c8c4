"""What each command shows; the work itself is done by the package's functions."""

from swin_keras.cli.data import data
from swin_keras.cli.fit import evaluate, launch, train
from swin_keras.cli.info import convert, info
from swin_keras.cli.tune import tune
from swin_keras.cli.use import benchmark, demo, explain, export, predict

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
