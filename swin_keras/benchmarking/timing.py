"""Latency, memory and load time of model files."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.errors import ModelFileError
from swin_keras.processes import module_command


@dataclass(frozen=True)
class Timing:
    """How a file ran, one image at a time.

    Args:
        path: The file.
        threads: Threads of the runtime.
        load_seconds: Time to load it.
        memory: Bytes that loading it and its first run added.
        times: Seconds of each run.
    """

    path: str
    threads: int
    load_seconds: float
    memory: int
    times: tuple[float, ...]

    @property
    def minimum(self) -> float:
        return min(self.times)

    @property
    def median(self) -> float:
        return float(np.median(self.times))

    @property
    def p95(self) -> float:
        return float(np.quantile(self.times, 0.95))

    def to_dict(self) -> dict:
        """Return the figures as plain values, for JSON."""
        return {
            "path": self.path,
            "threads": self.threads,
            "min_ms": 1e3 * self.minimum,
            "median_ms": 1e3 * self.median,
            "p95_ms": 1e3 * self.p95,
            "images_per_second": 1 / self.median,
            "load_ms": 1e3 * self.load_seconds,
            "memory_mb": self.memory / 1e6,
            "runs": len(self.times),
        }


def time_files(paths, threads: int, seconds: float = 3.0) -> list[Timing]:
    """Time files in turns, in one process of their own.

    Args:
        paths: Model files of any form.
        threads: Threads of the runtimes.
        seconds: Time for each file.

    Raises:
        ModelFileError: If one of them cannot be run.
    """
    module = "swin_keras.benchmarking.worker"
    done = subprocess.run(  # noqa: S603  our own module
        module_command(module, threads, seconds, *paths),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise ModelFileError(
            "Every file must be one that this machine can run. Received: "
            f"{', '.join(str(Path(path)) for path in paths)} ({lines[-1][:200]})."
        )
    rows = json.loads(done.stdout)
    return [
        Timing(str(path), threads, row["load"], row["memory"], tuple(row["times"]))
        for path, row in zip(paths, rows, strict=True)
    ]
