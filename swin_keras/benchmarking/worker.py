"""Times model files in a process of its own, a turn each; prints JSON.

    python -m swin_keras.benchmarking.worker 2 3.0 a.tflite b.tflite

Taking turns shares whatever else the machine does fairly between the files. Of
each file: seconds to load, bytes of memory that loading and the first run added,
and the seconds of every run.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

WARM_UP = 2
FEWEST_TURNS = 5
PAUSE = 0.05  # seconds: threads of ONNX Runtime keep a core busy after each run


def main(threads, seconds, *paths):
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the runtimes print is no answer
    rng = np.random.default_rng(0)
    models = []
    for path in paths:
        before, start = _memory(), time.perf_counter()
        run, shape = _open(Path(path), int(threads))
        load = time.perf_counter() - start
        image = rng.integers(0, 256, shape).astype("float32")
        for _ in range(WARM_UP):
            run(image)
        models.append((run, image, load, _memory() - before, []))
    end = time.perf_counter() + float(seconds) * len(models)
    turns = 0
    while turns < FEWEST_TURNS or time.perf_counter() < end:
        for run, image, _, _, times in models:
            if len(models) > 1:
                time.sleep(PAUSE)
            start = time.perf_counter()
            run(image)
            times.append(time.perf_counter() - start)
        turns += 1
    rows = [
        {"load": load, "memory": memory, "times": times}
        for _, _, load, memory, times in models
    ]
    json.dump(rows, answer)
    answer.close()


def _open(path, threads):
    """Return a function that runs a file, and the shape of the images it takes."""
    if path.suffix != ".tflite":
        from swin_keras.runtimes import open_model

        model = open_model(path, threads)
        return model, (1, *model.input_shape)
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()

    def run(image):
        interpreter.set_tensor(detail["index"], image)
        interpreter.invoke()

    return run, tuple(detail["shape"])


def _memory() -> int:
    """Return the bytes of memory that this process holds; 0 where unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main(*sys.argv[1:])
