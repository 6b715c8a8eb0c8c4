"""Whether there is a GPU, without TensorFlow where there can be none."""

import glob
import sys

from swin_keras.forks import is_forked
from swin_keras.processes import find_devices

DRIVERS = ("/dev/nvidia[0-9]*", "/dev/dxg", "/dev/kfd")  # NVIDIA's, WSL's, AMD's


def may_have_gpu() -> bool:
    """Return whether the system has a driver for a GPU."""
    return any(map(glob.glob, DRIVERS))


def has_gpu() -> bool:
    """Return whether TensorFlow has a GPU, and Keras runs on it.

    TensorFlow is imported only where the system has a driver for one.
    """
    if is_forked() or not ("tensorflow" in sys.modules or may_have_gpu()):
        return False
    find_devices()
    import keras

    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
