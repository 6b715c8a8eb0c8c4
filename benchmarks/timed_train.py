"""`swin-keras` that also notes when a training run did what; see `gpu_commands.py`.

    python benchmarks/timed_train.py FILE train ...

FILE is JSON: seconds of the imports, seconds from there to the end of the first step,
and when the steps of each epoch began and ended, without validation, by `time.time`.
"""

import functools
import importlib
import os
import sys
import time
from pathlib import Path
from unittest import mock

from timing import write_json

BEGAN = time.time()


def make_timeline(path):
    """Import what trains; return a callback that writes the file."""
    import keras

    times = {"imports": time.time() - BEGAN, "first_step": None, "epochs": []}
    imported = time.time()

    class Timeline(keras.callbacks.Callback):
        takes_tensors = True  # and so does not make the run wait for each step

        def on_epoch_begin(self, epoch, logs=None):
            times["epochs"].append([time.time(), None])

        def on_train_batch_end(self, batch, logs=None):
            if times["first_step"] is None:
                float(logs["loss"])  # until it is computed
                times["first_step"] = time.time() - imported

        def on_test_begin(self, logs=None):  # the run has waited for the last step
            times["epochs"][-1][1] = time.time()

        def on_epoch_end(self, epoch, logs=None):
            write_json(path, times)

    return Timeline()


def main(path, *words):
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    training = importlib.import_module("swin_keras.training.train")
    from swin_keras.cli import main as swin_keras

    timed = functools.partial(training.train, callbacks=[make_timeline(Path(path))])
    with mock.patch.object(training, "train", timed):
        return swin_keras(words)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
