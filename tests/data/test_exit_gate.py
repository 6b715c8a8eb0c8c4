"""Processes end although an iterator of images was left unfinished."""

import subprocess
import sys
import threading
import time

import pytest

from swin_keras.data.exit_gate import ExitGate

SCRIPT = """
import time
import numpy as np
from swin_keras.data import BatchLoader, batches
from swin_keras.data.splits import ArraySplit

class Slow(BatchLoader):
    def __call__(self, step, shard=0):
        time.sleep(0.05)
        return super().__call__(step, shard)

split = ArraySplit(np.zeros((64, 8, 8, 1), "uint8"), np.zeros(64, "int64"), "train")
data = iter(batches(Slow(split, 4, (8, 8), 1, training=True), epochs=1000))
next(data)
print("done")
"""


@pytest.mark.slow
def test_a_script_ends_that_leaves_an_iterator_unfinished():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
    assert "Traceback" not in done.stderr


def test_a_closed_gate_lets_nothing_through():
    gate = ExitGate()
    call = gate.guard(lambda number: number + 1, "nothing")
    assert call(1) == 2
    gate.close()
    assert call(1) == "nothing"


def test_a_gate_closes_once_running_calls_are_over():
    gate, begun, over = ExitGate(), threading.Event(), []

    def work():
        begun.set()
        time.sleep(0.3)
        over.append(True)

    threading.Thread(target=gate.guard(work, None)).start()
    begun.wait()
    gate.close()
    assert over
