"""Benchmark model files: `swin-keras benchmark MODEL...`."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from swin_keras.benchmarking.timing import Timing, measure, measure_load, time_files
from swin_keras.errors import ModelFileError, UsageError
from swin_keras.inference.model_paths import find_model, path_of_model

log = logging.getLogger(__name__)
THREADS = (1, 2)
MOST_THREADS = 1024  # more would end the process before it is timed
PROFILED = 8  # kinds of operations that are named; the others are summed up


@dataclass(frozen=True)
class Benchmark:
    """What was measured.

    Args:
        timings: Each file, for each number of threads.
        profiles: Of each LiteRT file whose operations can be run one by one: kinds
            of operations, `[count, seconds]`, on the largest number of threads.
    """

    timings: tuple[Timing, ...]
    profiles: dict[str, dict]

    def to_dict(self) -> dict:
        """Return everything as plain values, for JSON."""
        return {
            "timings": [timing.to_dict() for timing in self.timings],
            "profiles": self.profiles,
        }


def benchmark(
    *models, threads=THREADS, seconds: float = 3.0, trust: bool = False
) -> Benchmark:
    """Time model files interleaved, and profile the LiteRT ones.

    What loading takes is measured for each file in a subprocess.

    Args:
        *models: Model files, or folders of exports, whose every form is timed. Of a
            SavedModel's folder with several versions, it is the newest.
        threads: Number of threads, or several to try.
        seconds: Time for each file and number of threads.
        trust: Whether a SavedModel may hold operations that do more than compute.

    Raises:
        UsageError: If there is nothing to time, no time, no thread or too many.
        ModelFileError: If a file is missing or cannot be run.

    Example:

    ```python
    result = benchmark("saved_models/digits", threads=(1, 2))
    print(min(timing.median for timing in result.timings))
    ```
    """
    threads = (threads,) if isinstance(threads, int) else tuple(threads)
    if not models or not threads or min(threads) < 1 or seconds <= 0:
        raise UsageError(
            "A benchmark needs a model, `threads` of at least 1 and `seconds` above 0. "
            f"Received: {len(models)} models, threads={threads}, seconds={seconds}."
        )
    if max(threads) > MOST_THREADS:
        raise UsageError(
            f"`threads` must be at most {MOST_THREADS}. Received: {max(threads)}. More "
            "than the processor has cores only slow a model down."
        )
    paths = [path for model in models for path in forms(model)]
    loads = {str(path): measure_load(path, max(threads), trust) for path in paths}
    timings = []
    for number in threads:
        for timing in time_files(paths, number, seconds, trust):
            load_seconds, memory = loads[timing.path]
            timings.append(replace(timing, load_seconds=load_seconds, memory=memory))
    profiles = {}
    for path in paths:
        if path.suffix == ".tflite":
            try:
                profiles[str(path)] = measure("profile", (max(threads), path), [path])
            except ModelFileError as error:  # the file was run, its operations were not
                log.warning("%s is timed but not profiled: %s", path, error)
    return Benchmark(tuple(timings), profiles)


def forms(model) -> list[Path]:
    """Return the forms in the folder of a run or an export; else the model itself.

    Raises:
        ModelFileError: If there is none.
    """
    model = path_of_model(model)
    patterns = ("*.keras", "saved_model/1", "*.tflite", "*.onnx")
    found = [
        path
        for pattern in patterns
        for path in sorted(model.glob(pattern))
        if not path.name.startswith(".")  # a part that a killed process left
    ]
    return found or [find_model(model)]
