"""Latency, memory and load time of model files."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from swin_keras.errors import ModelFileError, ResourceError
from swin_keras.processes import ended_by, module_command


@dataclass(frozen=True)
class Timing:
    """How a file ran: one image at a time, or as many as it was made for.

    Args:
        path: The file.
        threads: Threads of the runtime.
        times: Seconds of each run, for each of its images.
        load_seconds: Time to load it and to get its first answer, in a fresh process;
            `None` if not measured.
        memory: Bytes that loading it and its first runs added there.
    """

    path: str
    threads: int
    times: tuple[float, ...]
    load_seconds: float | None = None
    memory: int | None = None

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
            "load_ms": None if self.load_seconds is None else 1e3 * self.load_seconds,
            "memory_mb": None if self.memory is None else self.memory / 1e6,
            "runs": len(self.times),
        }


def time_files(
    paths, threads: int, seconds: float = 3.0, trust: bool = False
) -> list[Timing]:
    """Time files interleaved, in one subprocess.

    Args:
        paths: Model files of any form.
        threads: Threads of the runtimes.
        seconds: Time for each file.
        trust: Whether a SavedModel may hold any operation.

    Raises:
        ModelFileError: If one of them cannot be run.
    """
    words = (threads, seconds, _word(trust), *paths)
    return [
        Timing(str(path), threads, tuple(times))
        for path, times in zip(paths, measure("worker", words, paths), strict=True)
    ]


def measure_load(path, threads: int, trust: bool = False) -> tuple[float, int]:
    """Return what loading a file takes in a fresh process: seconds and bytes.

    Seconds are up to its first answer.

    Args:
        path: A model file of any form.
        threads: Threads of the runtime.
        trust: Whether a SavedModel may hold any operation.

    Raises:
        ModelFileError: If it cannot be run.
    """
    found = measure("load", (threads, _word(trust), path), [path])
    return found["seconds"], found["memory"]


def measure(module: str, words, paths):
    """Run one of the programs of this folder in a subprocess; return what it prints.

    Args:
        module: Its name.
        words: Its arguments.
        paths: The model files among them.

    Raises:
        ModelFileError: If one of them cannot be run.
        ResourceError: If the system ended the process.
    """
    done = subprocess.run(  # noqa: S603  our own module
        module_command(f"swin_keras.benchmarking.{module}", *words),
        capture_output=True,
        text=True,
    )
    if done.returncode < 0:
        raise ResourceError(
            f"The process that ran {_named(paths)} was ended "
            f"{ended_by(-done.returncode)}"
        )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        reason = lines[-1].removeprefix(f"{ModelFileError.__module__}.ModelFileError: ")
        raise ModelFileError(
            "Every file must be one that this machine can run. Received: "
            f"{_named(paths)} ({reason[:400]})."
        )
    return json.loads(done.stdout)


def _named(paths) -> str:
    return ", ".join(str(Path(path)) for path in paths)


def _word(flag: bool) -> str:
    return str(flag).lower()
