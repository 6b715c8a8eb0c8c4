"""Measures what loading one model file takes, in a fresh process; prints JSON.

    python -m swin_keras.benchmarking.load 2 false model.tflite

Whatever came first in a shared process would bear what the others find there. The
runtime's library is imported before: seconds and bytes are the file's own. Seconds
end with its first answer, which some forms are built for only then; bytes with the
second.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

from swin_keras.benchmarking.worker import WARM_UP, open_to_time

LIBRARIES = {
    ".tflite": "ai_edge_litert.interpreter",
    ".onnx": "onnxruntime",
    ".keras": "swin_keras.layers",
}


def main(threads, trust, path):
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the runtimes print is no answer
    path = Path(path)
    importlib.import_module("swin_keras.inference.runtimes")
    importlib.import_module(LIBRARIES.get(path.suffix, "tensorflow"))
    before, start = memory_held(), time.perf_counter()
    run, images = open_to_time(path, int(threads), trust == "true")
    run(images)
    seconds = time.perf_counter() - start
    for _ in range(WARM_UP - 1):
        run(images)
    json.dump({"seconds": seconds, "memory": memory_held() - before}, answer)
    answer.close()


def memory_held() -> int:
    """Return the bytes of memory that this process holds; 0 where unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(*sys.argv[1:])
