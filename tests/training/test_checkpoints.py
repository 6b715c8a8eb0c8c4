"""Checkpoints on disk: whole or not there, whatever fails while they are written."""

import contextlib
import errno
import itertools
import logging
import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest

from swin_keras.errors import ResourceError
from swin_keras.training import checkpoints
from swin_keras.training.checkpoints import CheckpointFolder, RunState


def checkpoint(step):
    arrays = [np.full((3, 4), step, "float32"), np.array(step, "int64"), np.zeros(0)]
    return RunState(step, arrays, {"best": {"best_loss": step / 10}})


def assert_whole(found, step):
    expected = checkpoint(step)
    assert (found.step, found.state) == (step, expected.state)
    for one, two in zip(found.arrays, expected.arrays, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)


def test_the_newest_comes_back_and_two_are_kept(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    assert folder.newest() is None
    for step in (5, 10, 100):
        folder.save(checkpoint(step))
        assert_whole(folder.newest(), step)
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["step-00000010", "step-00000100"]


@pytest.mark.parametrize("name", ["arrays.bin", "state.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["one byte", "cut off", "gone", "a list", "a pipe"])
def test_a_damaged_one_is_named_and_the_one_before_is_taken(
    tmp_path, caplog, name, damage
):
    folder = CheckpointFolder(tmp_path)
    folder.save(checkpoint(1))
    file = folder.save(checkpoint(2)) / name
    content = bytearray(file.read_bytes())
    if damage == "one byte":
        content[len(content) // 2] ^= 64
        file.write_bytes(content)
    elif damage == "cut off":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "a list":
        file.write_text("[[]]")
    else:
        file.unlink()
    if damage == "a pipe":
        os.mkfifo(file)
    with caplog.at_level(logging.WARNING):
        assert_whole(folder.newest(), 1)
    assert "step-00000002 is damaged" in caplog.text


def test_those_after_the_one_a_run_resumed_from_make_room(tmp_path):
    folder = CheckpointFolder(tmp_path / "checkpoints")
    for step in (900, 1000):
        (folder.save(checkpoint(step)) / checkpoints.ARRAYS).write_bytes(b"damaged")
    assert folder.newest() is None
    for step in (50, 100):
        folder.save(checkpoint(step))
        assert_whole(folder.newest(), step)
    names = sorted(path.name for path in folder.path.iterdir())
    assert names == ["step-00000050", "step-00000100"]


def test_the_newest_is_that_of_the_most_steps(tmp_path):
    folder = CheckpointFolder(tmp_path)
    for step in (99_999_999, 100_000_000):
        folder.save(checkpoint(step))
    (tmp_path / "step-of-somebody").mkdir()
    assert_whole(folder.newest(), 100_000_000)


class Killed(BaseException):
    """Ends the writer as a kill does: nothing after it runs but `with` blocks."""


class FileOperations:
    """Count file operations, and let one of them fail."""

    def __init__(self, monkeypatch, failing, error):
        self.count, self.failing, self.error = 0, failing, error
        for place, name in (
            (os, "fsync"),
            (os, "open"),
            (shutil, "rmtree"),
            (pathlib.Path, "mkdir"),
            (pathlib.Path, "rename"),
            (checkpoints._Recorder, "write"),
            (checkpoints._Recorder, "__enter__"),
        ):
            self.wrap(monkeypatch, place, name)

    def wrap(self, monkeypatch, place, name):
        real = getattr(place, name)

        def counted(*args, **kwargs):
            self.count += 1
            if self.count == self.failing:
                if name == "write":  # the first half reaches the disk
                    recorder, data = args
                    real(recorder, bytes(data)[: len(data) // 2])
                error = self.error()
                if isinstance(error, OSError) and kwargs.get("ignore_errors"):
                    return None  # nothing is removed, and nobody is told
                raise error
            return real(*args, **kwargs)

        monkeypatch.setattr(place, name, counted)


@pytest.mark.parametrize(
    "error",
    [
        lambda: OSError(errno.ENOSPC, "No space left on device"),
        lambda: OSError(errno.EIO, "Input/output error"),
        Killed,
    ],
    ids=["disk full", "broken disk", "kill"],
)
def test_a_valid_one_is_left_whichever_file_operation_fails(tmp_path, error):
    for failing in itertools.count(1):
        folder = CheckpointFolder(tmp_path / str(failing), keep=1)
        folder.save(checkpoint(1))
        with pytest.MonkeyPatch.context() as monkeypatch:
            operations = FileOperations(monkeypatch, failing, error)
            try:
                folder.save(checkpoint(2))
                failed = False
            except (ResourceError, Killed):
                failed = True
        found = folder.newest()
        assert_whole(found, found.step)
        assert found.step == 2 or failed
        folder.save(checkpoint(3))  # what is left does not stop the next one
        assert_whole(folder.newest(), 3)
        if operations.count < failing:
            break
    assert failing > 20  # all of them were tried


def test_one_of_the_same_step_is_replaced_without_a_moment_in_between(tmp_path):
    for failing in itertools.count(1):
        folder = CheckpointFolder(tmp_path / str(failing), keep=1)
        folder.save(checkpoint(1))
        with pytest.MonkeyPatch.context() as monkeypatch:
            operations = FileOperations(monkeypatch, failing, Killed)
            with contextlib.suppress(Killed):
                folder.save(checkpoint(1))
        assert_whole(folder.newest(), 1)
        if operations.count < failing:
            break
    assert failing > 10


def test_what_killed_processes_left_goes_with_the_next_one(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=1)
    (tmp_path / ".unfinished-00000007").mkdir()
    (tmp_path / ".unfinished-00000007" / "arrays.bin").write_bytes(b"half")
    folder.save(checkpoint(9))
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000009"]


def test_a_full_disk_is_told_and_the_last_one_kept(tmp_path):
    code = f"""
import resource, signal, numpy as np
from swin_keras.errors import ResourceError
from swin_keras.training.checkpoints import RunState, CheckpointFolder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
folder = CheckpointFolder({str(tmp_path)!r})
folder.save(RunState(1, [np.zeros(10)], {{}}))
try:
    folder.save(RunState(2, [np.zeros(100_000)], {{}}))
except ResourceError as error:
    print(error)
print(folder.newest().step)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    message, step = done.stdout.splitlines()
    assert "File too large" in message
    assert "from step-00000001" in message
    assert step == "1"
