"""Times model files in a subprocess, a turn each; prints JSON.

    python -m swin_keras.benchmarking.worker 2 3.0 false a.tflite b.tflite

Taking turns shares whatever else the machine does fairly between the files: the
seconds of every run of each, divided by the images that it takes at a time.
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
        run, images = open_to_time(Path(path), int(threads), trust == "true")
        for _ in range(WARM_UP):
            run(images)
        models.append((run, images))
    json.dump(take_turns(models, float(seconds)), answer)
    answer.close()


def take_turns(models, seconds, clock=time.perf_counter) -> list[list[float]]:
    """Return the seconds of each model's runs, for each of its images.

    Args:
        models: Functions, and the images that each is given.
        seconds: How long for each of them.
        clock: Tells the time in seconds.
    """
    times = [[] for _ in models]
    end = clock() + seconds * len(models)
    while len(times[0]) < MIN_TURNS or clock() < end:
        for (run, images), own in zip(models, times, strict=True):
            if len(models) > 1:
                time.sleep(PAUSE)
            start = clock()
            run(images)
            own.append((clock() - start) / len(images))
    return times


def open_to_time(path, threads, trust=False):
    """Return a function that runs a file, and images to give it.

    A LiteRT file runs in this process, without the way to another and back.
    """
    from swin_keras.inference.runtimes import open_model
    from swin_keras.model_files import require_whole

    if path.suffix != ".tflite":
        if path.suffix != ".onnx":
            _keep_tensorflow_to(threads)
        model = open_model(path, threads, trust)
        return model, _any_images((1, *model.input_shape))
    from ai_edge_litert.interpreter import Interpreter

    require_whole(path)
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    interpreter.allocate_tensors()
    (detail,) = interpreter.get_input_details()

    def run(image):
        interpreter.set_tensor(detail["index"], image)
        interpreter.invoke()

    return run, _any_images(detail["shape"]).astype(detail["dtype"])


def _keep_tensorflow_to(threads):
    """Limit the threads of TensorFlow, which has one number for all its models."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def _any_images(shape) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype("float32")


if __name__ == "__main__":
    main(*sys.argv[1:])
