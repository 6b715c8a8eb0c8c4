"""Time several functions side by side, in turns, with the machine's own rate."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

import numpy as np


def interleave(
    functions: dict, rounds: int, clock=time.perf_counter
) -> dict[str, list[float]]:
    """Call each function once a round, after one call to warm up.

    Returns:
        Seconds of each call by the clock, by name.
    """
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = clock()
            function()
            seconds[name].append(clock() - start)
    return seconds


def matrix_rate(size=1024, rounds=8) -> float:
    """Return what the machine gives now: GFLOP/s of a float32 matrix product."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype("float32")
    seconds = interleave({"product": lambda: a @ a}, rounds)["product"]
    return 2 * size**3 / min(seconds) / 1e9


def write_json(path: Path | None, report: dict | list):
    """Write what was measured, if anywhere; a file that is there stays whole."""
    if path:
        part = path.with_name(f".{path.name}.part")
        part.write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        part.replace(path)


def card() -> str:
    """Return the name of the first NVIDIA card, or that of the processor."""
    try:
        return ask_card("name")
    except OSError:
        cores = len(os.sched_getaffinity(0))
        return f"no GPU: {platform.processor() or platform.machine()}, {cores} cores"


def ask_card(figure: str) -> str:
    """Return a figure of nvidia-smi's about the first card.

    Raises:
        OSError: If there is no nvidia-smi, or it has no answer.
    """
    query = ["nvidia-smi", "-i", "0", "--format=csv,noheader,nounits"]
    query += [f"--query-gpu={figure}"]
    try:
        done = subprocess.run(  # noqa: S603
            query, capture_output=True, text=True, timeout=30
        )
    except subprocess.TimeoutExpired as error:
        raise OSError(str(error)) from error
    if done.returncode or not done.stdout.strip():
        raise OSError(f"nvidia-smi: {done.stdout}{done.stderr}")
    return done.stdout.strip()
