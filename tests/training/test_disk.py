"""A disk that is full: one sentence, nothing lost, and the run resumes as it was."""

import errno
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from toy_runs import EVERYTHING, folder_of_images, outcome, write_config

from swin_keras.errors import ResourceError
from swin_keras.training import TrainConfig
from swin_keras.training.run_folder import RunFolder, create_run, disk_errors
from swin_keras.training.train import train


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    root = tmp_path_factory.mktemp("disk")
    data = folder_of_images(root / "pets")
    options = EVERYTHING | {"batch_size": 8, "epochs": 2, "checkpoint_minutes": 1e-4}
    return TrainConfig(data=str(data), runs_dir=str(root), name="run", **options)


@pytest.fixture(scope="module")
def undisturbed(toy):
    return train(toy)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EROFS, "Read-only file system", "/runs/a/.lock"),
        OSError("Unable to write (errno = 28, error message = 'No space left on dev')"),
    ],
)
def test_what_a_disk_says_becomes_a_sentence(tmp_path, error):
    run = create_run(tmp_path, "a", "digits")
    said = r"files must be writable\. .*Resume\."
    with (
        pytest.raises(ResourceError, match=said),
        disk_errors(run, lambda: "Resume."),
    ):
        raise error


def test_other_faults_stay_what_they_are(tmp_path):
    run = create_run(tmp_path, "a", "digits")
    with pytest.raises(IsADirectoryError), disk_errors(run):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [  # before the first step, after the last
        pytest.param("open_run.extract", marks=pytest.mark.slow),
        "train.write_report",
    ],
)
def test_a_disk_that_fills_up_anywhere_loses_nothing(
    toy, undisturbed, tmp_path, monkeypatch, place
):
    name = place.split(".")[1]
    config = replace(toy, runs_dir=str(tmp_path), tensorboard=False, name=name)

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(f"swin_keras.training.{place}", full)
    with pytest.raises(ResourceError, match=r"No space left.*--resume") as caught:
        train(config, resume=True)
    assert caught.value.exit_code == 5
    monkeypatch.undo()
    run = train(config, resume=True)
    assert outcome(run) == outcome(undisturbed)
    assert len(list(run.samples.rglob("*.png"))) == 2


@pytest.mark.slow
@pytest.mark.parametrize("kilobytes", [40, 120, 200, 300, 420, 600])
def test_a_real_disk_of_any_size(toy, undisturbed, tmp_path, kilobytes):
    """It needs the right to mount one."""
    disk = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(disk, check=False).returncode:
        pytest.skip("no right to mount")
    try:
        config = replace(toy, runs_dir=str(tmp_path))
        path = write_config(config, undisturbed.path.parent / "full.yaml")
        words = [sys.executable, "-m", "swin_keras.cli", "train", "--config", path]
        done = subprocess.run([*words, "--resume"], capture_output=True, text=True)
        assert done.returncode in (0, 5), done.stderr
        assert "Traceback" not in done.stderr
        assert "Logging error" not in done.stderr
        if done.returncode:
            assert "No space left on device" in done.stderr.splitlines()[-1]
        larger = ["mount", "-o", "remount,size=64m", str(tmp_path)]
        subprocess.run(larger, check=True)
        done = subprocess.run([*words, "--resume"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert outcome(RunFolder.named(tmp_path, "run")) == outcome(undisturbed)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
