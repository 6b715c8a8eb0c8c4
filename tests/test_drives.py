"""Drives that cannot all: a run trains on them, and says what it goes without."""

import errno
import fcntl
import os
import stat

import pytest

from swin_keras.drives import remedy
from swin_keras.errors import ResourceError
from swin_keras.training.checkpoints import CheckpointFolder, RunState
from swin_keras.training.compile_cache import CompileCache
from swin_keras.training.run_folder import create_run, disk_errors, locked


def fail(number):
    raise OSError(number, os.strerror(number))


@pytest.fixture
def flock_says(monkeypatch):
    return lambda number: monkeypatch.setattr(fcntl, "flock", lambda *_: fail(number))


@pytest.fixture
def fsync_of_a_folder_says(monkeypatch):
    real = os.fsync

    def fsync(file, number):
        return fail(number) if stat.S_ISDIR(os.fstat(file).st_mode) else real(file)

    return lambda number: monkeypatch.setattr(os, "fsync", lambda f: fsync(f, number))


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_drive_without_locks_is_done_without_and_told(
    tmp_path, flock_says, caplog, number
):
    flock_says(number)
    with locked(create_run(tmp_path, "run", "digits")):
        (record,) = caplog.records
    assert "run is on a drive without file locks" in record.getMessage()


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EACCES])
def test_a_lock_that_is_held_is_another_process(tmp_path, flock_says, number):
    run = create_run(tmp_path, "run", "digits")
    flock_says(number)
    with pytest.raises(ResourceError, match="Another process is training"), locked(run):
        pass


def test_a_drive_that_fails_is_no_other_process(tmp_path, flock_says):
    run = create_run(tmp_path, "run", "digits")
    flock_says(errno.EIO)
    with pytest.raises(ResourceError, match=r"output error.*drive") as caught:
        locked(run).__enter__()
    assert "Another process" not in str(caught.value)


def test_without_locks_compiled_files_of_killed_runs_go_all_the_same(
    tmp_path, flock_says, monkeypatch
):
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    flock_says(errno.ENOSYS)
    (tmp_path / "of_a_killed_one.pb").write_bytes(b"never noted")
    with CompileCache(True, tmp_path) as cache:
        assert cache.files() == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADF, errno.ENOTSUP])
def test_a_drive_that_flushes_no_folders_takes_checkpoints(
    tmp_path, fsync_of_a_folder_says, number
):
    fsync_of_a_folder_says(number)
    folder = CheckpointFolder(tmp_path)
    folder.save(RunState(3, [], {}))
    assert folder.newest().step == 3


def test_a_drive_that_breaks_while_it_flushes_is_told(tmp_path, fsync_of_a_folder_says):
    fsync_of_a_folder_says(errno.EIO)
    with pytest.raises(ResourceError, match=r"output error.*See to the drive, then"):
        CheckpointFolder(tmp_path).save(RunState(3, [], {}))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "Make room"),
        (errno.EDQUOT, "Make room"),
        (errno.EFBIG, "Make room"),
        (errno.EROFS, "See to its rights"),
        (errno.EACCES, "See to its rights"),
        (errno.EIO, "See to the drive"),
    ],
)
def test_room_is_asked_for_only_where_it_is_missing(tmp_path, number, said):
    run = create_run(tmp_path, "run", "digits")
    with pytest.raises(ResourceError, match=said), disk_errors(run):
        fail(number)


def test_a_reason_that_stands_in_the_text_only_is_understood():
    assert remedy(OSError("errno = 28, 'No space left on device'")) == "Make room"
