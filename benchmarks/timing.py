"""Time several functions side by side, in turns, with the machine's own rate."""

import time

import numpy as np


def interleave(functions: dict, rounds: int) -> dict[str, list[float]]:
    """Call each function once a round, after one call to warm up.

    Returns:
        Seconds of each call, by name.
    """
    for function in functions.values():
        function()
    seconds = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def matrix_rate(size=1024, rounds=8) -> float:
    """Return what the machine gives now: GFLOP/s of a float32 matrix product."""
    a = np.random.default_rng(0).normal(size=(size, size)).astype("float32")
    seconds = interleave({"product": lambda: a @ a}, rounds)["product"]
    return 2 * size**3 / min(seconds) / 1e9
