"""A process counts the cores that it may use, not those of the machine."""

import os
import subprocess
import sys

import pytest

from swin_keras import cores
from swin_keras.cores import usable_cores


@pytest.fixture
def container(tmp_path, monkeypatch):
    """Return the folder of the limits of this process, on a machine of 16 cores."""
    monkeypatch.setattr(cores, "CGROUPS", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(16))
    return tmp_path


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("max 100000\n", 16),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),  # one and a half
        ("10000 100000\n", 1),
        ("6400000 100000\n", 16),
        ("", 16),
    ],
)
def test_the_share_of_a_container_counts(container, text, count):
    (container / "cpu.max").write_text(text)
    assert usable_cores() == count


@pytest.mark.parametrize(("quota", "count"), [("300000", 3), ("-1", 16)])
def test_the_share_of_an_older_container_counts(container, quota, count):
    (container / "cpu").mkdir()
    (container / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (container / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores() == count


def test_without_containers_the_cores_of_the_process_count(container):
    assert usable_cores() == 16


def test_a_process_that_is_held_to_one_core_has_one():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from swin_keras.cores import usable_cores; print(usable_cores())"
    )
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"1\n"


@pytest.mark.parametrize(
    ("limit", "told", "threads"),
    [("max", 0, 0), ("100000", 0, 1), ("100000", 5, 5)],
)
def test_tensorflow_starts_as_many_threads(tmp_path, limit, told, threads):
    """As a container's limit allows; 0 is its own choice, one for each core."""
    (tmp_path / "cpu.max").write_text(f"{limit} 100000")
    code = (
        "import os, sys, pathlib, tensorflow as tf; from swin_keras import cores\n"
        "from swin_keras.processes import find_devices\n"
        "os.sched_getaffinity = lambda _: range(4)\n"
        "cores.CGROUPS, threading = pathlib.Path(sys.argv[1]), tf.config.threading\n"
        "threading.set_intra_op_parallelism_threads(int(sys.argv[2]))\n"
        "find_devices()\n"
        "print(threading.get_intra_op_parallelism_threads())"
    )
    command = [sys.executable, "-c", code, str(tmp_path), str(told)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert int(done.stdout) == threads
