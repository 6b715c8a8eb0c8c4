"""Contenders, each in a subprocess, that take turns."""

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

PAUSE = 0.1  # seconds: threads of some runtimes keep a core busy after each turn


class Contender:
    """A process that holds one way to run a model and does a step when asked."""

    def __init__(self, name, script, *arguments):
        self.name = name
        path = Path(__file__).with_name(script)
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, str(path), name, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.about = self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": "it ended"}

    def turn(self) -> dict:
        """Do one step; return its seconds and the process's peak memory."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self):
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()


def race(script, names, batch, rounds, *arguments) -> list[dict]:
    """Time contenders in turns.

    Args:
        script: What each runs, beside this file; it calls `answer_turns`.
        names: The contenders' names, each its script's first argument.
        batch: Images in a step, its second.
        rounds: Turns of each.
        *arguments: The others.

    Returns:
        A row for each that could run, the fastest first.
    """
    with contextlib.ExitStack() as stack:
        contenders = []
        for name in names:
            contender = Contender(name, script, batch, *arguments)
            stack.callback(contender.close)
            if "error" in contender.about:
                print(f"  {name} is left out: {contender.about['error']}")
            else:
                contenders.append(contender)
        times = {contender.name: [] for contender in contenders}
        memory = {}
        for _ in range(rounds):
            for contender in contenders:
                time.sleep(PAUSE)
                answer = contender.turn()
                times[contender.name].append(answer["seconds"])
                memory[contender.name] = answer["megabytes"]
    rows = [
        {
            **contender.about,
            "name": contender.name,
            "batch": batch,
            "megabytes": memory[contender.name],
            "images_per_second": images_of(contender, batch) / min(seconds),
            "median": images_of(contender, batch) / float(np.median(seconds)),
        }
        for contender, seconds in zip(contenders, times.values(), strict=True)
    ]
    return sorted(rows, key=lambda row: -row["images_per_second"])


def images_of(contender, batch) -> int:
    """Return the images of a step: each device has a batch of its own."""
    return batch * contender.about.get("devices", 1)


def show(rows):
    best = max((row["images_per_second"] for row in rows), default=0)
    for row in rows:
        more = f"  {row['difference']:.1e} off" if "difference" in row else ""
        more += f"  {100 * row['share']:.0f} % of the rate" if "share" in row else ""
        more += f"  loss {row['loss']:.3f}" if "loss" in row else ""
        if "device_megabytes" in row:
            more += f"  {row['device_megabytes']:.0f} MB on the device"
        print(
            f"  {row['name']:24} {row['images_per_second']:7.2f} images/s "
            f"{row['images_per_second'] / best:6.2f}  {row['megabytes']:6.0f} MB{more}"
        )


def answer_turns(make_step, steps=1):
    """Be a contender's process: make a step, then do it for each line that is read.

    Args:
        make_step: Called without arguments; returns the step, and what to say of
            it: a dictionary, or one with the key `error`.
        steps: Of the kind that is timed, in one call of the step.
    """
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever the libraries print is no answer

    def say(values):
        answer.write(json.dumps(values) + "\n")
        answer.flush()

    step, about = make_step()
    say(about)
    for _ in sys.stdin if step else ():
        start = time.perf_counter()
        step()
        seconds = (time.perf_counter() - start) / steps
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        say({"seconds": seconds, "megabytes": peak})
