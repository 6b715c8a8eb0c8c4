"""Checkpoint files of an attacker: exact numbers, or one of our errors.

None is read beyond its bytes, none takes 1 GB or 30 s. The long run is the slow test:

    python -m pytest -m slow -s tests/attacks/test_checkpoint_files.py
"""

import collections
import json
import os
import subprocess
import sys
from pathlib import Path

import checkpoint_attacks
import pytest

import swin_keras
from swin_keras.weights.tensor_file import open_tensor_file

ROOT = Path(swin_keras.__file__).parents[1]
LISTS = {
    "hostile": checkpoint_attacks.HOSTILE,
    "special": checkpoint_attacks.SPECIAL,
    "index": checkpoint_attacks.INDEXES,
}


def attack(kind, count):
    """Open files 0 to `count` of a kind; return what came of each."""
    results = []
    while len(results) < count:
        command = [
            sys.executable,
            "-P",
            checkpoint_attacks.__file__,
            kind,
            str(len(results)),
            str(count - len(results)),
        ]
        process = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        lines = process.stdout.splitlines()
        results += [json.loads(line)[1] for line in lines]
        if len(results) < count:
            assert lines or process.returncode < 0, process.stderr[-2000:]
            results.append(f"dead ({process.returncode})")
    return results


def counts(kind, results):
    found = collections.Counter(results)
    return f"{kind}: {len(results)} tried, " + ", ".join(
        f"{number} {word}" for word, number in sorted(found.items())
    )


@pytest.mark.parametrize("kind", LISTS)
def test_every_hostile_file_is_refused(kind):
    results = attack(kind, len(LISTS[kind]))
    print(counts(kind, results))
    named = dict(zip(LISTS[kind], results, strict=True))
    assert {n: result for n, result in named.items() if result != "refused"} == {}


def test_a_small_tensor_in_a_huge_storage_is_read_alone(tmp_path):
    count = 2**36  # numbers; the file has holes instead of 256 GB
    size = b"\x8a\x05" + count.to_bytes(5, "little")
    pickle = checkpoint_attacks.state_dict(checkpoint_attacks.tensor(size=size))
    storages = [(count, b"\x00\x00\x80\x3f" * 4)]
    path = tmp_path / "x.pth"
    path.write_bytes(
        checkpoint_attacks.legacy(pickle, [checkpoint_attacks.text("0")], storages)
    )
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 4 * (count - 4))
    assert open_tensor_file(path)["t0"].read().tolist() == [1, 1, 1, 1]


def check_mutants(kind, count):
    results = attack(kind, count)
    print(counts(kind, results))
    assert set(results) == {"refused", "loaded"}, counts(kind, results)
    assert results.count("refused") > count / 2


def test_a_few_damaged_files_are_refused_or_exact():
    check_mutants("mixed", 600)


@pytest.mark.slow
@pytest.mark.parametrize("kind", checkpoint_attacks.FUZZED)
def test_many_damaged_files_are_refused_or_exact(kind):
    check_mutants(kind, 5000)
