"""Times model files in a subprocess, a turn each; prints JSON.

    python -m swin_keras.benchmarking.worker 2 3.0 false a.tflite b.tflite

Taking turns shares whatever else the machine does fairly between the files: the
seconds of every run of each.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

WARM_UP = 2
MIN_TURNS = 5
PAUSE = 0.05  # seconds: threads of ONNX Runtime keep a core busy after each run


def main(threads, seconds, trust, *paths):
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the runtimes print is no answer
    models = []
    for path in paths:
        run, shape = open_to_time(Path(path), int(threads), trust == "true")
        image = any_image(shape)
        for _ in range(WARM_UP):
            run(image)
        models.append((run, image, []))
    end = time.perf_counter() + float(seconds) * len(models)
    turns = 0
    while turns < MIN_TURNS or time.perf_counter() < end:
        for run, image, times in models:
            if len(models) > 1:
                time.sleep(PAUSE)
            start = time.perf_counter()
            run(image)
            times.append(time.perf_counter() - start)
        turns += 1
    json.dump([times for _, _, times in models], answer)
    answer.close()


def open_to_time(path, threads, trust=False):
    """Return a function that runs a file, and the shape of the images it takes.

    A LiteRT file runs in this process, without the way to another and back.
    """
    from swin_keras.inference.runtimes import open_model
    from swin_keras.model_files import require_whole

    if path.suffix != ".tflite":
        model = open_model(path, threads, trust)
        return model, (1, *model.input_shape)
    from ai_edge_litert.interpreter import Interpreter

    require_whole(path)
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()

    def run(image):
        interpreter.set_tensor(detail["index"], image)
        interpreter.invoke()

    return run, tuple(detail["shape"])


def any_image(shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


if __name__ == "__main__":
    main(*sys.argv[1:])
