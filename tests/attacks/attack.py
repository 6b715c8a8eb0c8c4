"""Attack with many files, in a process that is started again when it dies."""

import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import swin_keras

PLACES = f"{Path(swin_keras.__file__).parents[1]}:{Path(__file__).parent}"
IN_A_PROCESS = 100  # mutants, before another is started with nothing left over


class Attempt(NamedTuple):
    """What came of one file: in a word, with seconds and megabytes."""

    number: int
    result: str
    seconds: float = 0.0
    megabytes: int = 0


def attack(script, kind: str, count: int, *more, first: int = 0) -> list[Attempt]:
    """Take files `first` to `first + count` of a kind.

    Args:
        script: What takes them: `checkpoint_attacks.py` or `file_attacks.py`.
        kind: One of its kinds.
        count: How many.
        more: Further words for the script.
        first: Number of the first.
    """
    attempts = []
    while len(attempts) < count:
        start = first + len(attempts)
        part = min(count - len(attempts), IN_A_PROCESS)
        words = map(str, (script, kind, start, part, *more))
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.run(
                [sys.executable, "-P", *words],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | {"PYTHONPATH": PLACES, "TF_CPP_MIN_LOG_LEVEL": "3"},
            )
            lines = [x for x in process.stdout.splitlines() if x.startswith("[")]
            attempts += [Attempt(*json.loads(line)) for line in lines]
            if len(lines) < part:
                errors.seek(0)
                assert lines or process.returncode < 0, errors.read()[-3000:]
                dead = f"dead ({process.returncode})"
                attempts.append(Attempt(first + len(attempts), dead))
    return attempts


def counts(attempts) -> dict[str, int]:
    """Return what came of the files, and of how many."""
    return dict(collections.Counter(attempt.result for attempt in attempts))
