"""A fork opens models of TensorFlow where that works, and elsewhere refuses."""

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, sys
import {first}
import tensorflow as tf

def fork(path):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    signal.alarm(100)
    from swin_keras.errors import UsageError
    from swin_keras.inference.predictor import Predictor
    from swin_keras.training.train import train
    try:
        Predictor(path)
    except UsageError as error:
        print(error, flush=True)
        try:
            train(epochs=1)
        except UsageError as error:
            print(error, flush=True)
            os._exit(7)
    os._exit(0)

path = sys.argv[1]
if "{first}" == "swin_keras":
    assert fork(path) == 0  # TensorFlow is imported, and not used
tf.function(lambda x: x @ x)(tf.ones((9, 9)))
assert fork(path) == 7
"""


@pytest.mark.parametrize(
    "first", ["swin_keras", pytest.param("numpy", marks=pytest.mark.slow)]
)
def test_a_fork_of_a_process_that_used_tensorflow_refuses(trained_run, first):
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(first=first), trained_run.path],
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    model, training = process.stdout.splitlines()
    assert "fork of a process that has used TensorFlow" in model
    assert training.startswith("Training needs TensorFlow")
