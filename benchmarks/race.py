"""Contenders, each in a subprocess, that take turns."""

import contextlib
import json
import math
import os
import resource
import select
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np

PAUSE = 0.1  # seconds: threads of some runtimes keep a core busy after each turn
PATIENCE = 10  # seconds over the time: a turn that was begun comes to its end
NO_TIME = "no time is left"


class Contender:
    """A process that holds one way to run a model and does a step when asked.

    Args:
        name: The script's first argument.
        script: What it runs, beside this file; it calls `answer_turns`.
        *arguments: The script's others.
        environment: Variables of its own.
        deadline: Value of `time.monotonic` by which it must be ready.
    """

    def __init__(self, name, script, *arguments, environment=None, deadline=math.inf):
        self.name = name
        self.seconds = []  # of a step, in each turn
        began = time.monotonic()
        path = Path(__file__).parent / script
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [sys.executable, str(path), name, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.about = self._answer(deadline)
        self.about["ready_after"] = time.monotonic() - began

    def _answer(self, deadline) -> dict:
        """Return what it says; where it says nothing in time, it is ended."""
        left = None if math.isinf(deadline) else max(0, deadline - time.monotonic())
        if not select.select([self._process.stdout], [], [], left)[0]:
            self._process.kill()
            return {"error": NO_TIME}
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"error": f"it ended: {self._end()}"}

    def _end(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=PATIENCE)
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        return signal.Signals(-code).name

    def turn(self, deadline=math.inf) -> dict:
        """Do one step; return its seconds and the process's peak memory."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        answer = self._answer(deadline)
        if "error" in answer:
            self.about["ended"] = answer["error"]
        else:
            self.seconds.append(answer["seconds"])
            self.about["megabytes"] = answer["megabytes"]
        return answer

    def row(self, batch) -> dict:
        """Return what is known of it; each of its devices has a batch of its own."""
        images = batch * self.about.get("devices", 1)
        return {
            **self.about,
            "name": self.name,
            "batch": batch,
            "turns": len(self.seconds),
            "images_per_second": images / min(self.seconds),
            "median": images / float(np.median(self.seconds)),
        }

    def let_go(self):
        """Have it end, without waiting for it."""
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()

    def close(self):
        self.let_go()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


def race(
    script,
    names,
    batch,
    rounds,
    *arguments,
    environments=None,
    deadline=math.inf,
    note=lambda row: None,
) -> list[dict]:
    """Time contenders in turns, the first of each as soon as it is ready.

    One that ends, or is not ready in time, loses what it had not shown; the others
    go on.

    Args:
        script: What each runs, beside this file; it calls `answer_turns`.
        names: The contenders' names, each its script's first argument.
        batch: Images in a step, its second.
        rounds: Turns of each.
        *arguments: The others.
        environments: Variables of single contenders, by name.
        deadline: Value of `time.monotonic` after which nothing begins.
        note: Called with a contender's row after each of its turns.

    Returns:
        A row for each that could run, the fastest first.
    """
    environments, contenders = environments or {}, []

    def take_turn(contender):
        time.sleep(PAUSE)
        answer = contender.turn(deadline + PATIENCE)
        if "error" in answer:
            print(f"  {contender.name}: {answer['error']}", flush=True)
        else:
            note(contender.row(batch))

    with contextlib.ExitStack() as stack:
        for name in names:
            if time.monotonic() > deadline:
                print(f"  {name} is left out: {NO_TIME}", flush=True)
                continue
            own = {"environment": environments.get(name), "deadline": deadline}
            contender = Contender(name, script, batch, *arguments, **own)
            stack.callback(contender.close)
            if "error" in contender.about:
                words = contender.about["error"]
                print(f"  {name} is left out: {words}", flush=True)
            else:
                contenders.append(contender)
                take_turn(contender)
        for _ in range(rounds - 1):
            for contender in contenders:
                if "ended" not in contender.about and time.monotonic() < deadline:
                    take_turn(contender)
        for contender in contenders:
            contender.let_go()
    rows = [contender.row(batch) for contender in contenders if contender.seconds]
    return sorted(rows, key=lambda row: -row["images_per_second"])


def show(rows):
    best = max((row["images_per_second"] for row in rows), default=0)
    for row in rows:
        more = f"  {row['difference']:.1e} off" if "difference" in row else ""
        more += f"  {100 * row['share']:.0f} % of the rate" if "share" in row else ""
        more += f"  loss {row['loss']:.3f}" if "loss" in row else ""
        if "device_megabytes" in row:
            more += f"  {row['device_megabytes']:.0f} MB on the device"
        more += f"  {row['ended']}" if "ended" in row else ""
        print(
            f"  {row['name']:26} {row['images_per_second']:7.2f} images/s "
            f"{row['images_per_second'] / best:6.2f}  {row['megabytes']:6.0f} MB{more}",
            flush=True,
        )


def answer_turns(make_step, steps=1):
    """Be a contender's process: make a step, then do it for each line that is read.

    What fails is said in words, and ends the process.

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

    try:
        step, about = make_step()
        say(about)
        for _ in sys.stdin if step else ():
            start = time.perf_counter()
            step()
            seconds = (time.perf_counter() - start) / steps
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            say({"seconds": seconds, "megabytes": peak})
    except Exception as error:  # a framework's may be of any kind
        traceback.print_exc()
        first, *_ = str(error).splitlines() or [""]
        say({"error": f"it ended: {type(error).__name__}: {first:.200}"})
